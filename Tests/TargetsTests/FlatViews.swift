/// What QEMU 7.2's `info mtree -f` prints of the address space "memory".
enum FlatViews {
  /// `-machine pc -m 4G -nodefaults`.
  static let hole = """
    FlatView #2
     AS "memory", root: system
     AS "cpu-memory-0", root: system
     Root memory region: system
      0000000000000000-00000000000bffff (prio 0, ram): pc.ram
      00000000000c0000-00000000000dffff (prio 1, rom): pc.rom
      00000000000e0000-00000000000fffff (prio 0, rom): pc.bios @0000000000020000
      0000000000100000-00000000bfffffff (prio 0, ram): pc.ram @0000000000100000
      00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic
      00000000fed00000-00000000fed003ff (prio 0, i/o): hpet
      00000000fee00000-00000000feefffff (prio 4096, i/o): apic-msi
      00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios
      0000000100000000-000000013fffffff (prio 0, ram): pc.ram @00000000c0000000
    """

  /// `-machine q35 -m 3G` with two memory backends, `near` of 1 GiB and `far` of 2 GiB, each a NUMA node; after its firmware has run.
  static let nodes = """
    FlatView #1
     AS "memory", root: system
     AS "cpu-memory-0", root: system
     AS "cpu-memory-1", root: system
     AS "ich9-ahci", root: bus master container
     Root memory region: system
      0000000000000000-00000000000c2fff (prio 0, ram): near
      00000000000c3000-00000000000e7fff (prio 0, rom): near @00000000000c3000
      00000000000e8000-00000000000effff (prio 0, ram): near @00000000000e8000
      00000000000f0000-00000000000fffff (prio 0, rom): near @00000000000f0000
      0000000000100000-000000003fffffff (prio 0, ram): near @0000000000100000
      0000000040000000-000000007fffffff (prio 0, ram): far
      00000000b0000000-00000000bfffffff (prio 0, i/o): pcie-mmcfg-mmio
      00000000febff000-00000000febfffff (prio 1, i/o): ahci
      00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic
      00000000fed00000-00000000fed003ff (prio 0, i/o): hpet
      00000000fed1c000-00000000fed1ffff (prio 1, i/o): lpc-rcrb-mmio
      00000000fee00000-00000000feefffff (prio 4096, i/o): apic-msi
      00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios
      0000000100000000-000000013fffffff (prio 0, ram): far @0000000040000000
    """

  /// `-machine pc,nvdimm=on -m 128M` with an NVDIMM of 128 MiB.
  static let module = """
    FlatView #2
     AS "memory", root: system
     AS "cpu-memory-0", root: system
     Root memory region: system
      0000000000000000-00000000000bffff (prio 0, ram): pc.ram
      00000000000c0000-00000000000dffff (prio 1, rom): pc.rom
      00000000000e0000-00000000000fffff (prio 0, rom): pc.bios @0000000000020000
      0000000000100000-0000000007ffffff (prio 0, ram): pc.ram @0000000000100000
      00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic
      00000000fed00000-00000000fed003ff (prio 0, i/o): hpet
      00000000fee00000-00000000feefffff (prio 4096, i/o): apic-msi
      00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios
      0000000100000000-0000000107ffffff (prio 0, nv-ram): plug
    """

  /// `-machine q35,memory-backend=ram -m 256M -nodefaults`, after Linux has started; with an address space before and one after.
  static let running = """
    FlatView #0
     AS "mch", root: bus master container
     AS "ICH9-LPC", root: bus master container
     AS "ICH9-SMB", root: bus master container
     Root memory region: (none)
      No rendered FlatView

    FlatView #1
     AS "memory", root: system
     AS "cpu-memory-0", root: system
     AS "ich9-ahci", root: bus master container
     AS "virtio-serial-pci", root: bus master container
     Root memory region: system
      0000000000000000-00000000000c2fff (prio 0, ram): ram
      00000000000c3000-00000000000e7fff (prio 0, rom): ram @00000000000c3000
      00000000000e8000-00000000000effff (prio 0, ram): ram @00000000000e8000
      00000000000f0000-00000000000fffff (prio 0, rom): ram @00000000000f0000
      0000000000100000-000000000fffffff (prio 0, ram): ram @0000000000100000
      00000000b0000000-00000000bfffffff (prio 0, i/o): pcie-mmcfg-mmio
      00000000febf8000-00000000febf8fff (prio 0, i/o): virtio-pci-common-virtio-serial
      00000000febf9000-00000000febf9fff (prio 0, i/o): virtio-pci-isr-virtio-serial
      00000000febfa000-00000000febfafff (prio 0, i/o): virtio-pci-device-virtio-serial
      00000000febfb000-00000000febfbfff (prio 0, i/o): virtio-pci-notify-virtio-serial
      00000000febfe000-00000000febfe01f (prio 0, i/o): msix-table
      00000000febfe800-00000000febfe807 (prio 0, i/o): msix-pba
      00000000febff000-00000000febfffff (prio 1, i/o): ahci
      00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic
      00000000fed00000-00000000fed003ff (prio 0, i/o): hpet
      00000000fed1c000-00000000fed1ffff (prio 1, i/o): lpc-rcrb-mmio
      00000000fee00000-00000000feefffff (prio 4096, i/o): apic-msi
      00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios

    FlatView #2
     AS "I/O", root: io
     Root memory region: io
      0000000000000000-0000000000000007 (prio 0, i/o): dma-chan
      0000000000000008-000000000000000f (prio 0, i/o): dma-cont
      0000000000000010-000000000000001f (prio 0, i/o): io @0000000000000010
    """
}
