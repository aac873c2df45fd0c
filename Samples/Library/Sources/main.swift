// The engine in a program of one's own: `swift run library-sample DUMP ROOT…`, two roots of x86-64 at least.
import Glibc
import MemoryImages
import PageTables

guard CommandLine.arguments.count > 3 else {
  print("usage: library-sample DUMP ROOT ROOT...")
  exit(64)
}
let image = try MemoryImage.open(CommandLine.arguments[1], options: SourceOptions())
let scheme = X86.paging4Level()
let spaces = CommandLine.arguments.dropFirst(2).compactMap { text in
  AddressText.parse(text).map { AddressSpace(name: text, root: PhysicalAddress($0), scheme: scheme) }
}

// Several roots as one: what each space has of its own, and what it shares with an earlier one.
let walk = walkSpaces(spaces, in: image.memory)
for (space, items) in zip(spaces, walk.items) {
  let mappings = items.count { if case .mapping = $0 { true } else { false } }
  print("\(space.name): \(mappings) mappings of its own, \(items.count - mappings) references")
}

// A compact copy of all tables: the sharing is kept, so the copy gives as many references.
let copy = try rebuild(spaces.map(\.root), scheme: scheme, in: image.memory)
let copied = zip(spaces, copy.roots).map { AddressSpace(name: $0.name, root: $1, scheme: scheme) }
let again = walkSpaces(copied, in: copy.memory)
print(
  "rebuilt: \(copy.tables) tables in \(copy.memory.length >> 10) KiB, written out as \(copy.memory.bytes.count) bytes"
)
precondition(spaces.indices.allSatisfy { again.references(of: $0).count == walk.references(of: $0).count })

// A user page of the first space that has one, mirrored into the kernel over the dump, and dropped again.
let overlay = OverlayMemory(over: image.memory)
for space in spaces {
  var page: VirtualAddress?
  _ = space.forEachLeaf(in: image.memory) { leaf in
    if leaf.access.contains(.user), overlay.extent.hasMemory(leaf.physical) { page = leaf.virtual }
    return page == nil
  }
  guard let page else { continue }
  do {
    let mirror = try space.mirror(page, length: 4096, in: overlay)
    print("\(space.name): \(page) is mirrored at \(mirror.address), \(overlay.changedPages) pages changed")
  }
  print("dropped: \(overlay.changedPages) pages changed")
  break
}
