extension Explorer {
  /// Why a command can do nothing now; nil when it can.
  func obstacle(to command: Command) -> String? {
    let screen = screen
    guard screen.has(command) else { return "\(command.name) does nothing here" }
    return screen.deeds[command].map { $0.obstacle(self) } ?? command.obstacle(self)
  }

  /// Does what a command means on the screen, and answers what work it calls for.
  mutating func perform(_ line: CommandLine) -> [ExplorerWork] {
    let command = line.command
    if let obstacle = obstacle(to: command) {
      status = command.isChange ? .error(obstacle) : .warning(obstacle)
      return [.bell]
    }
    status = .empty
    if let deed = screen.deeds[command] {
      deed.perform(&self)
      return []
    }
    return command.perform(&self, line.argument)
  }
}
