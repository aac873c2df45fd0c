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
  }

  private func next(_ taker: inout MomentTaker, isRunning: Bool) -> Duration {
    var standing = Duration.zero
    _ = taker.next(of: image, isRunning: isRunning) { work in
      standing = ContinuousClock().measure { try? work(image.cpus) }
    }
    return standing
  }
}
