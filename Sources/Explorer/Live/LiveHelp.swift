extension HelpSection {
  /// What is different with a machine that runs.
  static let liveMachine = HelpSection(
    "A machine that runs", "qmp:, gdb:, pid:, /proc/kcore; pagewalk demo --live plays one",
    [
      ("+  -  *", "at the left edge: new, gone, changed since the moment before"),
      ("r", "takes the next moment; what is open and selected stays"),
      ("D", "lists what changed; Enter goes there"),
      (":watch 1", "takes a moment every second, until :watch off"),
      (":follow", "takes one whenever the machine stops, as at each step of a debugger"),
      (":keep before", "keeps this moment; :diff before compares with it from then on"),
    ])
}
