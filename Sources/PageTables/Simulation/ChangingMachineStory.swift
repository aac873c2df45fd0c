extension ChangingMachine {
  /// One thing that happens.
  struct Event: Sendable {
    /// In a few words: what a person would see from outside.
    let text: String
    let happen: @Sendable (inout ChangingMachine) throws(SimulationError) -> Void
  }

  /// What happens, one after the other.
  static let story: [Event] = [
    Event(text: "shell touches 4 pages of its heap") { machine throws(SimulationError) in
      try machine.map(heap(page: 4), 4, Place.heap.access, "shell heap, grown", in: .shell)
    },
    Event(text: "shell protects its data") { machine throws(SimulationError) in
      try machine.protect(Place.data.start, Place.data.pages, [.user], in: .shell)
    },
    Event(text: "shell forks") { machine throws(SimulationError) in
      try machine.fork()
    },
    Event(text: "the child writes to 2 pages") { machine throws(SimulationError) in
      machine.running = .child
      try machine.map(heap(page: 1), 2, Place.heap.access, "child heap, copied", in: .child)
    },
    Event(text: "2 pages of editor are swapped out") { machine throws(SimulationError) in
      machine.running = .editor
      try machine.swapOut(heap(page: 1), 2, of: .editor)
    },
    Event(text: "the kernel maps a buffer of editor") { machine throws(SimulationError) in
      let frames = try machine.frames(of: .editor, at: Place.data.start, Place.data.pages)
      try machine.writing { () throws(WritingError) in
        try machine.kernel.map(
          mirrorAddress, to: frames, as: .basic(.write), options: kernelOptions, in: machine.memory)
      }
    },
    Event(text: "editor gets a huge page") { machine throws(SimulationError) in
      let space = try machine.space(.editor)
      try machine.memory.label([machine.hugeFrame], "editor, huge page")
      try machine.writing { () throws(WritingError) in
        try space.map(
          hugeAddress, to: [machine.hugeFrame], as: .basic([.user, .write]), level: 2, in: machine.memory)
      }
    },
    Event(text: "the child becomes ls") { machine throws(SimulationError) in
      machine.processes.removeAll { $0.process == .child }
      try machine.addProcess(.list, libraryOf: .shell)
      machine.running = .list
    },
    Event(text: "editor is swapped in, and unmaps a page") { machine throws(SimulationError) in
      machine.running = .editor
      let space = try machine.space(.editor)
      try machine.map(heap(page: 1), 2, Place.heap.access, "editor heap, swapped in", in: .editor)
      try machine.writing { () throws(WritingError) in
        try space.unmap(heap(page: 3), length: Frame.size, in: machine.memory)
      }
    },
    Event(text: "ls exits, the kernel unmaps the buffer") { machine throws(SimulationError) in
      machine.processes.removeAll { $0.process == .list }
      machine.running = .shell
      try machine.writing { () throws(WritingError) in
        try machine.kernel.unmap(
          mirrorAddress, length: UInt64(Place.data.pages) * Frame.size, options: kernelOptions,
          in: machine.memory)
      }
    },
  ]

  private static let hugeAddress = VirtualAddress(0x7fff_0000_0000)

  private static func heap(page: UInt64) -> VirtualAddress {
    Place.heap.start.advanced(by: page * Frame.size)
  }

  /// Gives pages other rights.
  private func protect(
    _ start: VirtualAddress, _ pages: Int, _ access: Access, in process: Process
  ) throws(SimulationError) {
    try map(start, to: try frames(of: process, at: start, pages), access, in: process)
  }

  /// The child gets the shell's frames; what either could write, neither can write any more. The page table of the
  /// library serves both.
  private mutating func fork() throws(SimulationError) {
    try addSpace(.child)
    try share(.library, of: .shell, with: .child)
    let pages: [(place: Place, pages: Int)] =
      [(.code, Place.code.pages)]
      + Place.own.map { ($0, $0.start == Place.heap.start ? 8 : $0.pages) }
    for (place, count) in pages {
      let access = place.access.subtracting(.write)
      let frames = try frames(of: .shell, at: place.start, count)
      try map(place.start, to: frames, access, in: .shell)
      try map(place.start, to: frames, access, in: .child)
    }
  }

  private func swapOut(
    _ start: VirtualAddress, _ pages: UInt64, of process: Process
  ) throws(SimulationError) {
    let space = try space(process)
    var options = MapOptions()
    options.existing = .replaced
    try writing { () throws(WritingError) in
      try space.guardPages(
        start, length: pages * Frame.size, mark: Self.swapMark, options: options, in: memory)
    }
  }
}
