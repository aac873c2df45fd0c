/// What a pointer may hold above the translated bits besides copies of one of them: the processor ignores a tag, or
/// checks and takes away a code that authenticates the pointer, before it translates.
public struct PointerTags: Hashable, Sendable {
  /// The bit that says which window the pointer leads into, whatever else it holds.
  public let selectingBit: Int
  /// The bits of a tag; an authentication code has those between the translated bits and the selecting one, and
  /// those of the tag where nothing ignores them.
  public let tag: ClosedRange<Int>

  /// A tag in the given bits; none of them is the selecting one.
  public init(selectingBit: Int, tag: ClosedRange<Int>) {
    self.selectingBit = selectingBit
    self.tag = tag
  }
}

/// The address that a pointer leads to, which lies in no window by itself.
public struct UntaggedAddress: Hashable, Sendable {
  /// What was taken away.
  public enum Content: Hashable, Sendable {
    case tag(UInt64)
    case authenticationCode
  }

  /// What a root translates.
  public let address: VirtualAddress
  /// What the pointer held besides.
  public let content: Content
}

extension AddressSpace {
  /// The address that remains of a pointer without what it holds above the translated bits; nil where it lies in a
  /// window as it is, or where the paging scheme has no such pointers.
  ///
  /// Whether a processor would take it depends on registers that few memories tell, so this is for what people type.
  public func untagged(_ pointer: VirtualAddress) -> UntaggedAddress? {
    guard window(of: pointer) == nil else { return nil }
    for window in windows {
      guard let tags = window.scheme.pointerTags,
        (pointer.value ^ window.first.value) >> UInt64(tags.selectingBit) & 1 == 0
      else { continue }
      let mask = bits(tags.tag.lowerBound, through: tags.tag.upperBound)
      let address = VirtualAddress(pointer.value & ~mask | window.first.value & mask)
      if window.contains(address) {
        return UntaggedAddress(
          address: address, content: .tag((pointer.value & mask) >> UInt64(tags.tag.lowerBound)))
      }
      return UntaggedAddress(
        address: window.virtual(window.offset(of: pointer)), content: .authenticationCode)
    }
    return nil
  }

  /// The translated address nearest to one that no root translates.
  public func nearestTranslated(to address: VirtualAddress) -> VirtualAddress {
    guard window(of: address) == nil else { return address }
    if let window = windows.first(where: { $0.scheme.isSignExtended }) {
      return window.scheme.nearestCanonical(to: address)
    }
    let bounds = windows.flatMap { [$0.first, $0.last] }
    func distance(_ bound: VirtualAddress) -> UInt64 {
      max(bound.value, address.value) - min(bound.value, address.value)
    }
    return bounds.min { distance($0) < distance($1) } ?? address
  }
}
