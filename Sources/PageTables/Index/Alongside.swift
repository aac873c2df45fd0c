import Dispatch
import Synchronization

/// Does two pieces of work at once, the second on the calling thread; where no other thread is free, one after the other.
package func alongside<Other: Sendable, Result>(
  _ other: @escaping @Sendable () -> Other, work: () -> Result
) -> (other: Other, work: Result) {
  let errand = Errand(other)
  DispatchQueue.global(qos: .userInitiated).async { errand.run() }
  let result = work()
  return (errand.finish(), result)
}

/// Work that is done once, by whoever comes first.
private final class Errand<Value: Sendable>: Sendable {
  private let work: @Sendable () -> Value
  private let isTaken = Atomic(false)
  private let value = Mutex<Value?>(nil)
  private let done = DispatchSemaphore(value: 0)

  init(_ work: @escaping @Sendable () -> Value) { self.work = work }

  /// Does the work, unless somebody does.
  func run() {
    guard !isTaken.exchange(true, ordering: .acquiringAndReleasing) else { return }
    let found = work()
    value.withLock { $0 = found }
    done.signal()
  }

  /// The result. Work that nobody has begun is done here: to wait for a thread, while others wait, may take for ever.
  func finish() -> Value {
    run()
    done.wait()
    guard let found = value.withLock({ $0 }) else { preconditionFailure("the work has been done") }
    return found
  }
}
