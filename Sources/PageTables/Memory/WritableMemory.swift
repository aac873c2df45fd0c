/// An entry to be stored: `size` bytes (4 or 8), little-endian, at a multiple of `size`.
public struct EntryWrite: Hashable, Sendable {
  /// Where the entry lies; aligned to its size.
  public let address: PhysicalAddress
  /// Its value.
  public let raw: UInt64
  /// Its size in bytes: 4 or 8.
  public let size: Int

  /// Precondition: `size` is 4 or 8, and `address` is a multiple of it.
  public init(_ raw: UInt64, size: Int, at address: PhysicalAddress) {
    precondition(size == 4 || size == 8, "an entry has 4 or 8 bytes")
    self.address = address
    self.raw = raw
    self.size = size
  }
}

/// There are not enough free frames within reach of the entries.
public struct OutOfFrames: Error, Hashable, Sendable, CustomStringConvertible {
  /// Frames requested.
  public let count: Int
  /// The address below which they had to lie.
  public let limit: PhysicalAddress

  /// `count` frames were requested below `limit`.
  public init(count: Int, limit: PhysicalAddress) {
    self.count = count
    self.limit = limit
  }

  /// One line that says what to do.
  public var description: String {
    "no \(count) free frames below \(AddressText.hex(limit.value)), as far as entries reach; unmap something"
  }
}

/// Physical memory that can be written, and that allocates frames.
///
/// Any thread may read while one thread writes: a page that is read shows all of a batch of entries or none. Frames
/// are reference-counted: whoever uses a frame must hold it, with a `FrameHold` or by itself; writing an entry that
/// points at the frame does not. A frame that the memory allocated is free again when nobody holds it any more.
/// Frames that existed before are counted, too, but never freed.
public protocol WritableMemory: PhysicalMemory, AnyObject {
  /// Stores all entries, or none.
  ///
  /// - Throws: `MissingPage` when one of the pages cannot be accessed.
  func write(_ entries: [EntryWrite]) throws(MissingPage)

  /// Allocates runs of zeroed frames, one run for each length in `lengths`; all of them or none. The caller holds
  /// each frame once.
  ///
  /// - Returns: the first frame of each run.
  func allocate(runs lengths: [Int], below limit: PhysicalAddress) throws(OutOfFrames) -> [Frame]

  /// Adds one hold to each of the frames; a frame listed twice gets two.
  func hold(_ frames: [Frame])

  /// Ends one hold of each of the frames.
  func release(_ frames: [Frame])

  /// How many holds there are on the frame.
  func holders(of frame: Frame) -> Int

  /// Whether the memory allocated the frame and has not freed it.
  func isAllocated(_ frame: Frame) -> Bool
}

extension WritableMemory {
  /// Allocates `count` zeroed frames, or none; the caller holds each once.
  ///
  /// - Throws: `OutOfFrames`, also for a negative count.
  public func allocateFrames(_ count: Int, below limit: PhysicalAddress) throws(OutOfFrames) -> [Frame] {
    guard count >= 0 else { throw OutOfFrames(count: count, limit: limit) }
    return try allocate(runs: Array(repeating: 1, count: count), below: limit)
  }
}

/// Holds frames for as long as it lives, so that they are not freed; mappings share it as a reference count.
public final class FrameHold: Sendable {
  /// The frames, each listed as often as it is held.
  public let frames: [Frame]
  /// The memory that counts them.
  public let memory: any WritableMemory

  /// Adds one hold to each of the frames.
  public init(holding frames: [Frame], in memory: any WritableMemory) {
    self.frames = frames
    self.memory = memory
    memory.hold(frames)
  }

  /// Takes over holds that the caller already has, such as those from `allocate`.
  public init(adopting frames: [Frame], in memory: any WritableMemory) {
    self.frames = frames
    self.memory = memory
  }

  deinit { memory.release(frames) }
}
