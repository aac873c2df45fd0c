import Dispatch
import Synchronization

/// Does two pieces of work at once, the second on the calling thread.
package func alongside<Other: Sendable, Result>(
  _ other: @escaping @Sendable () -> Other, work: () -> Result
) -> (other: Other, work: Result) {
  let done = DispatchSemaphore(value: 0)
  let found = Held<Other>()
  DispatchQueue.global(qos: .userInitiated).async {
    let value = other()
    found.value.withLock { $0 = value }
    done.signal()
  }
  let result = work()
  done.wait()
  guard let value = found.value.withLock({ $0 }) else { preconditionFailure("the other work has ended") }
  return (value, result)
}

private final class Held<Value: Sendable>: Sendable {
  let value = Mutex<Value?>(nil)
}
