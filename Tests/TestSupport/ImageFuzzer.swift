import MemoryImages
import PageTables

/// Random numbers that are the same in every run (SplitMix64, Steele et al. 2014).
package struct ImageRandom: RandomNumberGenerator {
  private var state: UInt64

  /// Numbers that follow from `seed`.
  package init(seed: UInt64) {
    state = seed
  }

  /// The next number.
  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// Opens `iterations` damaged images and reads from those that open.
///
/// - Parameter seeds: the valid images that are damaged; by default small ones of all formats whose parsers
///   are ours.
/// - Returns: each broken promise, with the seed of its image; that no input crashes shows by returning.
package func fuzzImages(seed: UInt64, iterations: Int, seeds: [[UInt8]] = fuzzSeeds()) -> [String] {
  let file = ImageFile([0], name: "fuzz")
  var problems: [String] = []
  for iteration in 0..<iterations {
    let ownSeed = seed &+ UInt64(iteration)
    var random = ImageRandom(seed: ownSeed)
    var bytes = seeds[Int.random(in: 0..<seeds.count, using: &random)]
    damage(&bytes, using: &random)
    file.replace(with: bytes)
    if let problem = brokenPromise(file.path, size: UInt64(bytes.count), using: &random) {
      problems.append("seed \(ownSeed): \(problem)")
    }
  }
  return problems
}

/// Small valid images of every format whose parser is ours.
package func fuzzSeeds() -> [[UInt8]] {
  let first = imagePages(at: 0x1000, pages: 2)
  let second = imagePages(at: 0x10_0000, pages: 1) + [UInt8](repeating: 7, count: 9000)
  var elf = ImageElfBuilder(loads: [
    .init(physical: 0x1000, bytes: first, memorySize: 0x8000), .init(physical: 0x10_0000, bytes: second),
  ])
  elf.notes = [
    ("CORE", 1, [1, 2, 3]), ("QEMU", 0, imageQemuNote(cr0: 1, cr3: 2, cr4: 3, instructionPointer: 4)),
    ("VMCOREINFO", 0, Array("OSRELEASE=6\n".utf8)), ("PAGEWALK", 1, Array("a\t1\n".utf8)),
    ("PAGEWALK", 2, Array("physical 0 100000\ndumped 0 4000\n".utf8)),
  ]
  var narrow = elf
  narrow.is64 = false
  var counted = elf
  counted.countInSection = true
  let ranges = [ImageRange(start: 0x1000, bytes: first), ImageRange(start: 0x10_0000, bytes: second)]
  return [
    elf.build(), narrow.build(), counted.build(), imageLime(ranges), imageAvml(ranges, chunkSize: 6000),
    imageFlattened(elf.build(), recordSize: 900), imageFlattened(imageLime(ranges)),
  ]
}

/// A few changes of the kinds that break parsers, most of them near the start, where headers are.
private func damage(_ bytes: inout [UInt8], using random: inout ImageRandom) {
  let extremes: [UInt64] = [
    0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 0x1_0000_0000, 1 << 63, .max - 4095, .max - 1, .max,
  ]
  for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
    let reach = Bool.random(using: &random) ? min(bytes.count, 700) : bytes.count
    let offset = Int.random(in: 0..<reach, using: &random)
    switch Int.random(in: 0..<8, using: &random) {
    case 0: bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[offset] = UInt8.random(in: 0...255, using: &random)
    case 2...4:
      let size = [1, 2, 4, 8].randomElement(using: &random) ?? 8
      var value = extremes.randomElement(using: &random) ?? 0
      if Bool.random(using: &random) {
        value = UInt64(bytes.count) &+ UInt64.random(in: 0...8, using: &random) &- 4
      }
      for index in 0..<size where offset + index < bytes.count {
        bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
      }
    case 5: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random) / 2)
    case 6:
      let length = min(64, bytes.count - offset)
      bytes.insert(contentsOf: bytes[offset..<offset + length], at: Int.random(in: 0..<reach, using: &random))
    default: bytes.removeSubrange(offset..<min(bytes.count, offset + 16))
    }
  }
}

/// Opens the image and asks it for pages in and around what it says it has.
private func brokenPromise(_ path: String, size: UInt64, using random: inout ImageRandom) -> String? {
  let image: MemoryImage
  do throws(ImageError) {
    image = try MemoryImage.open(path)
  } catch {
    return isOneLine(error.description) ? nil : "an error of several lines: \(error)"
  }
  if let line = image.warnings.first(where: { !isOneLine($0) }) {
    return "a warning of several lines: \(line)"
  }
  let extent = image.memory.extent
  // At most, a page of a kdump file is a description of 24 bytes; a Snappy copy of 3 bytes gives 64.
  if extent.readable.length > (1 << 20) + size * (image.format.hasPrefix("kdump") ? 4096 / 24 + 1 : 32) {
    return "\(extent.readable.length) readable bytes of \(size)"
  }
  var addresses: [UInt64] = [0, .max, .max - 4095, UInt64.random(in: 0 ... .max, using: &random)]
  for range in extent.readable.ranges.prefix(8) + extent.physical.ranges.prefix(8) {
    addresses += [range.start.value, range.end.value, range.start.value &- 1, range.end.value &- 1]
  }
  for address in addresses.map({ PhysicalAddress($0) }) {
    let expected: MissingPage? = extent.readable.contains(address) ? nil : extent.reasonMissing(address)
    var answer: MissingPage?
    do throws(MissingPage) {
      let count = try image.memory.withPage(at: address) { $0.byteCount }
      if count != 4096 { return "a page of \(count) bytes" }
    } catch {
      answer = error
    }
    // A page whose compressed bytes are damaged turns out to be missing when it is read.
    let isDamaged =
      (["AVML", "LKCD"].contains(image.format) || image.format.hasPrefix("kdump")) && expected == nil
      && answer == .notInDump
    if answer != expected && !isDamaged {
      return "\(image.format): page 0x\(String(address.value, radix: 16)) is \(String(describing: answer))"
    }
  }
  return nil
}

private func isOneLine(_ text: String) -> Bool {
  !text.isEmpty && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
}
