/// Checks the notes of a kdump file for what would crash libkdumpfile (0.5.1). The library builds a tree of the
/// keys of VMCOREINFO: a key below another one causes a double free, one that begins with a dot an endless read,
/// and a long one a stack overflow.
struct KdumpNotesCheck {
  let path: String
  let pageSize: UInt64
  private var vmcoreinfoBytes: UInt64 = 0

  /// Linux keeps its VMCOREINFO in one page; the largest page has 64 KiB.
  static let longestVmcoreinfo: UInt64 = 65536
  /// Enough for 8,192 CPUs, Linux's maximum: a `struct elf_prstatus` and QEMU's note for each.
  private static let longestNotes: UInt64 = 8 << 20
  private static let longestKey = 255

  init(path: String, pageSize: UInt64) {
    self.path = path
    self.pageSize = pageSize
  }

  mutating func notes(_ file: borrowing MappedFile, at start: UInt64, size: UInt64) throws(ImageError) {
    guard size <= Self.longestNotes else {
      throw .corrupt(path, offset: start, problem: "its notes are longer than any machine's: \(size) bytes")
    }
    var position = start
    let end = start.saturatingAdding(size)
    while end - position >= 12, let nameSize = file.load(UInt32.self, at: position),
      let descriptorSize = file.load(UInt32.self, at: position + 4)
    {
      let name = position + 12
      let descriptor = name + padded(nameSize)
      guard descriptor <= end, UInt64(descriptorSize) <= end - descriptor else { return }
      for known in ["VMCOREINFO", "VMCOREINFO_XEN"] as [StaticString]
      where isName(known, file, at: name, size: nameSize) {
        guard descriptorSize > 0 else {
          throw .corrupt(path, offset: position, problem: "VMCOREINFO is empty")
        }
        try vmcoreinfo(file, at: descriptor, size: UInt64(descriptorSize))
      }
      if isName(".note.Xen", file, at: name, size: nameSize) {
        throw .corrupt(path, offset: position, problem: "a note that only Xen's ELF cores have")
      }
      position = min(end, descriptor + padded(descriptorSize))
    }
  }

  mutating func vmcoreinfo(_ file: borrowing MappedFile, at offset: UInt64, size: UInt64) throws(ImageError) {
    vmcoreinfoBytes = vmcoreinfoBytes.saturatingAdding(size)
    guard vmcoreinfoBytes <= Self.longestVmcoreinfo, let text = file.copy(at: offset, length: size) else {
      throw .corrupt(path, offset: offset, problem: "VMCOREINFO is longer than any kernel's: \(size) bytes")
    }
    var keys: Set<[UInt8]> = []
    for line in text.split(separator: UInt8(ascii: "\n")) {
      let equals = line.firstIndex(of: UInt8(ascii: "=")) ?? line.endIndex
      let key = line[..<equals]
      guard key.count <= Self.longestKey, key.first != UInt8(ascii: "."), !key.contains(0) else {
        throw .corrupt(path, offset: offset, problem: "VMCOREINFO has a key that no kernel writes")
      }
      keys.insert(Array(key))
      if let typed = Self.typedKey(key) { keys.insert(typed) }
      if key.elementsEqual("PAGESIZE".utf8), equals < line.endIndex {
        try check(pageSize: line[line.index(after: equals)...], at: offset)
      }
    }
    for key in keys where hasKeyAbove(key, in: keys) {
      throw .corrupt(path, offset: offset, problem: "VMCOREINFO has a key below another one")
    }
  }

  /// The library uses the number as the page size of the file, whatever the header says, and creates a cache for
  /// it; once the library is open, the page size is corrected.
  private func check(pageSize text: ArraySlice<UInt8>, at offset: UInt64) throws(ImageError) {
    guard let size = UInt64(String(decoding: text, as: UTF8.self)), (4096...65536).contains(size),
      size & (size - 1) == 0
    else { throw .corrupt(path, offset: offset, problem: "PAGESIZE in VMCOREINFO is no page size") }
  }

  /// The library also stores `SIZE(page)` as `SIZE.page`.
  private static func typedKey(_ key: ArraySlice<UInt8>) -> [UInt8]? {
    guard let open = key.firstIndex(of: UInt8(ascii: "(")), key.last == UInt8(ascii: ")") else { return nil }
    return key[..<open] + [UInt8(ascii: ".")] + key[(open + 1)...].dropLast()
  }

  private func hasKeyAbove(_ key: [UInt8], in keys: Set<[UInt8]>) -> Bool {
    key.indices.contains { key[$0] == UInt8(ascii: ".") && keys.contains(Array(key[..<$0])) }
  }

  /// Whether a note has this name; the size may include the terminating zero.
  private func isName(
    _ name: StaticString, _ file: borrowing MappedFile, at offset: UInt64, size: UInt32
  ) -> Bool {
    let length = name.utf8CodeUnitCount
    return (size == length || size == length + 1) && file.matches(name, at: offset)
  }

  private func padded(_ size: UInt32) -> UInt64 { (UInt64(size) + 3) & ~3 }
}
