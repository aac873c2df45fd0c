import Glibc
import MemoryImages
import PageTables

/// The memory of a guest in the process that runs it: its shared files mapped, the rest read from the process.
struct ProcessMemory: Sendable {
  var parts: [PartedMemory.Part] = []
  /// What this user may not read.
  var forbidden: [PhysicalRange] = []
  /// Bytes that are mapped.
  var mappedBytes: UInt64 = 0

  /// How most of it is reached.
  var access: String {
    let all = parts.reduce(0) { $0 + $1.ranges.length }
    return mappedBytes > all / 2 ? "RAM file mapped" : "process memory"
  }

  /// - Parameter places: where the process has the guest's memory.
  /// - Throws: `processForbidden`, or `noMemoryFound` where the process has not mapped such places.
  init(process: Int32, places: [HostPlace], name: String) throws(TargetError) {
    guard let maps = ProcessMaps(process: process) else { throw Self.error(errno, name) }
    var files: [FileIdentity: SharedFile] = [:]
    var read: [DescriptorMemory.Place] = []
    for place in places {
      let range = place.block.range
      guard let mappings = maps.covering(place.address, range.length) else {
        throw .noMemoryFound(name, reason: "process \(process) has mapped none where QEMU says")
      }
      for mapping in mappings {
        let start = max(mapping.start, place.address)
        let end = min(mapping.end, place.address + range.length)
        let part = PhysicalRange(
          range.start.advanced(by: start - place.address), range.start.advanced(by: end - place.address))
        if let file = mapping.file, mapping.isShared {
          files[file, default: SharedFile(mapping: mapping)].add(part, at: start, in: mapping)
        } else {
          read.append(DescriptorMemory.Place(range: part, offset: start))
        }
      }
    }
    for (file, wanted) in files {
      if let memory = Self.map(file, wanted.mapping, places: wanted.places, process: process) {
        let ranges = PhysicalRanges(wanted.places.map(\.range))
        parts.append(PartedMemory.Part(ranges: ranges, memory: memory))
        mappedBytes += ranges.length
      } else {
        read += wanted.inProcess
      }
    }
    guard !read.isEmpty else { return }
    let descriptor = open("/proc/\(process)/mem", O_RDONLY | O_CLOEXEC)
    if descriptor >= 0 {
      let memory = DescriptorMemory(descriptor: descriptor, places: read)
      parts.append(PartedMemory.Part(ranges: memory.extent.readable, memory: memory))
    } else {
      let reason = errno
      guard !parts.isEmpty, reason == EACCES || reason == EPERM else { throw Self.error(reason, name) }
      forbidden = read.map(\.range)
    }
  }

  /// A file that the process has mapped, maybe in several places.
  private struct SharedFile {
    var mapping: ProcessMaps.Mapping
    var places: [FilePlace] = []
    var inProcess: [DescriptorMemory.Place] = []

    mutating func add(_ range: PhysicalRange, at address: UInt64, in mapping: ProcessMaps.Mapping) {
      places.append(FilePlace(range: range, offset: mapping.offset &+ (address - mapping.start)))
      inProcess.append(DescriptorMemory.Place(range: range, offset: address))
    }
  }

  /// Maps a shared file by whatever name it can be opened.
  private static func map(
    _ file: FileIdentity, _ mapping: ProcessMaps.Mapping, places: [FilePlace], process: Int32
  ) -> (any PhysicalMemory)? {
    func memory(_ path: String) -> (any PhysicalMemory)? {
      guard SystemFiles.identity(path) == file,
        let memory = try? liveFileMemory(path, places: places),
        places.allSatisfy({ memory.extent.readable.contains($0.range) })
      else { return nil }
      return memory
    }
    // One that has no name any more, or never had one, may still be open.
    if mapping.path.hasPrefix("/"), let found = memory(mapping.path) { return found }
    let folder = "/proc/\(process)/fd"
    for name in SystemFiles.names(in: folder) {
      if let found = memory("\(folder)/\(name)") { return found }
    }
    let bounds = String(mapping.start, radix: 16) + "-" + String(mapping.end, radix: 16)
    return memory("/proc/\(process)/map_files/\(bounds)")
  }

  private static func error(_ code: Int32, _ name: String) -> TargetError {
    switch code {
    case EACCES, EPERM: .processForbidden(name)
    case ENOENT, ESRCH: .noSuchProcess(name)
    default: .system(name, operation: "read the guest's process", reason: errorText(code))
    }
  }
}
