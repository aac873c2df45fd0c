import Canvas
import Guests
import PageTables

/// What can happen to the explorer.
package enum ExplorerEvent: Sendable {
  /// A key, pasted text, the mouse, a new size, a signal.
  case input(InputEvent)
  /// A line as typed after `:`.
  case command(String)
  /// Where the command line asks to begin: a space by its name, process id or root, and there what `g` takes.
  case begin(space: String?, address: String?)
  /// The spaces known now, all of them; the last time `isComplete` is true.
  case spacesFound(FoundSpaces, isComplete: Bool)
  /// How much of memory was searched for spaces: 0 to 1.
  case scanProgress(Double)
  /// The search for spaces was given up; what it found stays.
  case scanCancelled
  /// How much of the index with this number is made: 0 to 1.
  case indexProgress(request: Int, Double)
  /// The answer to `.index` with the same number.
  case indexed(request: Int, ExplorerIndex)
  /// The answer to `.findSharers` with the same number.
  case sharersFound(request: Int, [Sharer])
  /// What the guest in this memory, or a capture of one, calls addresses; its spaces come by `.spacesFound`.
  case guestRead(GuestNames)
  /// The command lines of the guest's processes, by pid.
  case commandLinesRead([Int: String])
  /// The answer to `.readNames` with the same number.
  case namesRead(request: Int, SpaceNames)
  /// The answer to `.gatherRegions` with the same number.
  case regionsGathered(request: Int, FinderItems)
  /// Time for the next slice of work; answers `.proceed`.
  case proceed
  /// The answer to `.findPhysical` with the same number; nil when nothing maps the address.
  case physicalFound(request: Int, VirtualAddress?)
  /// The answer to `.copyWalk`: what goes on the clipboard.
  case walkWritten(String)
  /// The answer to `.takeMoment` with the same number.
  case momentTaken(request: Int, TakenMoment)
  /// The same, where none could be taken: why.
  case momentFailed(request: Int, String)
  /// The answer to `.compareMoments` with the same number; nil where it was given up.
  case momentsCompared(request: Int, MomentChanges?)
  /// Time for the next moment, as `.watch` or `.followStops` asked.
  case momentDue
  /// What the source is now: it was stopped, or let run.
  case liveSource(LiveSource)
  /// One line for the person.
  case notice(String)
  /// One line about what is wrong with the source, which came up while it is shown.
  case warning(String)
  /// One line about something that failed.
  case failure(String)
}

/// What the explorer wants done. The program does it, without blocking, and answers with events.
package enum ExplorerWork: Equatable, Sendable {
  /// Search memory for spaces; answered with `.scanProgress` and `.spacesFound`.
  case scan
  /// Stop that search; answered with `.scanCancelled`.
  case cancelScan
  /// Find the lowest virtual address that maps a physical one: `PhysicalSearch.first`; answered with
  /// `.physicalFound`.
  case findPhysical(request: Int, space: AddressSpace, PhysicalAddress)
  /// Stop finding; needs no answer.
  case cancelFindPhysical
  /// Index all spaces, in this order; answered with `.indexProgress` and `.indexed`. A newer one ends an older.
  case index(request: Int, [AddressSpace], SpaceCensus)
  /// Stop that; needs no answer.
  case cancelIndex
  /// Find the spaces that share memory with one: `SharerQuery.run`; answered with `.sharersFound`.
  case findSharers(request: Int, SharerQuery)
  /// Read what the guest calls the addresses of a space: `NamesSearch.run`; answered with `.namesRead`.
  case readNames(request: Int, NamesSearch)
  /// Read the regions of all processes: `RegionGathering.run`; answered with `.regionsGathered`.
  case gatherRegions(request: Int, RegionGathering)
  /// Take the next moment of the source, and compare it; answered with `.momentTaken` or `.momentFailed`.
  case takeMoment(request: Int, comparedWith: KeptMoment)
  /// Compare two moments: `MomentComparison.run`; answered with `.momentsCompared`.
  case compareMoments(request: Int, MomentComparison)
  /// Send `.momentDue` again and again; nil ends that.
  case watch(seconds: Double?)
  /// Send `.momentDue` whenever the source stops, or end that.
  case followStops(Bool)
  /// Let the source run, or stop it; answered with `.liveSource` or `.failure`.
  case setRunning(Bool)
  /// Send `.proceed` as soon as no key waits.
  case proceed
  /// Open another source, and go on with an explorer of that; answered with `.failure` where it cannot be.
  case openSource(String)
  /// Leave out what is left of the script.
  case endScript
  /// Put a text on the clipboard.
  case copy(String)
  /// Write the walk of an address; answered with `.walkWritten`.
  case copyWalk(WalkCopy)
  /// Write the screen as it is drawn now to a file: .txt, .ansi or .svg; `force` overwrites one that exists.
  case exportScreen(String, force: Bool)
  /// Use another theme.
  case useTheme(ThemeChoice)
  /// Give a part of the screen this look, whatever the theme; nil for the theme's.
  case useStyle(Role, Style?)
  /// Draw every cell anew.
  case redraw
  /// Stop, as Ctrl-Z does.
  case suspend
  /// Make the sound for "no".
  case bell
  /// Leave with this exit status; 128 and the number of a signal, to end as that signal does.
  case quit(status: Int32)
}
