import PageTables

/// Looks at some frames of each block on the screen, a slice at a time: first at one of each, then at one more, so that
/// the picture is there at once and gets truer.
struct FrameSurvey: Sendable {
  private(set) var blocks: [UInt64: BlockUse] = [:]
  /// The blocks on the screen, by their first address.
  private var wanted: [UInt64] = []
  private var next = 0
  private var round = 0
  /// log2 of the bytes of a block.
  let shift: Int

  /// Frames of a block that are looked at.
  private static let frameLimit = 16
  /// Blocks that are remembered: a screen has a few thousand.
  private static let blockLimit = 1 << 16

  init(shift: Int) { self.shift = shift }

  private var framesInBlock: UInt64 { 1 << UInt64(max(0, shift - Frame.shift)) }
  private var rounds: Int { Int(min(UInt64(Self.frameLimit), framesInBlock)) }

  var isDone: Bool { wanted.isEmpty || round >= rounds }

  /// How many frames of each block are looked at, and of how many; nil where that is all of them.
  var sampling: (looks: Int, frames: UInt64)? {
    framesInBlock > UInt64(rounds) ? (rounds, framesInBlock) : nil
  }

  /// Looks at these blocks next.
  mutating func want(_ starts: [UInt64]) {
    guard starts != wanted else { return }
    if blocks.count + starts.count > Self.blockLimit { blocks = [:] }
    wanted = starts
    next = 0
    round = 0
  }

  /// Looks at so many frames.
  mutating func proceed(frames: Int, _ source: FrameSource, _ memory: any PhysicalMemory) {
    var budget = frames
    var steps = frames * 64
    while budget > 0, steps > 0, !isDone {
      steps -= 1
      let start = wanted[next]
      if blocks[start]?.looks ?? 0 <= round {
        let frame = place(ofLook: round)
        let kind = source.kind(of: PhysicalAddress(start &+ frame << UInt64(Frame.shift)), memory)
        blocks[start, default: BlockUse()].add(kind, frame: frame)
        budget -= 1
      }
      next += 1
      if next == wanted.count {
        next = 0
        round += 1
      }
    }
  }

  /// The frame of a block that is looked at in a round: each round falls between those before it.
  private func place(ofLook round: Int) -> UInt64 {
    let bits = framesInBlock.trailingZeroBitCount
    guard bits > 0 else { return 0 }
    let reversed = UInt64(round).bitSwapped
    return reversed >> UInt64(64 - bits)
  }
}

extension UInt64 {
  /// The same bits in the opposite order.
  fileprivate var bitSwapped: UInt64 {
    var (value, result) = (self, UInt64(0))
    for _ in 0..<64 {
      result = result << 1 | value & 1
      value >>= 1
    }
    return result
  }
}
