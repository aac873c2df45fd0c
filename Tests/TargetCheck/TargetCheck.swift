import CFatalSignals
import Glibc
import MemoryImages
import PageTables
import Targets

/// Compares a target that stands still with an ELF dump that was made in the same stop: RAM map, every page,
/// registers, notes; and says how long the target takes.
///
///     targetcheck SOURCE DUMP [process|savedFile|connection]..
///
/// `DUMP` may be `-`: nothing is compared. Two words hold a stopped target, to see what becomes of it: `hold` waits for a
/// signal, `trap` crashes, `exit` ends without closing.
@main
enum TargetCheck {
  static func main() {
    do {
      let arguments = CommandLine.arguments
      guard arguments.count >= 3 else { throw Failure(text: "targetcheck SOURCE DUMP [WAY].. ") }
      let ways = MemoryWay.allCases.filter { way in
        arguments.dropFirst(3).contains("\(way)")
      }
      pw_watch_fatal_signals()
      let dump = arguments[2] == "-" ? nil : try MemoryImage.open(arguments[2])
      try check(arguments[1], dump, ways: ways.isEmpty ? MemoryWay.allCases : ways, end: arguments.last ?? "")
    } catch {
      print("\(error)")
      exit(1)
    }
  }

  private static func check(_ source: String, _ dump: MemoryImage?, ways: [MemoryWay], end: String) throws {
    let clock = ContinuousClock()
    let start = clock.now
    guard let target = try Targets.open(source, ways: ways) else { throw Failure(text: "no target") }
    defer { target.close() }
    print("\(source): \(target.kind), \(target.access); open in", clock.now - start)
    let wasRunning = try target.isRunning()
    if target.canStop {
      print("  stop", try clock.measure { try target.stop() }, wasRunning ? "ran" : "stood")
    }
    var memory = target.memory
    if ["hold", "trap", "exit"].contains(end) {
      _ = try? memory.withPage(at: PhysicalAddress(0)) { $0.byteCount }
      print("held")
      fflush(nil)
      if end == "hold" { sleep(60) }
      if end == "trap" { fatalError("as asked") }
      exit(0)
    }
    print("  memory again", clock.measure { memory = target.memory })
    var cpus: [CPUState] = []
    print("  registers", try clock.measure { cpus = try target.registers() }, "of \(cpus.count)")
    measure(memory, clock)
    if let dump {
      report("extent", memory.extent == dump.memory.extent)
      report("machine", target.machine == dump.machine)
      report("registers", cpus == dump.cpus)
      report("VMCOREINFO", target.vmcoreinfo == dump.vmcoreinfo)
      compare(memory, dump.memory, clock)
    }
    if target.canStop { print("  resume", try clock.measure { try target.resume() }) }
    report("state", try target.isRunning() == wasRunning)
  }

  private static func report(_ what: String, _ isEqual: Bool) {
    print("  \(what) \(isEqual ? "equal" : "DIFFERS")")
  }

  /// The median of 101 pages, one after the other.
  private static func measure(_ memory: any PhysicalMemory, _ clock: ContinuousClock) {
    guard let range = memory.extent.readable.ranges.max(by: { $0.length < $1.length }) else { return }
    let step = max(Frame.size, range.length / 101 / Frame.size * Frame.size)
    var times: [Duration] = []
    for number in 0..<UInt64(101) where number * step < range.length {
      let address = range.start.advanced(by: number * step)
      var sum: UInt64 = 0
      times.append(
        clock.measure {
          _ = try? memory.withPage(at: address) { page in
            for offset in stride(from: 0, to: page.byteCount, by: 8) {
              sum &+= page.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            }
          }
        })
    }
    times.sort()
    print("  a page", times[times.count / 2], "median", times[times.count - 1], "most")
  }

  private static func compare(
    _ memory: any PhysicalMemory, _ dump: any PhysicalMemory, _ clock: ContinuousClock
  ) {
    var pages = 0
    var different = 0
    let start = clock.now
    let time = clock.measure {
      for range in memory.extent.readable.ranges {
        // A quarter of an hour by the slowest way is too long: samples do.
        var part = range
        while part.length > 0 {
          let end = min(part.end.value, part.start.value + (1 << 20))
          let stretch = PhysicalRange(part.start, PhysicalAddress(end))
          part.start = stretch.end
          if clock.now - start > .seconds(20), part.start.value >> 20 % 16 != 0 { continue }
          memory.forEachPage(in: stretch) { address, page in
            pages += 1
            let isEqual =
              try? dump.withPage(at: address) { theirs in
                (0..<page.byteCount / 8).allSatisfy { index in
                  page.unsafeLoadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
                    == theirs.unsafeLoadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
                }
              }
            if isEqual != true {
              different += 1
              if different < 4 { print("  differs at", String(address.value, radix: 16)) }
            }
          }
        }
      }
    }
    let all = memory.extent.readable.length / Frame.size
    print("  \(pages) of \(all) pages read in \(time), \(different) DIFFERENT")
  }
}

private struct Failure: Error, CustomStringConvertible {
  var text: String
  var description: String { text }
}
