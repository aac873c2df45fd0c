/// Why page tables could not be changed; thrown by every function that writes them, and nothing was changed.
public enum WritingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No pages were given.
  case empty
  /// The address is not a multiple of the page size.
  case misaligned(VirtualAddress, pageSize: UInt64)
  /// No window of the space translates the range, or not all of it: it is not canonical, or lies beyond the last
  /// address.
  case outsideAddressSpace(VirtualAddress)
  /// The scheme has no such level.
  case noSuchLevel(Int)
  /// Something is there already: a page or a table, a software mark, or a malformed entry.
  case occupied(VirtualAddress, EntryKind)
  /// Nothing is mapped there.
  case notMapped(VirtualAddress)
  /// The range ends in the middle of a page, and the scheme has no smaller pages to split it into.
  case cutsPage(VirtualAddress, pageSize: UInt64)
  /// Entries above the page forbid some of the access that the page is to have.
  case pathForbids(VirtualAddress, Access)
  /// The raw entry neither maps a page nor is a mark.
  case noPage(raw: UInt64)
  /// A table on the path cannot be read.
  case missingTable(PhysicalAddress, MissingPage)
  /// The scheme cannot encode the entry.
  case encoding(EncodingError)
  /// There are not enough free frames for the tables.
  case outOfFrames(OutOfFrames)
  /// A reference names an owner for which no root was given.
  case unknownOwner(Int)
  /// The owner has no table of that depth at that address.
  case ownerHasNoTable(VirtualAddress, depth: Int)

  /// One line: what is wrong, where, and what to do.
  public var description: String {
    switch self {
    case .empty: "no pages to map or unmap; give a length of at least one page"
    case .misaligned(let address, let pageSize):
      "\(address.text) is no multiple of the page size \(AddressText.hex(pageSize)); align it"
    case .outsideAddressSpace(let address):
      "the range at \(address.text) leaves the address space; choose a canonical range in one half"
    case .noSuchLevel(let level): "the paging scheme has no level \(level) for this; choose another page size"
    case .occupied(let address, let kind):
      "\(address.text) is taken by a \(kind) entry; unmap it first or choose another place"
    case .notMapped(let address):
      "nothing is mapped at \(address.text); give a range that is mapped throughout"
    case .cutsPage(let address, let pageSize):
      "the range cuts the page of \(AddressText.hex(pageSize)) bytes at \(address.text); give whole pages"
    case .pathForbids(let address, let access):
      "the tables above \(address.text) do not allow \(access.names); choose another place"
    case .noPage(let raw): "the entry \(AddressText.hex(raw)) maps no page and is no mark; give a leaf entry"
    case .missingTable(let table, let reason):
      "the table at \(AddressText.hex(table.value)) cannot be read: \(reason.text); choose another place"
    case .encoding(let error): error.description
    case .outOfFrames(let error): error.description
    case .unknownOwner(let spaceNumber):
      "no root was given for the owner, space \(spaceNumber); rebuild owners first"
    case .ownerHasNoTable(let address, let depth):
      "the owner has no table of depth \(depth) at \(address.text); rebuild its mappings first"
    }
  }
}

extension VirtualAddress {
  var text: String { AddressText.hex(value) }
}

extension MissingPage {
  var text: String {
    switch self {
    case .notInDump: "it is not in the dump"
    case .outsidePhysicalMemory: "it lies outside physical memory"
    }
  }
}

extension Access {
  /// What is allowed in addition to reading, in words.
  var names: String {
    let all: [(Access, String)] = [(.write, "writing"), (.user, "user access"), (.execute, "execution")]
    return isEmpty ? "reading" : all.filter { contains($0.0) }.map(\.1).joined(separator: ", ")
  }
}
