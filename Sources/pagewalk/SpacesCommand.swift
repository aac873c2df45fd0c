import ArgumentParser
import Guests
import PageTables
import Records

struct SpacesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spaces", abstract: "List every address space: root, scheme, tables, and how it was found.")

  @OptionGroup var arguments: SourceArguments
  @Flag(help: "One JSON record a line.") var json = false

  func run() throws {
    try reportingFailures {
      let source = try OpenedSource(arguments, json: json)
      let spaces = try source.allSpaces().spaces
      var output = StandardOutput(json: json)
      let counts = source.timings.measure("index") { SpaceCounts(spaces, in: source.image.memory) }
      for (index, found) in spaces.enumerated() { output.put(counts.record(found, at: index)) }
    }
  }
}

/// What the table graph says about each of some spaces.
struct SpaceCounts {
  private var tables: [Int]
  private var shared: [Int]
  private var bytes: [UInt64]

  /// Spaces of different schemes share no graph: their tables read differently.
  init(_ spaces: [FoundSpace], in memory: any PhysicalMemory) {
    tables = [Int](repeating: 0, count: spaces.count)
    shared = tables
    bytes = [UInt64](repeating: 0, count: spaces.count)
    var schemes: [PagingScheme] = []
    for found in spaces where !schemes.contains(found.space.scheme) { schemes.append(found.space.scheme) }
    for scheme in schemes {
      let members = spaces.indices.filter { spaces[$0].space.scheme == scheme }
      let roots = members.map { spaces[$0].space.root }
      guard let graph = TableGraph(roots: roots, scheme: scheme, memory: memory) else { continue }
      let reaching = TableCounts(graph).spaces
      let below = graph.bytesBelow()
      graph.forEachReach { places, node in
        guard graph.isReadable(node) else { return }
        for place in places {
          tables[members[place]] += 1
          if reaching[node] > 1 { shared[members[place]] += 1 }
        }
      }
      for (member, root) in zip(members, graph.roots) {
        if let root { bytes[member] = below[root] }
      }
    }
  }

  func record(_ found: FoundSpace, at index: Int) -> SpaceRecord {
    SpaceRecord(found, tables: tables[index], sharedTables: shared[index], bytesMapped: bytes[index])
  }
}
