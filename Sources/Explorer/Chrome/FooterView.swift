import Canvas

/// A key of the footer, and where it stands.
struct FooterItem {
  let binding: Binding
  let label: String
  let x: Int
  let width: Int
}

extension Prompt {
  /// What a line of `width` cells shows of the text, and where the cursor is in it: of a long text what stands
  /// before the cursor, and a problem has room beside it.
  func visibleText(width: Int) -> (text: String, cursor: Int) {
    let line = width - 2 - CellText.width(of: label)
    let room = problem.isEmpty ? line : max(line / 2, line - 3 - CellText.width(of: problemText))
    var cells = CellText.width(of: field.beforeCursor)
    var start = 0
    while cells > room, start < field.cursor {
      cells -= CellText.width(of: String(field.characters[start]))
      start += 1
    }
    let text = String(field.characters[start...])
    return (problem.isEmpty ? text : CellText.fitted(text, to: max(0, room), ellipsis: ""), cells)
  }
}

extension Explorer {
  /// The keys that work now, and where they stand; what does not fit is left out, but help and quit stay.
  func footerItems() -> [FooterItem] {
    let screen = screen
    let bindings = screen.footer(self).compactMap { command in
      obstacle(to: command) == nil ? keymap.binding(of: command, on: screen) : nil
    }
    let essential: Set<Command> = [.help, .leave, .cancel]
    func size(_ binding: Binding) -> Int { keyName(binding).count + 1 + label(binding, on: screen).count + 2 }
    var room = width - 1 - bindings.filter { essential.contains($0.command) }.reduce(0) { $0 + size($1) }
    var items: [FooterItem] = []
    var x = 1
    for binding in bindings {
      if !essential.contains(binding.command) {
        guard size(binding) <= room else { continue }
        room -= size(binding)
      }
      items.append(
        FooterItem(binding: binding, label: label(binding, on: screen), x: x, width: size(binding) - 2))
      x += size(binding)
    }
    return items
  }

  private func keyName(_ binding: Binding) -> String {
    switch binding.command {
    case .copy: String(binding.keys[0].name)
    // A key for each column.
    case .sort: String(binding.keys[0].name) + ".."
    default: binding.name
    }
  }

  private func label(_ binding: Binding, on screen: Screen) -> String {
    if binding.command == .leave, !screen.leavesProgram(self) { return Command.cancel.label }
    return screen.labels[binding.command] ?? binding.command.label
  }

  func drawFooter(in area: Rectangle, _ canvas: inout Canvas, _ theme: Theme) {
    guard !area.isEmpty else { return }
    if let prompt {
      var x = canvas.put(prompt.label, x: 1, y: area.y, style: theme[.prompt], width: area.width)
      let text = prompt.visibleText(width: area.width).text
      let style = theme[prompt.field.isSelected ? .selection : .text]
      x = canvas.put(text, x: x, y: area.y, style: style, width: max(0, area.width - x))
      let room = max(0, area.width - x - 3)
      let remark =
        if !prompt.problem.isEmpty {
          CellText.fitted(prompt.problemText, to: room)
        } else if prompt.offers.count > 1 {
          prompt.offers.joinedWhole(by: " ", within: room)
        } else {
          prompt.hints.joinedWhole(by: ", ", within: room)
        }
      canvas.put(
        remark, x: x + 3, y: area.y, style: theme[prompt.problem.isEmpty ? .dim : .error], width: room)
      return
    }
    if !pendingKeys.isEmpty {
      let offers = keymap.continuations(of: pendingKeys, on: screen).map { binding in
        let rest =
          binding.keys.dropFirst(pendingKeys.count).map(\.name) + (binding.takesLetter ? ["a-z"] : [])
        return
          "\(rest.joined(separator: " ")) \(binding.argument.isEmpty ? binding.command.name : binding.argument)"
      }
      let keys = pendingKeys.map(\.name).joined(separator: " ") + "   "
      let text = keys + offers.joinedWhole(by: "   ", within: area.width - 1 - CellText.width(of: keys))
      canvas.put(text, x: 1, y: area.y, style: theme[.prompt], width: max(0, area.width - 1))
      return
    }
    if caption.isPaused, status == .empty, caption.text.isEmpty || layout.caption.height < 3 {
      canvas.put(
        "Enter continues, Esc leaves", x: 1, y: area.y, style: theme[.prompt], width: max(0, area.width - 1))
      return
    }
    if status != .empty {
      canvas.put(
        CellText.fitted(status.text, to: max(0, area.width - 1)), x: 1, y: area.y, style: theme[status.role],
        width: max(0, area.width - 1))
      return
    }
    for item in footerItems() {
      let x = canvas.put(
        keyName(item.binding), x: item.x, y: area.y, style: theme[.key], width: max(0, area.width - item.x))
      canvas.put(item.label, x: x + 1, y: area.y, style: theme[.keyLabel], width: max(0, area.width - x - 1))
    }
  }
}
