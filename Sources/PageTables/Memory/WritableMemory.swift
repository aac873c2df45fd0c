/// One entry to be stored: `size` bytes (4 or 8), little-endian, at a multiple of `size`.
public struct EntryWrite: Hashable, Sendable {
  /// Where the entry lies; aligned to its size.
  public let address: PhysicalAddress
  /// Its value.
  public let raw: UInt64
  /// Its bytes: 4 or 8.
  public let size: Int

  /// An entry of 4 or 8 bytes, and no other size, at an address that is aligned to it.
  public init(_ raw: UInt64, size: Int, at address: PhysicalAddress) {
    precondition(size == 4 || size == 8, "an entry has 4 or 8 bytes")
    self.address = address
    self.raw = raw
    self.size = size
  }
}

/// There are no free frames that the entries could point at.
public struct OutOfFrames: Error, Hashable, Sendable, CustomStringConvertible {
  /// Frames asked for.
  public let count: Int
  /// They were to lie below this address.
  public let limit: PhysicalAddress

  /// So many frames were asked for, below an address.
  public init(count: Int, limit: PhysicalAddress) {
    self.count = count
    self.limit = limit
  }

  /// One line that says what to do.
  public var description: String {
    "no \(count) free frames below \(AddressText.hex(limit.value)), as far as entries reach; unmap something"
  }
}

/// Physical memory that can be written, and that gives out frames.
///
/// Reading goes on from any thread while one thread writes: of a batch of entries, a page that is read shows
/// all or none. Frames are counted: whoever keeps one in use holds it, with a `FrameHold` or by itself, which
/// writing an entry that points at it does not do. A frame that the memory gave out is free again when nobody
/// holds it any more. Frames that were there before are counted, too, and never freed.
public protocol WritableMemory: PhysicalMemory, AnyObject {
  /// Stores all entries, or none.
  ///
  /// - Throws: `MissingPage` when one of the pages cannot be had.
  func write(_ entries: [EntryWrite]) throws(MissingPage)

  /// Gives out runs of frames filled with zeroes, one run for each number of `lengths`, all of them or none;
  /// each frame is held once, by the caller.
  ///
  /// - Returns: the first frame of each run.
  func allocate(runs lengths: [Int], below limit: PhysicalAddress) throws(OutOfFrames) -> [Frame]

  /// Holds each of the frames once more; one that is listed twice, twice.
  func hold(_ frames: [Frame])

  /// Lets go of each of the frames once.
  func release(_ frames: [Frame])

  /// How many hold the frame.
  func holders(of frame: Frame) -> Int

  /// Whether the memory gave the frame out, and still has it.
  func isAllocated(_ frame: Frame) -> Bool
}

extension WritableMemory {
  /// Gives out `count` frames filled with zeroes, or none; each is held once, by the caller.
  public func allocateFrames(_ count: Int, below limit: PhysicalAddress) throws(OutOfFrames) -> [Frame] {
    try allocate(runs: Array(repeating: 1, count: count), below: limit)
  }
}

/// Keeps frames from being freed, for as long as it lives: the reference count that mappings share.
public final class FrameHold: Sendable {
  /// The frames, each as often as it is held.
  public let frames: [Frame]
  /// The memory that counts them.
  public let memory: any WritableMemory

  /// Holds the frames once more.
  public init(holding frames: [Frame], in memory: any WritableMemory) {
    self.frames = frames
    self.memory = memory
    memory.hold(frames)
  }

  /// Takes over what the caller held, as `allocate` leaves it.
  public init(adopting frames: [Frame], in memory: any WritableMemory) {
    self.frames = frames
    self.memory = memory
  }

  deinit { memory.release(frames) }
}
