import PageTables

extension Screen.ID {
  static let frame = Screen.ID("frame")
}

extension Screen {
  static let frame = Screen(
    id: .frame, title: "a page of memory", isQuestion: true, opener: .frame,
    commands: [.aliases, .frameNext, .framePrevious],
    footer: { _ in [.aliases, .frameNext, .framePrevious, .search, .searchNext, .help, .cancel] },
    draw: { explorer, layout, canvas, theme, _ in
      if let frame = explorer.frame { explorer.drawPage(frame.page, layout, &canvas, theme) }
    },
    move: { explorer, movement in
      explorer.scrollFrame(by: movement.rows(page: max(1, explorer.layout.list.height)))
    },
    scroll: { explorer, step, _, _ in explorer.scrollFrame(by: step) },
    find: { explorer, forward in
      let (text, height) = (explorer.query, explorer.layout.list.height)
      if explorer.frame?.page.find(text, forward: forward, height: height) != true {
        explorer.missedOnPage()
      }
    },
    frameTarget: { explorer in
      explorer.frame.map { .address($0.address) } ?? .nothing("no frame is shown")
    },
    follow: { explorer, change in
      switch change {
      case .names, .guest, .width: explorer.renewFrame()
      // What was known of it stays as long as nothing newer is.
      case .index: if explorer.index != nil { explorer.renewFrame() }
      case .spaces, .commandLines, .tables, .namesOfSpace: break
      }
    })
}

extension Command {
  static let frame = Command(
    "frame", "what a page is used as, and its bytes", label: "frame", in: .open, .named,
    obstacle: { $0.screen.frameTarget($0).obstacle },
    does: { $0.openFrame() })

  static let frameNext = Command(
    "frame-next", "the next page of memory", label: "next page", in: .open, .named
  ) {
    $0.stepFrame(by: 1)
  }

  static let framePrevious = Command(
    "frame-previous", "the previous page of memory", label: "previous page", in: .open, .named
  ) {
    $0.stepFrame(by: -1)
  }
}

/// The page of memory that was shown last.
struct FrameState: ScreenState {
  var frame: FramePage?
}

extension Explorer {
  fileprivate(set) var frame: FramePage? {
    get { states[FrameState.self].frame }
    set { states[FrameState.self].frame = newValue }
  }

  fileprivate mutating func openFrame() {
    if let address = screen.frameTarget(self).address { openFrame(at: address) }
  }

  /// Shows the page of a byte of memory.
  mutating func openFrame(at address: PhysicalAddress) {
    showFrame(address.frameStart, keepingTop: false)
    let height = layout.list.height
    frame?.show(offset: Int(address.value &- address.frameStart.value), height: height)
    enter(.frame)
  }

  fileprivate mutating func stepFrame(by step: Int) {
    guard let address = frame?.address else { return }
    let next = PhysicalAddress(address.value &+ UInt64(bitPattern: Int64(step)) &* Frame.size)
    guard (step > 0) == (next > address) else {
      status = .warning("there are no further frames")
      return
    }
    showFrame(next, keepingTop: true)
  }

  fileprivate mutating func scrollFrame(by step: Int) {
    guard let top = frame?.page.top else { return }
    let height = layout.list.height
    frame?.page.scroll(to: top + step, height: height)
  }

  /// Shows what is known of the same page by now.
  fileprivate mutating func renewFrame() {
    if let frame { showFrame(frame.address, keepingTop: true) }
  }

  private mutating func showFrame(_ address: PhysicalAddress, keepingTop: Bool) {
    let former = keepingTop ? frame : nil
    frame = FramePage(
      address, memory: memory, index: index, spaces: ListSpaces(tree.spaces), awaited: awaitedText,
      use: guest.names?.frameUse(of: address), width: width)
    let height = layout.list.height
    if let former { frame?.keepTop(of: former, height: height) }
  }
}
