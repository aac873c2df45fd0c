/// Random numbers that a seed repeats (xorshift64*, Vigna 2016).
package struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  /// Any seed will do.
  package init(seed: UInt64) {
    // A golden-ratio step keeps neighbouring seeds apart; the state must not be 0.
    state = (seed &+ 1) &* 0x9e37_79b9_7f4a_7c15
    if state == 0 { state = 1 }
    for _ in 0..<4 { _ = next() }
  }

  /// The next number.
  package mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_f491_4f6c_dd1d
  }

  /// True once in `number` times.
  package mutating func once(in number: Int) -> Bool { Int.random(in: 0..<number, using: &self) == 0 }

  /// One of `choices`, which must not be empty.
  package mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[Int.random(in: 0..<choices.count, using: &self)]
  }
}
