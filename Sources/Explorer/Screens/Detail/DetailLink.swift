import Canvas
import PageTables

/// Where a line of the detail leads.
enum DetailLink: Hashable, Sendable {
  /// A row of the tree, or the entry that maps an address.
  case target(ListTarget)
  /// A page of memory.
  case frame(PhysicalAddress)
  /// The regions of a space, with one of them selected.
  case regions(space: Int, VirtualAddress?)
  /// The list of all that maps the selection, or reaches it.
  case crossReferences
}

extension Explorer {
  /// The lines of the detail that lead somewhere, each once, by their places among all lines.
  func detailLinks(_ lines: [StyledLine]) -> [(link: DetailLink, lines: Range<Int>)] {
    var links: [(link: DetailLink, lines: Range<Int>)] = []
    for (place, line) in lines.enumerated() {
      guard let link = line.link else { continue }
      if let last = links.last, last.link == link, last.lines.upperBound == place {
        links[links.count - 1].lines = last.lines.lowerBound..<place + 1
      } else {
        links.append((link, place..<place + 1))
      }
    }
    return links
  }

  private var detailWidth: Int { max(1, layout.hasDetail ? layout.detail.width - 2 : width) }

  /// The selected link of the detail side.
  var selectedLink: DetailLink? {
    let links = detailLinks(detailLines(width: detailWidth))
    return links.indices.contains(detailLink) ? links[detailLink].link : nil
  }

  /// Moves in the detail: from link to link where there is a next one, else by lines.
  mutating func moveInDetail(_ movement: Movement) {
    let height = max(1, layout.list.height)
    let step = movement.rows(page: height)
    let links = detailLinks(detailLines(width: detailWidth))
    guard abs(step) == 1, links.indices.contains(detailLink + step) else {
      scrollDetail(by: step)
      return
    }
    detailLink += step
    let lines = links[detailLink].lines
    if lines.lowerBound < detailTop { detailTop = lines.lowerBound }
    // The last line may say how many more there are.
    if lines.upperBound > detailTop + height - 1 { detailTop = max(0, lines.upperBound - height + 1) }
  }

  /// Selects the link in a line of the screen; answers whether there is one.
  mutating func selectLink(atLine line: Int) -> Bool {
    let lines = detailLines(width: detailWidth)
    let first = max(0, min(detailTop, lines.count - layout.list.height))
    guard let number = detailLinks(lines).firstIndex(where: { $0.lines.contains(first + line) }) else {
      return false
    }
    detailLink = number
    return true
  }

  /// Goes where the selected link leads.
  mutating func followLink() {
    switch selectedLink {
    case .target(let target): go(to: target)
    case .frame(let address): openFrame(at: address)
    case .regions(let space, let address): openRegions(RegionsTarget(spaceNumber: space, address: address))
    case .crossReferences: openAliases()
    case nil: break
    }
  }
}
