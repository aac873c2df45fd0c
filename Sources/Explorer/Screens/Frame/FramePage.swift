import Canvas
import Guests
import PageTables

/// A page of physical memory: what it is used as, who maps it, and its bytes.
struct FramePage: Sendable {
  let address: PhysicalAddress
  var page: TextPage
  /// What each line of the page shows, whatever the width: the offset of a line of bytes; facts count up to -1.
  private let anchors: [Int]

  /// Ways to a frame that are listed; the aliases are for the rest.
  private static let aliasLimit = 6

  init(
    _ address: PhysicalAddress, memory: any PhysicalMemory, index: ExplorerIndex?, spaces: ListSpaces,
    awaited: String, use: FrameUse?, width: Int
  ) {
    self.address = address.frameStart
    var lines: [StyledLine] = []
    if let use {
      lines.append(Self.fact("Linux").adding(use.title))
      if let remarks = use.remarks { lines.append(Self.fact("").adding(remarks, .dim)) }
    }
    if let index {
      let uses = Self.uses(self.address, index, spaces)
      lines += uses
      if uses.isEmpty, use?.kind == .pageTable {
        lines.append(Self.fact("used as").adding("a table of no space that is known"))
      }
      let rest = uses.isEmpty && use == nil ? "nothing, and no page table" : "nothing"
      lines += Self.mappings(self.address, memory, index, spaces, elseText: rest)
    } else {
      lines.append(StyledLine(awaited, .dim))
    }
    lines.append(StyledLine())
    let (bytes, step) = Self.bytes(self.address, memory, width: width)
    let facts = lines.count
    var wrapped: [StyledLine] = []
    var anchors: [Int] = []
    for (number, line) in (lines + bytes).enumerated() {
      let parts = line.wrapped(to: max(20, width - 4), indent: 10)
      wrapped += parts
      anchors += parts.map { _ in number < facts ? number - facts : (number - facts) * step }
    }
    self.anchors = anchors
    page = TextPage(title: "frame \(Numbers.hex(self.address))", lines: wrapped)
  }

  /// Scrolls so that the line at the top is the one that another page, maybe of another width, has there.
  mutating func keepTop(of other: FramePage, height: Int) {
    guard other.page.top > 0, other.anchors.indices.contains(other.page.top) else { return }
    let wanted = other.anchors[other.page.top]
    let last = anchors.last { $0 <= wanted } ?? anchors.first
    page.scroll(to: anchors.firstIndex { $0 == last } ?? 0, height: height)
  }

  /// Scrolls to the bytes at an offset; the start of the page, with all that is known of it, needs none of that.
  mutating func show(offset: Int, height: Int) {
    guard offset > 0, let line = anchors.lastIndex(where: { $0 >= 0 && $0 <= offset }) else { return }
    page.scroll(to: line, height: height)
  }

  private static func fact(_ name: String) -> StyledLine { StyledLine(Numbers.left(name, 10), .dim) }

  /// The tables that a page holds: most hold none, and who looks at data does not ask which table it is.
  private static func uses(
    _ address: PhysicalAddress, _ index: ExplorerIndex, _ spaces: ListSpaces
  ) -> [StyledLine] {
    index.spaces.tables(at: address.frame).map { table, scheme, sharing in
      var line = fact("used as").adding(
        "\(scheme.levels[table.level].name) \(Numbers.hex(table.address))", .table)
      line.add(
        sharing.spaces == 1
          ? " of \(spaces.labels[sharing.owner])"
          : " of \(sharing.spaces) spaces, first \(spaces.labels[sharing.owner])",
        sharing.spaces == 1 ? .text : .shared)
      line.add(
        sharing.parents == 1 ? ", 1 entry points at it" : ", \(sharing.parents) entries point at it", .dim)
      return line
    }
  }

  private static func mappings(
    _ address: PhysicalAddress, _ memory: any PhysicalMemory, _ index: ExplorerIndex, _ spaces: ListSpaces,
    elseText: String
  ) -> [StyledLine] {
    let aliases = index.spaces.aliases(of: address, in: memory)
    if aliases.groups.isEmpty { return [fact("mapped by").adding(elseText)] }
    let folds = AliasFold.all(of: aliases.groups[...])
    var lines = folds.prefix(aliasLimit).map { fold in
      let group = aliases.groups[fold.head]
      let alias = group.first
      var line = fact("mapped by").adding("\(spaces.labels[alias.spaceNumber]) ", .space)
      line.add("\(spaces.address(alias.virtual, in: alias.spaceNumber)) ")
      line.add("\(spaces.letters(alias.rights, at: alias.virtual, in: alias.spaceNumber)) ")
      if index.isGivenBack(group) {
        line.add(AliasKind.givenBackTitle, .dim)
      } else {
        line.add(group.kind == .entry ? "" : group.kind.title, group.kind.role)
      }
      if group.count > 1 {
        line.add(group.count == .max ? ", too many times to count" : ", \(group.count) times", .dim)
      }
      if !fold.others.isEmpty {
        line.add(fold.others.count == 1 ? ", 1 more entry" : ", \(fold.others.count) more entries", .dim)
      }
      return line
    }
    let listed = folds.prefix(aliasLimit).reduce(0) { $0 + 1 + $1.others.count }
    if aliases.groupCount > listed {
      lines.append(fact("").adding("and \(aliases.groupCount - listed) more; x lists them all", .dim))
    }
    return lines
  }

  /// Address, hex and text, 16 bytes a line, or 8 or 4 where there is no room; and how many.
  private static func bytes(
    _ address: PhysicalAddress, _ memory: any PhysicalMemory, width: Int
  ) -> (lines: [StyledLine], step: Int) {
    let step = width >= 80 ? 16 : width >= 42 ? 8 : 4
    do throws(MissingPage) {
      let lines = try memory.withPage(at: address) { page in
        stride(from: 0, to: page.byteCount - step + 1, by: step).map { offset in
          line(page, offset, step)
        }
      }
      return (lines, step)
    } catch {
      let reason =
        error == .notInDump
        ? memory.holds(address)
          ? "The bytes are not in this capture: it holds page tables only."
          : "The bytes are not in this dump."
        : "This address lies outside physical memory."
      return ([StyledLine(reason, .warning)], step)
    }
  }

  private static func line(_ page: RawSpan, _ offset: Int, _ step: Int) -> StyledLine {
    let digits = Array("0123456789abcdef")
    var hex = ""
    var text = ""
    var isZero = true
    for index in offset..<offset + step {
      let byte = page.unsafeLoad(fromByteOffset: index, as: UInt8.self)
      if byte != 0 { isZero = false }
      if index > offset, index % 8 == 0 { hex += " " }
      hex.append(digits[Int(byte >> 4)])
      hex.append(digits[Int(byte & 15)])
      hex += " "
      text.append(byte >= 0x20 && byte < 0x7F ? Character(Unicode.Scalar(byte)) : ".")
    }
    let name = String(offset, radix: 16)
    return StyledLine(String(repeating: "0", count: 3 - name.count) + name + "  ", .address)
      .adding(hex + " ", isZero ? .dim : .text).adding(text, .dim)
  }
}
