import PageTables

extension Screen.ID {
  static let overlays = Screen.ID("overlays")
}

extension Screen {
  static let overlays = Screen.list(
    .overlays, title: "mirrors made here",
    sections: [
      HelpSection(
        "Mirrors of your own", "on an overlay: the dump is never written",
        [
          (":mirror 10000", "map that many bytes (hex, or 64K) of user memory into the kernel"),
          (":unmirror", "drop it again"),
        ])
    ],
    columns: ["kernel", "length", "space", "user"], commands: [.aliases, .frame, .unmirror],
    footer: [.open, .unmirror, .aliases, .frame, .help, .cancel],
    ListKind(
      content: { .overlays($0.overlay.made, $0.tree.spaces) },
      frame: { explorer, row in
        guard explorer.overlay.made.indices.contains(row) else { return nil }
        let made = explorer.overlay.made[row]
        let space = explorer.tree.spaces.first { $0.id == made.space }?.found.space
        let page = space?.translate(made.kernelVA, in: explorer.memory).page
        return page.map { .address($0.physical) } ?? .nothing("nothing is mapped there any more")
      },
      follows: { _, change in change == .spaces }))
}

extension Command {
  static let mirror = Command(
    "mirror", "map the selected user pages into the kernel", label: "mirror", in: .overlay, .named,
    .optionalText("LENGTH"),
    isChange: true, obstacle: \.mirrorObstacle
  ) { explorer, length in
    explorer.mirror(length)
  }

  static let unmirror = Command(
    "unmirror", "drop a mirror that was made here", label: "drop", in: .overlay, .named, isChange: true,
    obstacle: { $0.overlay.made.isEmpty ? "no mirror was made here; :mirror makes one" : nil },
    perform: { explorer, _ in explorer.unmirror() })
}

extension ListContent {
  /// The mirrors that were made here.
  static func overlays(_ made: [OverlayState.Made], _ spaces: [TreeSpace]) -> ListContent {
    let lines = ListSpaces(spaces)
    // A space that is gone has the number behind the last.
    let spaceNumbers = made.map { one in spaces.firstIndex { $0.id == one.space } ?? spaces.count }
    @Sendable func text(_ address: VirtualAddress, _ row: Int) -> String {
      spaceNumbers[row] < spaces.count
        ? lines.address(address, in: spaceNumbers[row]) : Numbers.hex(address.value)
    }
    return ListContent(
      title: "mirrors made here",
      columns: [
        ListColumn("kernel", title: "kernel address", .addresses { made[$0].kernelVA.value }) {
          text(made[$0].kernelVA, $0)
        } look: { _ in
          .role(.mirror)
        },
        ListColumn("length", isRight: true, .sizes { made[$0].length }),
        ListColumn(
          "space", .names(lines.labels + ["gone"]) { spaceNumbers[$0] }, look: { .owner(spaceNumbers[$0]) }),
        ListColumn("user", title: "user address", .addresses { made[$0].userVA.value }) {
          text(made[$0].userVA, $0)
        },
      ],
      count: made.count,
      target: { row in
        spaceNumbers[row] < spaces.count
          ? .address(space: spaceNumbers[row], made[row].kernelVA) : nil
      },
      emptyText: "no mirror was made here")
  }
}
