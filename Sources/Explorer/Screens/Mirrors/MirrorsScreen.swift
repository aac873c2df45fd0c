import Canvas
import PageTables

extension Screen.ID {
  static let mirrors = Screen.ID("mirrors")
}

extension Screen {
  static let mirrors = Screen.indexList(
    .mirrors, title: "mirrors", sections: [mirrorSection],
    columns: ["kernel", "kernel-region", "length", "space", "user", "region", "users", "frame"],
    opener: .mirrors,
    content: ListContent.mirrors,
    frame: { _, index, row in
      index.mirrors.indices.contains(row) ? .address(index.mirrors[row].physical) : nil
    }, titleCounts: true
  )
  .withFolds()

  private static let mirrorSection = HelpSection(
    "Mirrors", "kernel mappings of frames that user space maps, too; Enter goes to the kernel's side",
    [
      ("kernel region", "the part of the kernel, or who asked for the memory"),
      ("space, region", "the first process that maps the frames, and what it calls them"),
      ("users", "how often user space maps the first page, in all spaces"),
      (
        "last rows",
        "the kernel's image, such as its page of zeroes, and what of it was given back after boot"
      ),
    ])
}

extension Command {
  static let mirrors = Command(
    "mirrors", "kernel mappings of frames that user space maps, too", label: "mirrors", in: .sharing, .views
  ) {
    $0.openList(.mirrors)
  }
}

extension ListContent {
  /// Kernel mappings of frames that user space maps, too.
  static func mirrors(_ index: ExplorerIndex, _ spaces: ListSpaces) -> ListContent {
    let rows = index.mirrors
    let kept = rows.count { $0.kind == .mirror }
    let areNamed = rows.indices.contains { index.names(ofMirror: $0) != MirrorNames() }
    let unnamed = areNamed ? [] : ["kernel-region", "region"]
    let givenBack = rows.count - kept
    let ofImage = rows.count { $0.kind == .mirror && $0.isImage }
    return ListContent(
      title: "mirrors   \(kept - ofImage)" + (ofImage > 0 ? ", and \(ofImage) of the kernel's image" : "")
        + (givenBack > 0 ? ", and \(givenBack) given back" : "")
        + (index.hasAllMirrors ? "" : " (too many; only the first are listed)"),
      columns: [
        ListColumn("kernel", title: "kernel address", .addresses { rows[$0].kernelVA.value }) {
          spaces.address(rows[$0].kernelVA, in: rows[$0].kernelSpaceNumber)
        } look: { _ in
          .role(.mirror)
        },
        ListColumn(
          "kernel-region", title: "kernel region", .texts { index.names(ofMirror: $0).kernel },
          inShort: { index.names(ofMirror: $0).maker }),
        ListColumn("length", isRight: true, .sizes { rows[$0].length }),
        ListColumn(
          "space", .names(spaces.labels) { rows[$0].spaceNumber }, look: { .owner(rows[$0].spaceNumber) }),
        ListColumn(
          "region", .texts { index.names(ofMirror: $0).user },
          inShort: { index.names(ofMirror: $0).userInShort }),
        ListColumn("user", title: "user address", .addresses { rows[$0].userVA.value }) {
          spaces.address(rows[$0].userVA, in: rows[$0].spaceNumber)
        },
        ListColumn("users", isRight: true, .counts { rows[$0].userMappings }),
        ListColumn("frame", .addresses { rows[$0].physical.value }, look: { _ in .role(.address) }),
      ].filter { !unnamed.contains($0.name) },
      count: rows.count,
      target: { .address(space: rows[$0].kernelSpaceNumber, rows[$0].kernelVA) },
      emptyText: "no kernel mapping outside the direct map shares a frame with user space",
      folds: givenBack == 0
        ? []
        : [
          Fold(
            name: "given-back", rows: kept..<rows.count,
            text: StyledLine(
              "given back: \(Numbers.counted(givenBack, "stretch", "stretches")) of the kernel's image, after boot",
              .dim))
        ])
  }
}
