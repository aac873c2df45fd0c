/// What people want to do: help lists each command under one of these tasks, in this order.
enum CommandGroup: String, Sendable, CaseIterable {
  case move = "Move"
  case open = "Open and look closer"
  case sharing = "Who shares, who mirrors"
  case finding = "Find and go"
  case pictures = "Pictures"
  case keeping = "Copy and keep"
  case live = "A running machine"
  case overlay = "Make mirrors, on an overlay"
  case program = "The program"
}
