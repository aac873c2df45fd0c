/// What people want to do: help lists each command under one of these tasks, in this order.
enum CommandGroup: String, Sendable, CaseIterable {
  case sharing = "Who shares, who mirrors"
  case open = "Open and look closer"
  case finding = "Find and go"
  case pictures = "Pictures"
  case live = "A running machine"
  case move = "Move"
  case keeping = "Copy and keep"
  case overlay = "Make mirrors, on an overlay"
  case program = "The program"
}
