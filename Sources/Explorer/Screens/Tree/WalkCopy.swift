import Guests
import PageTables

/// The walk of an address to be copied; the program writes it as its `translate` command would.
package struct WalkCopy: Equatable, Sendable {
  package enum Form: Sendable {
    case text, json
    /// The command that walks it again.
    case command
  }

  package let found: FoundSpace
  package let address: VirtualAddress
  package let names: GuestNames?
  package let form: Form
  /// The file, as it was given.
  package let sourceName: String
  /// What names the space on a command line: the pid where no other space has it, else the root.
  package let spaceName: String

  package static func == (left: WalkCopy, right: WalkCopy) -> Bool {
    left.found == right.found && left.address == right.address && left.form == right.form
  }
}
