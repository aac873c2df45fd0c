import ArgumentParser
import Guests
import PageTables
import Records

struct TranslateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "translate", abstract: "Walk addresses as the processor would, and show every step.")

  @OptionGroup var arguments: SourceArguments
  @Option(help: ArgumentHelp("The space: its name, process id, root (0x…) or cpuN.", valueName: "S"))
  var space: String?
  @Argument(help: ArgumentHelp("Virtual addresses: hexadecimal, or symbol+offset.", valueName: "VA"))
  var addresses: [String]
  @Flag(help: "One JSON record a line.") var json = false

  func run() throws {
    try reportingFailures {
      let source = try OpenedSource(arguments, json: json)
      let found = try source.space(self.space)
      let space = found.space
      let parsed = try addresses.map { try AddressArgument.parse($0).address(symbols: source.symbols) }
      let names = try source.names()
      var output = StandardOutput(json: json)
      var outside: VirtualAddress?
      for address in parsed {
        let translation = space.translate(address, in: source.image.memory)
        let knowledge = names?.knowledge(of: translation, in: found)
        output.put(TranslateRecord(translation, space: space, guest: knowledge ?? AddressKnowledge()))
        if translation.outcome == .fault(.nonCanonical), outside == nil { outside = address }
      }
      guard let outside else { return }
      throw Failure(
        "\(Hex(outside)) is not canonical under \(space.scheme.title); the nearest address that is: "
          + Hex(space.scheme.nearestCanonical(to: outside)).description)
    }
  }
}
