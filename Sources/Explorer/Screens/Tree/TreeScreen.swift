import PageTables

extension Screen.ID {
  static let tree = Screen.ID("tree")
}

extension Screen {
  static let tree = Screen(
    id: .tree, title: "the tree", sections: [signs, addresses, filterWords, .liveMachine], isHome: true,
    leavesProgram: { _ in true },
    commands: ofTreeAndDetail + [.parent, .close, .closeAll, .closeEverything, .filter],
    deeds: [
      .open: Deed(obstacle: \.openObstacle, perform: { $0.openRow() }),
      .toggle: Deed(obstacle: \.openObstacle, perform: { $0.toggleRow() }),
    ],
    footer: { explorer in
      [.open] + (explorer.selectedRow?.isOpen == true ? [.close] : []) + [
        .search, .spaces, .shared, .mirrors, .aliases, .goto, .filter, .back, .regions, .compare, .frame,
        .searchNext, .nextPane, .copy, .help, .leave,
      ]
    },
    draw: { $0.drawTreeAndDetail($1, &$2, $3, $4) },
    move: { $0.moveInTree($1) },
    scroll: { $0.scrollTreeOrDetail(by: $1, x: $2, y: $3) },
    press: { $0.pressInTreeOrDetail($1) },
    frameTarget: \.rowTarget,
    crossReference: \.rowReference,
    regionsTarget: \.rowRegions,
    namedSpaces: \.spacesOnScreen)

  /// What the tree and the detail of its selected row have in common.
  static let ofTreeAndDetail: [Command] = [
    .nextPane, .absent, .goto, .back, .forward, .setBookmark, .goToBookmark, .regions, .aliases, .frame,
    .mirror, .unmirror, .detail, .copy, .compare,
  ]

  private static let signs = HelpSection(
    "Signs", "",
    [
      ("r w x u", "readable, writable, executable, open to user mode: what the whole path allows"),
      ("a d g", "accessed, dirty, global: bits of the entry itself"),
      ("H", "a huge page: a leaf above the last level"),
      ("# 64K", "a contiguous run of leaves, which make 64K together; # 3 x 64K: so many"),
      ("=hugetlb_b 131", "a table shared in particular: with that space, and where there"),
      ("=3 shares", "so many particular shares below; =43: a table that 43 spaces reach"),
      ("~> ffffd025_404f5000", "user memory that the kernel maps, too, outside the direct map: there"),
      ("<~ packet 135", "the kernel's side of such a mirror: whose memory it is, and where"),
      ("~>2 <~7 mirrors", "so many of them below, the other side being the kernel's, or the user's"),
      ("kernel half, as everybody", "what all spaces have in common; Enter opens it"),
      ("direct", "the kernel's linear map of all memory; d where there is little room"),
      ("!", "a finding: F lists them all"),
      ("@\(HelpSection.rootName)", "a recursive entry: points back at that table on its own path"),
      ("[heap] +2", "what a Linux guest has there, and how many more regions"),
      ("x511", "that many more entries like the row above; Enter opens them"),
      ("(PROT_NONE)", "not present for the processor; Linux keeps the frame that is shown"),
      ("marked", "not present; software keeps something, a swap slot for example"),
      ("? stale", "looks like a root and maps no user memory: most likely freed"),
    ])

  private static let addresses = HelpSection(
    "Going to", "with g, or behind :goto; Tab completes names",
    [
      ("ffff8880_00000000", "a virtual address, with or without 0x and _"),
      ("pid:1  packet", "a process; NAME: where its name could be a number, as dd: could"),
      ("packet:1000_40000000", "an address of another space: its name, pid or root before the colon"),
      ("do_idle+1f", "a symbol of a Linux guest's kernel, with an offset"),
      ("[heap]  hea", "a region: its name, its file's, or the beginning; goes to the first page present"),
      ("rip  rsp@1  cr3", "what a register of CPU 0, or of CPU 1, holds, in that CPU's space"),
      ("*rsp  *1000_40000008", "where the pointer leads that lies there"),
      ("p:1a2c000", "the first place in this space that maps a physical address"),
      ("+1000 -1000", "from the selected row; behind an address, a symbol or a register, from there"),
      ("g g", "the first row"),
    ])

  private static let filterWords = HelpSection(
    "Filter words",
    "all words must match, ! before a word negates it; a space in which nothing passes is left out",
    [
      ("w x u s", "writable, executable, user, supervisor only; letters can be combined"),
      ("huge 4k 2m 4m 1g", "by page size"),
      ("marked malformed recursive", "by what an entry is"),
      ("swapped", "entries that keep a place in swap space, in whatever process"),
      ("anything else", "part of a space's name, pid, root or command line"),
    ])
}

extension Explorer {
  /// What `x` and `d` are about: the frame or table of the selected row.
  var rowTarget: FrameTarget {
    guard let row = selectedRow, row.kind != .note, row.hasAddress else {
      return .nothing("this entry points at nothing")
    }
    return .address(physicalAddress(of: row))
  }

  /// What `x` is about where that is more than a frame: a space, or a table that it reaches.
  var rowReference: CrossReference? {
    guard let row = selectedRow else { return nil }
    if row.kind == .space { return .space(tree.spaces[Int(row.space)].id) }
    guard row.isEntry, row.entryKind == .table else { return nil }
    let table = TableReference(address: row.address, level: Int(row.level) + 1)
    return reached(table, in: Int(row.space), at: row.virtual)
  }

  var rowRegions: RegionsTarget? {
    selectedRow.map {
      RegionsTarget(spaceNumber: Int($0.space), address: $0.isEntry ? virtualAddress(of: $0) : nil)
    }
  }

  /// The spaces that the tree shows entries of, the selected one first.
  var spacesOnScreen: [TreeSpace] {
    let end = min(tree.rows.count, top + max(1, layout.tree.height))
    var spaceNumbers = selectedRow.map { [$0.space] } ?? []
    for row in tree.rows[min(top, end)..<end] where row.isEntry && spaceNumbers.last != row.space {
      spaceNumbers.append(row.space)
    }
    return spaceNumbers.map { tree.spaces[Int($0)] }
  }
}
