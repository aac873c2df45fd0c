extension Screen.ID {
  static let detail = Screen.ID("detail")
}

extension Screen {
  /// The detail of the tree's selected row, where it has the keyboard.
  static let detail = Screen(
    id: .detail, title: "the detail side", isHome: true, leavesProgram: { $0.layout.hasDetail },
    commands: ofTreeAndDetail,
    deeds: [
      .open: Deed(
        obstacle: { $0.selectedLink == nil ? "nothing here leads anywhere" : nil },
        perform: { $0.followLink() })
    ],
    footer: { explorer in
      (explorer.selectedLink == nil ? [] : [.open])
        + [.nextPane, .down, .aliases, .goto, .back, .copy, .help, .leave]
    },
    labels: [.nextPane: "tree", .open: "go there"],
    draw: { explorer, layout, canvas, theme, glyphs in
      if layout.hasDetail {
        explorer.drawTreeAndDetail(layout, &canvas, theme, glyphs)
      } else {
        explorer.drawDetail(header: layout.header, in: layout.list, &canvas, theme)
      }
    },
    move: { $0.moveInDetail($1) },
    scroll: { $0.scrollTreeOrDetail(by: $1, x: $2, y: $3) },
    press: { $0.pressInTreeOrDetail($1) },
    frameTarget: \.rowTarget,
    crossReference: \.rowReference,
    regionsTarget: \.rowRegions,
    namedSpaces: \.spacesOnScreen)
}

extension Command {
  static let nextPane = Command(
    "next-pane", "switch between the tree and the detail side", label: "detail", in: .move, .named
  ) {
    $0.screenID = $0.screenID == .tree ? .detail : .tree
  }

  static let detail = Command("detail", "show or hide the detail side", label: "detail", in: .open, .named) {
    $0.showsDetail.toggle()
  }
}

extension Explorer {
  /// Scrolls the detail, so that no line beyond its last is shown.
  mutating func scrollDetail(by step: Int) {
    let lines = detailLines(width: max(1, layout.hasDetail ? layout.detail.width - 2 : width)).count
    detailTop = max(0, min(detailTop + step, max(0, lines - layout.list.height)))
  }
}
