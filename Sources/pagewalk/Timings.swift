import Glibc
import Records

/// How long each phase took, on standard error.
struct Timings {
  let isOn: Bool
  let json: Bool

  func measure<Result>(_ phase: String, _ body: () throws -> Result) rethrows -> Result {
    guard isOn else { return try body() }
    let start = ContinuousClock.now
    let result = try body()
    report(phase, ContinuousClock.now - start)
    return result
  }

  private func report(_ phase: String, _ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    let milliseconds = Double(microseconds) / 1000
    var bytes: [UInt8]
    if json {
      var line = JSONLine()
      line.object {
        $0.field("phase", phase)
        $0.field("milliseconds", milliseconds)
      }
      bytes = line.bytes
    } else {
      bytes = Array("\(phase)  \(milliseconds) ms\n".utf8)
    }
    _ = write(2, &bytes, bytes.count)
  }
}
