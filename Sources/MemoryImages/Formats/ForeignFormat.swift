/// Files that people may try but that hold no memory in a readable form: what they are, and how to get memory out
/// of them.
struct ForeignFormat {
  /// Follows the file's name.
  let text: String

  /// Bytes at an offset in the file.
  private struct Sign {
    var bytes: [UInt8]
    var offset = 0
    let text: String

    init(_ bytes: [UInt8], at offset: Int = 0, _ text: String) {
      self.bytes = bytes
      self.offset = offset
      self.text = text
    }

    init(_ bytes: String, at offset: Int = 0, _ text: String) {
      self.init(Array(bytes.utf8), at: offset, text)
    }
  }

  /// The length of the file's start that all signs lie in.
  private static let headLength: UInt64 = 1024

  /// Nil if the first bytes match none of these formats.
  init?(_ file: borrowing MappedFile) {
    guard let head = file.copy(at: 0, length: min(file.count, Self.headLength)),
      let sign = Self.signs.first(where: { head.dropFirst($0.offset).starts(with: $0.bytes) })
    else { return nil }
    text = sign.text
  }

  private static let signs: [Sign] =
    windows + virtualMachines + disks + compressed + programs

  private static let windows: [Sign] = {
    let crash =
      "is a Windows crash dump; 'vol -f FILE -o FOLDER layerwriter' (Volatility 3) writes its memory, for --format raw"
    let hibernation =
      "is a Windows hibernation file; Hibr2Bin (Comae Toolkit) or 'vol.py imagecopy' (Volatility 2, up to Windows 7) writes its memory, for --format raw"
    return [
      Sign("PAGEDU64", crash), Sign("PAGEDUMP", crash),
      Sign("MDMP", "is a Windows minidump, which holds no page tables; take a complete memory dump"),
    ] + ["hibr", "HIBR", "wake", "WAKE", "rstr", "RSTR"].map { Sign($0, hibernation) }
  }()

  private static let virtualMachines: [Sign] = {
    let vmware =
      "is a VMware snapshot or suspended state; 'vmss2core -N6 FILE [FILE.vmem]' writes an ELF core; where a .vmem lies beside it, that is its memory: --format raw, with --layout pc:3G for more than 3 GiB"
    let libvirt =
      "is what 'virsh save' wrote; 'virsh restore FILE --paused', then 'virsh dump --memory-only DOMAIN NEW' writes an ELF core"
    let xen =
      "is a saved Xen domain; 'xl restore -p FILE', then 'xl dump-core DOMAIN NEW' writes its memory"
    return [
      Sign([0xd0, 0xbe, 0xd2, 0xbe], vmware), Sign([0xd1, 0xba, 0xd1, 0xba], vmware),
      Sign([0xd2, 0xbe, 0xd2, 0xbe], vmware), Sign([0xd3, 0xbe, 0xd3, 0xbe], vmware),
      Sign(
        "QEVM",
        "is a QEMU migration stream ('virsh dump' without --memory-only writes it, too); start QEMU on it with -incoming 'exec:cat FILE' -S, then 'dump-guest-memory NEW' in its monitor writes an ELF core"
      ),
      Sign("LibvirtQemudSave", libvirt), Sign("LibvirtQemudPart", libvirt),
      Sign(
        "\u{7f}VirtualBox SavedState V",
        "is a saved state of VirtualBox; start the machine from it, then 'VBoxManage debugvm NAME dumpvmcore --filename=NEW' writes an ELF core"
      ),
      Sign(
        [0x14, 0x20, 0x28, 0x01],
        "is a saved state of Hyper-V; 'MemProcFS -device hvsavedstate://FILE' on Windows shows its memory as memory.pmem, for --format raw"
      ),
      Sign("Xen saved domain", xen), Sign("LinuxGuestRecord", xen), Sign("LibxlFmt", xen),
    ]
  }()

  private static let disks: [Sign] = {
    func disk(_ kind: String) -> String {
      "is a \(kind) disk image, not memory; take a dump of the running machine"
    }
    let evidence =
      "is an EnCase evidence file; 'ewfexport -f raw -t NEW FILE' writes what is in it, for --format raw"
    return [
      Sign(
        [0x51, 0x46, 0x49, 0xfb],
        "is a qcow2 disk image, not memory; where it holds a snapshot of the machine, start QEMU with -loadvm NAME -S, then 'dump-guest-memory NEW' in its monitor writes an ELF core"
      ),
      Sign("KDMV", disk("VMware")), Sign("COWD", disk("VMware")),
      Sign("# Disk DescriptorFile", disk("VMware")), Sign("vhdxfile", disk("Hyper-V")),
      Sign("conectix", disk("Hyper-V")), Sign([0x7f, 0x10, 0xda, 0xbe], at: 0x40, disk("VirtualBox")),
      Sign([0x45, 0x56, 0x46, 0x09, 0x0d, 0x0a, 0xff, 0x00], evidence),
      Sign([0x45, 0x56, 0x46, 0x32, 0x0d, 0x0a, 0x81, 0x00], evidence),
    ]
  }()

  private static let compressed: [Sign] = {
    func packed(_ command: String) -> String { "is compressed; unpack it first: \(command)" }
    return [
      Sign([0x1f, 0x8b, 0x08], packed("gzip -d FILE")),
      Sign([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], packed("xz -d FILE")),
      Sign([0x28, 0xb5, 0x2f, 0xfd], packed("zstd -d FILE")),
      Sign([0x04, 0x22, 0x4d, 0x18], packed("lz4 -d FILE")), Sign("BZh", packed("bzip2 -d FILE")),
      Sign([0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a], packed("lzop -d FILE")),
      Sign([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], packed("7z x FILE")),
      Sign("Rar!\u{1a}\u{07}", packed("unrar x FILE")), Sign([0x50, 0x4b, 3, 4], packed("unzip FILE")),
      Sign("ustar", at: 257, "is an archive; unpack it first: tar -xf FILE"),
      Sign("!<arch>\n", "is an archive; unpack it first: ar x FILE"),
    ]
  }()

  /// Signs that also occur at the start of real memory are included only if something else distinguishes the file.
  private static let programs: [Sign] = {
    let machO =
      "is a Mach-O file (a program or core of macOS), which is not read; take an ELF core or raw memory"
    return [
      Sign("HdrS", at: 0x202, "is a Linux kernel image, not memory; take a dump of the running machine"),
      Sign(
        "ARM\u{64}", at: 0x38,
        "is a Linux kernel image for AArch64, or memory of such a machine; only tables of "
          + "\(Machine.supportedNames) are read"),
      Sign(
        "MZ", "is a Windows or EFI program, not memory; give a memory dump (--format raw reads it as memory)"),
      Sign([0xcf, 0xfa, 0xed, 0xfe], machO), Sign([0xce, 0xfa, 0xed, 0xfe], machO),
      Sign([0xfe, 0xed, 0xfa, 0xcf], machO),
    ]
  }()
}
