import PageTables
import Testing

@testable import Targets

/// Command lines, and the segments that a dump of such a machine had (QEMU 7.2); firmware apart.
@Suite struct GuestLayoutTests {
  private func layout(_ line: String) -> GuestLayout {
    GuestLayout(QemuCommandLine(arguments: line.split(separator: " ").map(String.init)))
  }

  private func ranges(_ line: String) -> [String] {
    layout(line).places.map {
      "\($0.backend) \(String($0.offset, radix: 16)) \(String($0.range.start.value, radix: 16)) "
        + String($0.range.length, radix: 16)
    }
  }

  @Test(arguments: [
    ("qemu-system-x86_64 -machine pc -m 256M", ["0 0 0 10000000"]),
    ("qemu-system-x86_64", ["0 0 0 8000000"]),
    ("qemu-system-x86_64 -M q35 -m 2048", ["0 0 0 80000000"]),
    ("qemu-system-x86_64 -machine q35 -m 3G", ["0 0 0 80000000", "0 80000000 100000000 40000000"]),
    ("qemu-system-x86_64 -machine pc -m 4G", ["0 0 0 c0000000", "0 c0000000 100000000 40000000"]),
    (
      "/usr/bin/kvm -machine type=pc-i440fx-7.2 -m size=4G",
      ["0 0 0 c0000000", "0 c0000000 100000000 40000000"]
    ),
    (
      "qemu-system-x86_64 -machine q35 -m 3G -object memory-backend-ram,id=near,size=1G -object "
        + "memory-backend-memfd,id=far,size=2G,share=on -numa node,memdev=near -numa node,memdev=far",
      ["0 0 0 40000000", "1 0 40000000 40000000", "1 40000000 100000000 40000000"]
    ),
    ("qemu-system-aarch64 -machine virt -m 1G", ["0 0 40000000 40000000"]),
    ("qemu-system-riscv64 -machine virt -m 1G", ["0 0 80000000 40000000"]),
  ])
  func ramLiesWhereTheMachineHasIt(_ line: String, _ places: [String]) {
    #expect(ranges(line) == places)
  }

  @Test func theFileIsThatOfTheMachinesBackend() {
    let line =
      "qemu-system-x86_64 -machine q35,memory-backend=ram -object memory-backend-file,id=ram,size=256M,"
      + "share=on,mem-path=/dev/shm/a,,b -m 256M"
    #expect(layout(line).backends == [GuestLayout.Backend(size: 256 << 20, path: "/dev/shm/a,b")])
  }

  @Test func libvirtDescribesObjectsInJson() {
    let line = QemuCommandLine(arguments: [
      "/usr/bin/qemu-system-x86_64", "-machine", "pc-q35-7.2,memory-backend=pc.ram", "-object",
      #"{"qom-type":"memory-backend-memfd","id":"pc.ram","share":true,"size":1073741824}"#,
    ])
    #expect(GuestLayout(line).backends == [GuestLayout.Backend(size: 1 << 30, path: nil)])
  }

  @Test func aVideoCardCoversItsHole() {
    #expect(layout("qemu-system-x86_64 -nographic").holes.ranges.first?.start == PhysicalAddress(0xa0000))
    #expect(layout("qemu-system-x86_64 -vga none").holes.ranges.isEmpty)
    #expect(layout("qemu-system-x86_64 -nodefaults").holes.ranges.isEmpty)
    #expect(!layout("qemu-system-x86_64 -nodefaults -device virtio-vga,id=x").holes.ranges.isEmpty)
  }

  @Test(arguments: ["-m", "-m x", "-m 99999999999999999999T", "-m 16777216T", "-m -1", "-numa node", "-m 0"])
  func hostileSizesDoNoHarm(_ options: String) {
    _ = ranges("qemu-system-x86_64 " + options)
  }

  @Test func aBackendIsFoundByItsFileOrElseByItsSize() throws {
    let maps = ProcessMaps(
      text: """
        7fc728000000-7fc738000000 rw-p 00000000 00:00 0
        7fc738000000-7fc738001000 ---p 00000000 00:00 0
        7fc740000000-7fc750000000 rw-s 00000000 fe:00 16433321                   /tmp/a file
        7fc760000000-7fc780000000 rw-p 00000000 00:00 0
        7fff00000000-7fff00021000 rw-p 00000000 00:00 0                          [stack]
        """)
    #expect(maps.mappings[2].path == "/tmp/a file")
    var named = layout("qemu-system-x86_64 -nodefaults -m 256M")
    named.backends[0].path = "/tmp/a file"
    #expect(try GuestBlocks.find(named, maps, name: "pid:1").map(\.address) == [0x7fc7_4000_0000])
    let plain = layout("qemu-system-x86_64 -nodefaults -m 512M")
    #expect(try GuestBlocks.find(plain, maps, name: "pid:1").map(\.address) == [0x7fc7_6000_0000])
    #expect(throws: TargetError.self) {
      try GuestBlocks.find(layout("qemu-system-x86_64 -m 1G"), maps, name: "pid:1")
    }
  }
}
