import MemoryImages
import PageTables
import Synchronization
import TestSupport
import Testing

@testable import Guests

/// Memory that is written while it is read: what was checked may be another when it is read again.
@Suite struct ChangingSymbolTests {
  /// A memory of which one page is blank after it was read so many times.
  private struct ChangingMemory: PhysicalMemory {
    let memory: TableMemory
    let page: UInt64
    let reads: Int
    private let counter = Counter()

    init(_ memory: TableMemory, page: UInt64, reads: Int) {
      self.memory = memory
      self.page = page & ~(Frame.size - 1)
      self.reads = reads
    }

    var extent: MemoryExtent { memory.extent }

    func withPage<Result>(
      at address: PhysicalAddress, _ body: (RawSpan) -> Result
    ) throws(MissingPage) -> Result {
      guard address.frameStart.value == page,
        counter.value.wrappingAdd(1, ordering: .relaxed).newValue > reads
      else { return try memory.withPage(at: address, body) }
      return body([UInt8](repeating: 0, count: Int(Frame.size)).span.bytes)
    }
  }

  private final class Counter: Sendable {
    let value = Atomic<Int>(0)
  }

  @Test func symbolsWhoseTablesChangeAreNotBelieved() throws {
    var memory = LinuxMemory()
    let symbols = (0..<1200).map {
      (name: "f\($0)", kind: Character("t"), address: LinuxMemory.image + 0x2_0000 + UInt64($0 * 16))
    }
    let writer = SymbolWriter(symbols: symbols)
    let place = try #require(
      Vmcoreinfo(Array(writer.write(to: &memory, at: LinuxMemory.image + 0x1_0000).utf8))
        .flatMap { KallsymsAddresses($0) })
    for page in [place.tokenIndex, place.tokenTable, place.names] {
      for reads in 0..<8 {
        let changing = ChangingMemory(memory.memory, page: LinuxMemory.physical(page), reads: reads)
        let reader = GuestMemoryReader(memory.space, changing)
        let image = KernelImage(reader, start: LinuxMemory.image)
        let found = KallsymsSearch(reader: reader, image: image).run()
        #expect(found == nil || found == place, "\(AddressText.hex(page)) after \(reads) reads")
      }
    }
    let reader = GuestMemoryReader(memory.space, memory.memory)
    let image = KernelImage(reader, start: LinuxMemory.image)
    #expect(KallsymsSearch(reader: reader, image: image).run() == place)
  }
}
