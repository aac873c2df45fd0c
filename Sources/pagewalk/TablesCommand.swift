import ArgumentParser
import PageTables
import Records

struct TablesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tables", abstract: "List every distinct table: who reaches it, and what lies below it.")

  @OptionGroup var arguments: SharingArguments
  @Flag(help: "Only tables that more than one space reaches.") var shared = false
  @Flag(help: "One JSON record per line.") var json = false

  func run() throws {
    try reportingFailures {
      let source = try SharingSource(arguments, json: json)
      let index = try source.index()
      var output = StandardOutput(json: json)
      let tables = index.tables.sorted { one, other in
        (one.table.level, one.table.address, one.scheme.name)
          < (other.table.level, other.table.address, other.scheme.name)
      }
      var sharedTables = 0
      for table in tables {
        if table.sharing.spaces > 1 { sharedTables += 1 }
        if !shared || table.sharing.spaces > 1 { output.put(TableRecord(table, in: index)) }
      }
      output.remark("\(tables.count) tables, \(sharedTables) of them shared, in \(index.spaces.count) spaces")
      if index.missingTables > 0 {
        complain(
          "\(index.missingTables) entries point at tables that are not in the dump; those are not listed")
      }
    }
  }
}
