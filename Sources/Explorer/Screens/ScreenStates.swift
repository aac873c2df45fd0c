/// What a screen remembers while another one is shown.
protocol ScreenState: Sendable {
  /// As it is before the screen is opened.
  init()
}

/// What all screens remember, by type: a screen keeps its state in its own folder.
struct ScreenStates: Sendable {
  private var all: [ObjectIdentifier: any ScreenState] = [:]

  subscript<State: ScreenState>(_ type: State.Type) -> State {
    get { all[ObjectIdentifier(type)] as? State ?? State() }
    set { all[ObjectIdentifier(type)] = newValue }
  }
}
