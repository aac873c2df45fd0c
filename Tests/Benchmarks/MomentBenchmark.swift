import Explorer
import Guests
import MemoryImages
import PageTables

/// The next moment of a machine whose memory is mapped: how long it stands still. The dump stands for the machine, in
/// which nothing happens meanwhile; who waits for whom is the same.
struct MomentBenchmark {
  private let image: MemoryImage

  init(_ image: MemoryImage) { self.image = image }

  func run() {
    var taker = MomentTaker(SpaceSearchOptions())
    _ = next(&taker, isRunning: true)
    var durations: [Duration] = []
    for _ in 0..<20 { durations.append(next(&taker, isRunning: true)) }
    let tables = taker.last.flatMap { moment in
      SpaceIndex(moment.discovery.spaces.spaces.map(\.space), memory: moment.memory)?.tableCount
    }
    // In proportion between the two figures: 10 ms with 700 tables, 50 ms with 7,000.
    let goal = Duration.milliseconds(10) + .microseconds(max(0, (tables ?? 0) - 700) * 40_000 / 6_300)
    line(
      "next moment, the machine stands still (\(tables ?? 0) tables)",
      durations.sorted()[durations.count / 2],
      goal: goal)
    showNext(&taker)
  }

  /// What is made of a moment until a screen can show it, as the explorer's program does.
  private func showNext(_ taker: inout MomentTaker) {
    guard let before = taker.last else { return }
    var parts = [Duration](repeating: .zero, count: 3)
    let clock = ContinuousClock()
    var all: [Duration] = []
    for _ in 0..<5 {
      var moment: GuestMoment?
      taker.makeRoom()
      parts[0] = clock.measure { _ = next(&taker, isRunning: true) }
      moment = taker.last
      guard let moment else { return }
      let (spaces, names) = (moment.discovery.spaces.spaces, moment.discovery.names)
      let live = spaces.filter { !$0.isPossiblyStale && !$0.isUnowned }.map(\.space)
      parts[1] = clock.measure {
        _ = names?.kernelParts
        _ = names?.commandLines()
      }
      parts[2] = clock.measure {
        let now = KeptMoment(name: "", memory: moment.memory, spaces: spaces, names: names)
        let base = KeptMoment(
          name: "", memory: before.memory, spaces: before.discovery.spaces.spaces,
          names: before.discovery.names)
        _ = alongside {
          MomentChanges(from: base, to: now)
        } work: {
          ExplorerIndex(
            spaces.map(\.space), SpaceCensus(spaces), memory: moment.memory,
            kernelStart: { moment.discovery.kernelStart(of: live, $0) }, names: names)
        }
      }
      all.append(parts.reduce(.zero, +))
    }
    line("the same, until a screen can show it", all.sorted()[all.count / 2], goal: .milliseconds(100))
    print("  of the last: moment \(parts[0]), names \(parts[1]), index and changes \(parts[2])")
  }

  private func next(_ taker: inout MomentTaker, isRunning: Bool) -> Duration {
    var standing = Duration.zero
    _ = taker.next(of: image, isRunning: isRunning) { work in
      standing = ContinuousClock().measure { try? work(image.cpus) }
    }
    return standing
  }
}
