import CSockets
import Glibc
import MemoryImages
import PageTables

/// The machine itself by `/proc/kcore`, which shows a kernel's virtual memory as an ELF core. Those of its segments that
/// are RAM say where they lie in physical memory.
final class KcoreTarget: Target {
  let name: String
  let kind = "this machine"
  let access = "kcore"
  let memory: any PhysicalMemory
  let machine: Machine?
  let vmcoreinfo: [UInt8]?
  let warnings: [String]
  var canStop: Bool { false }

  /// Headers and notes lie in front of the memory, and are small: 56 bytes for each stretch of RAM.
  private static let headerLimit = 4 << 20

  init(_ path: String) throws(TargetError) {
    name = path
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      switch errno {
      case ENOENT, ENOTDIR: throw .unsupported(path, feature: "no such file; this kernel has none")
      case EACCES, EPERM:
        throw .unsupported(path, feature: "no permission; become root (lockdown forbids it even then)")
      default: throw .system(path, operation: "open", reason: errorText(errno))
      }
    }
    do throws(TargetError) {
      let core = try Self.headers(descriptor, path, limit: Self.headerLimit)
      let places = core.stretches.compactMap { stretch -> DescriptorMemory.Place? in
        guard let physical = stretch.physical, stretch.length <= .max - physical else { return nil }
        return DescriptorMemory.Place(
          range: PhysicalRange(PhysicalAddress(physical), PhysicalAddress(physical + stretch.length)),
          offset: stretch.fileOffset)
      }
      let held = Self.held(places, descriptor, path)
      let missing = held.lost.reduce(0) { $0 &+ ($1.end.value - $1.start.value) } / Frame.size
      warnings = missing > 0 ? ["the file ends early: \(missing) pages are missing"] : []
      guard !places.isEmpty else {
        throw .noMemoryFound(path, reason: "no segment says where it lies; Linux before 4.11?")
      }
      machine = core.machine
      vmcoreinfo = core.vmcoreinfo
      memory = DescriptorMemory(descriptor: descriptor, places: held.places, lost: held.lost)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  /// Whether a file has the form: an ELF core with segments that do not say where they lie beside others that do, at
  /// file offsets far apart, and no note of a CPU. No dump has that.
  static func isLikely(_ path: String) -> Bool {
    if path == "/proc/kcore" { return true }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return false }
    defer { Glibc.close(descriptor) }
    var start: [UInt8] = [0, 0, 0, 0]
    guard pread(descriptor, &start, 4, 0) == 4, start == [0x7f] + Array("ELF".utf8),
      let core = try? headers(descriptor, path, limit: 64 << 10)
    else { return false }
    return core.cpus.isEmpty && core.stretches.contains { $0.physical == nil && $0.virtual >> 47 == 0x1_ffff }
      && core.stretches.contains { $0.physical != nil }
  }

  /// What of some places a copy of the kernel's file holds, and what it lacks: of that itself, all and nothing.
  private static func held(
    _ places: [DescriptorMemory.Place], _ descriptor: Int32, _ path: String
  ) -> (places: [DescriptorMemory.Place], lost: [PhysicalRange]) {
    var file = stat()
    guard path != "/proc/kcore", fstat(descriptor, &file) == 0 else { return (places, []) }
    var lost: [PhysicalRange] = []
    let held = places.compactMap { place -> DescriptorMemory.Place? in
      let length = place.range.end.value - place.range.start.value
      let there = UInt64(max(0, file.st_size)).subtractingReportingOverflow(place.offset)
      let kept = there.overflow ? 0 : min(length, there.partialValue)
      let end = place.range.start.advanced(by: kept)
      if kept < length { lost.append(PhysicalRange(end, place.range.end)) }
      guard kept > 0 else { return nil }
      var place = place
      place.range = PhysicalRange(place.range.start, end)
      return place
    }
    return (held, lost)
  }

  /// A copy of the file's beginning: it cannot be mapped.
  private static func headers(
    _ descriptor: Int32, _ path: String, limit: Int
  ) throws(TargetError) -> CoreDescription {
    var all: [UInt8] = []
    while all.count < limit {
      var result = 0
      let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 16) { target, count in
        result = pread(descriptor, target.baseAddress, target.count, off_t(all.count))
        count = max(0, result)
      }
      guard result > 0 else { break }
      all += chunk
    }
    guard let copy = MemoryFile(), !all.isEmpty, pwrite(copy.descriptor, all, all.count, 0) == all.count
    else {
      throw .system(path, operation: "read its headers", reason: errorText(errno))
    }
    do throws(ImageError) { return try CoreDescription(descriptor: copy.descriptor, path: path) } catch {
      throw .unsupported(path, feature: "is no ELF core as the kernel makes it")
    }
  }

  func isRunning() throws(TargetError) -> Bool { true }

  func stop() throws(TargetError) { throw .unsupported(name, feature: "this machine cannot stop itself") }

  func resume() throws(TargetError) {}

  func registers() throws(TargetError) -> [CPUState] { [] }

  func waitUntilStopped(seconds: Double) throws(TargetError) -> Bool {
    throw .unsupported(name, feature: "this machine never stands still")
  }

  func close() {}
}
