import Canvas

/// Help for where the person is, made from the live keymap and the table of commands.
enum HelpPage {
  /// - Parameter rootName: what the tables at the root are called where the person is.
  static func make(keymap: Keymap, place: Place, rootName: String, width: Int) -> TextPage {
    var lines: [StyledLine] = []
    func add(_ keys: String, _ command: Command) {
      var line = StyledLine(Numbers.left(keys, 21) + " ", .key)
      line.add(Numbers.left(command.shortUsage, 16) + " ", .dim)
      line.add(command.description.title)
      lines.append(line)
    }
    lines.append(StyledLine("Keys that work here; every one is also a command after :", .header))
    var named: Set<Command> = []
    for command in Command.allCases where command.description.places.contains(place) {
      let bindings = keymap.bindings.filter { $0.command == command && $0.places.contains(place) }
      named.insert(command)
      add(bindings.map(\.name).joined(separator: ", "), command)
    }
    let others = Command.allCases.filter { !named.contains($0) }
    if !others.isEmpty {
      lines.append(StyledLine())
      lines.append(StyledLine("Elsewhere", .header))
      for command in others {
        add(keymap.bindings.filter { $0.command == command }.map(\.name).joined(separator: ", "), command)
      }
    }
    lines += explanations(rootName)
    let wrapped = lines.flatMap { $0.wrapped(to: max(20, width - 4), indent: 39) }
    return TextPage(title: "help: \(title(of: place))", lines: wrapped)
  }

  private static func title(of place: Place) -> String {
    switch place {
    case .tree: "the tree"
    case .detail: "the detail side"
    case .spaces: "the list of spaces"
    case .regions: "regions of a space"
    case .shared: "shared sub-tables"
    case .mirrors: "mirrors"
    case .findings: "findings"
    case .aliases: "who maps it"
    case .overlays: "mirrors made here"
    case .matrix: "the sharing matrix"
    case .map: "the map of a space"
    case .frame: "a page of memory"
    case .text: "a page"
    }
  }

  private static func explanations(_ rootName: String) -> [StyledLine] {
    let rows: [(String, String)] = [
      ("", ""),
      ("Signs", ""),
      ("r w x u", "readable, writable, executable, open to user mode: what the whole path allows"),
      ("a d g", "accessed, dirty, global: bits of the entry itself"),
      ("H", "a huge page: a leaf above the last level"),
      ("=43 swapper", "a table that 43 spaces reach, in the color of its owner, the first of them"),
      ("~mirror", "kernel memory whose frames user space also maps, outside the direct map"),
      ("~mirrored", "user memory whose frames the kernel also maps so"),
      ("direct", "the kernel's linear map of all memory; d where there is little room"),
      ("!", "a finding: F lists them all"),
      ("@\(rootName)", "a recursive entry: points back at that table on its own path"),
      ("[heap] +2", "what a Linux guest has there, and how many more regions"),
      ("x511", "so many more neighbours that read like the row above; Enter opens them"),
      ("(PROT_NONE)", "not present for the processor; Linux keeps the frame that is shown"),
      ("marked", "not present; software keeps something, a swap slot for example"),
      ("? stale", "looks like a root and maps no user memory: most likely freed"),
      ("", ""),
      ("Going to", ""),
      ("ffff8880_00000000", "a virtual address, with or without 0x and _"),
      (
        "do_idle+1f [heap]",
        "a symbol of a Linux guest's kernel, with an offset; a region: its name, or its file's"
      ),
      ("p:1a2c000", "the first place in this space that maps a physical address"),
      ("+1000 -1000", "from the selected row"),
      ("g g", "the first row"),
      ("", ""),
      ("Filter words", "all have to hold; ! before a word turns it round"),
      ("w x u s", "writable, executable, user, supervisor only; letters may stand together"),
      ("huge 4k 2m 4m 1g", "by page size"),
      ("marked malformed recursive", "by what an entry is"),
      ("anything else", "part of a space's name, pid, root or command line"),
      ("", ""),
      ("Lists", "1 to 9 sort by that column, again the other way round"),
      ("word", "in a filter: part of a text, digits of an address, or a length as 4k"),
      ("owner:word !word", "in one column only; not"),
      ("", ""),
      ("Sharing matrix", "a row a space, a column a slot of its root"),
      ("o  = or =43", "its own table; shared, by so many spaces"),
      ("@ H m ! ? .", "recursive, huge page, marked, malformed, not in the dump, absent"),
      ("", ""),
      ("Map of a space", "+ and - change the scale; Enter goes to what begins in the cell"),
      ("u k d ~ ? .", "user, kernel, direct map, mirror, marked or malformed, nothing"),
      ("U K D", "the same in tables that other spaces reach, too"),
      ("-", "a region of the process, of which nothing is present here"),
      ("", ""),
      ("Mirrors of your own", "on an overlay: the dump is never written"),
      (":mirror 10000", "map so many bytes (hex, or 64K) of user memory into the kernel"),
      (":unmirror", "drop it again"),
      ("", ""),
      ("Mouse", "click selects, on a sign opens; double click opens; the wheel scrolls; the path and the"),
      ("", "footer can be clicked, too. Shift and the mouse select text as the terminal does."),
    ]
    return rows.map { name, text in
      if text.isEmpty { return StyledLine(name, .header) }
      return StyledLine(Numbers.left(name, 27) + " ", .key).adding(text)
    }
  }
}
