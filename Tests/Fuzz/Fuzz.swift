import Glibc
import TestSupport

/// Damages files for as long as one wants, opens them, and reads from what opens:
/// `swift run -c release fuzz SECONDS [FILE…]`; without files, small ones of every format whose parser is ours.
///
/// `swift run -c release fuzz changing SECONDS` reads memory that is written all the time, in every way there is.
///
/// A broken promise is a line with the seed that leads to it; a crash names none, as it ends the program.
@main
struct Fuzz {
  /// Images between two looks at the clock.
  private static let batch = 200

  static func main() {
    if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "changing",
      let seconds = Int(CommandLine.arguments[2])
    {
      exit(ChangingMemoryRun.run(seconds: seconds) ? 0 : 1)
    }
    guard CommandLine.arguments.count >= 2, let seconds = Int(CommandLine.arguments[1]) else {
      print("usage: fuzz SECONDS [FILE...] | fuzz changing SECONDS")
      exit(64)
    }
    let seeds = CommandLine.arguments.dropFirst(2).map(contents)
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    let first = UInt64.random(in: 0..<1 << 48)
    var images = 0
    var problems = 0
    while clock.now < end {
      let seed = first &+ UInt64(images)
      let found =
        seeds.isEmpty
        ? fuzzImages(seed: seed, iterations: batch) : fuzzImages(seed: seed, iterations: batch, seeds: seeds)
      for problem in found { print(problem) }
      problems += found.count
      images += batch
    }
    print("\(images) images from seed \(first), \(problems) problems")
    exit(problems == 0 ? 0 : 1)
  }

  private static func contents(of path: String) -> [UInt8] {
    guard let file = fopen(path, "rb") else {
      print("\(path): \(String(cString: strerror(errno)))")
      exit(1)
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
    return bytes
  }
}
