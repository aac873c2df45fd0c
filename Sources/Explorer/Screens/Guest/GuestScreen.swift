extension Screen.ID {
  static let guest = Screen.ID("guest")
}

extension Screen {
  static let guest = Screen.page(.guest, title: "the guest", opener: .guest)
}

extension Command {
  static let guest = Command(
    "guest", "what is known about the guest, and how", label: "guest", in: .open, .views,
    obstacle: { $0.guest.guest == nil ? $0.unknownGuestText : nil },
    does: { explorer in
      guard let names = explorer.guest.names, let guest = names.guest else { return }
      explorer.show(
        GuestPage.make(guest, kernelParts: names.kernelParts, width: explorer.width), as: .guest)
    })
}

extension Explorer {
  /// Why nothing can be told of a guest.
  var unknownGuestText: String {
    if let names = guest.names, names.guest == nil {
      return "a capture keeps only the guest's names of processes and regions"
    }
    return "no Linux guest is known in this memory" + (isBusy ? " so far" : "")
  }
}
