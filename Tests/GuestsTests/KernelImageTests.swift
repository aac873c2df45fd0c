import PageTables
import TestSupport
import Testing

@testable import Guests

/// The kernel's image, page by page.
@Suite struct KernelImageTests {
  /// Frames that a dump left out are the image's all the same: `makedumpfile` leaves out the page of zeroes.
  @Test func framesAreChosenWhetherTheMemoryHoldsThemOrNot() {
    let linux = LinuxMemory()
    let reader = GuestMemoryReader(linux.space, linux.memory)
    let wanted: Set<UInt64> = [0x0f0_0000, 0x100_0000, 0x100_1000, 0x100_4000, 0x17f_f000, 0x180_0000]
    let frames = KernelImage(reader, start: LinuxMemory.image).frames(reader) { wanted.contains($0.value) }
    #expect(
      frames.ranges.map { [$0.start.value, $0.end.value] }
        == [[0x100_0000, 0x100_2000], [0x100_4000, 0x100_5000], [0x17f_f000, 0x180_0000]])
  }
}
