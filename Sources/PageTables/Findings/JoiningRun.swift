/// A mirror under construction, which the next page may extend.
struct JoiningRun {
  private let pageSize: UInt64
  private var mirror: Mirror?
  private var frames: Set<UInt64> = []

  init(pageSize: UInt64) {
    self.pageSize = pageSize
  }

  /// The user address at which the mirror would continue if the kernel page at `virtual` continued it; nil where
  /// that page does not.
  func next(
    _ virtual: UInt64, of kernelSpaceNumber: Int, _ kind: Mirror.Kind, isImage: Bool
  ) -> (spaceNumber: Int, user: UInt64)? {
    guard let mirror, mirror.kernelSpaceNumber == kernelSpaceNumber, mirror.kind == kind,
      mirror.isImage == isImage, mirror.kernelVA.value &+ mirror.length == virtual
    else { return nil }
    return (mirror.spaceNumber, mirror.userVA.value &+ mirror.length)
  }

  /// Adds one more page; returns false where the run already holds the frame: frames listed twice make two mirrors.
  mutating func extend(_ frame: UInt64) -> Bool {
    guard let old = mirror, frames.insert(frame).inserted else { return false }
    mirror = Mirror(
      spaceNumber: old.spaceNumber, userVA: old.userVA, kernelVA: old.kernelVA,
      length: old.length &+ pageSize,
      physical: old.physical, kernelSpaceNumber: old.kernelSpaceNumber, userMappings: old.userMappings,
      kind: old.kind, isImage: old.isImage)
    return true
  }

  mutating func start(
    _ virtual: UInt64, _ frame: UInt64, _ spaceNumber: Int, _ user: UInt64, _ kernelSpaceNumber: Int,
    _ mappings: UInt64, _ kind: Mirror.Kind, isImage: Bool
  ) {
    frames = [frame]
    mirror = Mirror(
      spaceNumber: spaceNumber, userVA: VirtualAddress(user), kernelVA: VirtualAddress(virtual),
      length: pageSize,
      physical: PhysicalAddress(frame), kernelSpaceNumber: kernelSpaceNumber, userMappings: mappings,
      kind: kind, isImage: isImage)
  }

  mutating func take() -> Mirror? {
    defer { mirror = nil }
    return mirror
  }
}
