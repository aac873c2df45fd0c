import Foundation
import MemoryImages
import PageTables

/// The memory of a capture, written again as raw and as LiME.
struct MemoryForms {
  let raw: String
  let lime: String

  init(of path: String, in folder: TemporaryFolder) throws {
    raw = folder.path("memory.raw")
    lime = folder.path("memory.lime")
    let image = try MemoryImage.open(path, options: SourceOptions())
    let ranges = image.memory.extent.readable.ranges
    for path in [raw, lime] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
    let rawFile = try FileHandle(forWritingTo: URL(fileURLWithPath: raw))
    let limeFile = try FileHandle(forWritingTo: URL(fileURLWithPath: lime))
    // Sparse: only tables are written.
    try rawFile.truncate(atOffset: 256 << 20)
    for range in ranges where range.end.value <= 256 << 20 {
      var bytes = Data()
      for address in stride(from: range.start.value, to: range.end.value, by: Int(Frame.size)) {
        bytes += try image.memory.withPage(at: PhysicalAddress(address)) { page in
          Data((0..<page.byteCount).map { page.unsafeLoad(fromByteOffset: $0, as: UInt8.self) })
        }
      }
      try rawFile.seek(toOffset: range.start.value)
      try rawFile.write(contentsOf: bytes)
      var header = Data()
      func append<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { header.append(contentsOf: $0) }
      }
      append(UInt32(0x4C69_4D45))
      append(UInt32(1))
      append(range.start.value)
      append(range.end.value - 1)
      append(UInt64(0))
      try limeFile.write(contentsOf: header + bytes)
    }
  }
}
