import MemoryImages
import PageTables
import TestSupport
import Testing

@Suite("What a dump is known by again")
struct DumpIdentityTests {
  private func identity(_ bytes: [UInt8]) throws -> UInt64 {
    let file = ImageFile(bytes)
    return try MemoryImage.open(file.path, options: SourceOptions(format: .raw)).identity
  }

  @Test("Dumps of one size with other contents differ, although most of each is empty")
  func contents() throws {
    let empty = [UInt8](repeating: 0, count: 4096 * 4096)
    var (one, other) = (empty, empty)
    one.replaceSubrange(0..<512 * 4096, with: imagePages(at: 0, pages: 512))
    other.replaceSubrange(0..<512 * 4096, with: imagePages(at: 0x1000, pages: 512))
    #expect(try identity(one) != identity(other))
    #expect(try identity(one) == identity(one))
  }

  @Test("The registers tell dumps of one machine apart")
  func registers() throws {
    let file = ImageFile(imagePages(at: 0, pages: 4))
    var image = try MemoryImage.open(file.path, options: SourceOptions(format: .raw))
    image.cpus = [CPUState(cr0: 0, cr3: 0x1000, cr4: 0, instructionPointer: 0x40_1000)]
    let before = image.identity
    image.cpus[0].instructionPointer += 1
    #expect(image.identity != before)
  }
}
