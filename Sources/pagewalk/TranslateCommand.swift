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
  @Flag(help: "One JSON record per line.") var json = false

  func run() throws {
    try reportingFailures {
      let source = try OpenedSource(arguments, json: json)
      let found = try source.space(self.space)
      let space = found.space
      let names = try source.names()
      var output = StandardOutput(json: json)
      // What cannot be answered does not keep back what can.
      var failures: [Failure] = []
      for text in addresses {
        do {
          let address = space.typed(
            try AddressArgument.parse(text).address(symbols: source.symbols), in: source.image.memory)
          let translation = space.translate(address, in: source.image.memory)
          let knowledge = names?.knowledge(of: translation, in: found)
          output.put(TranslateRecord(translation, space: space, guest: knowledge ?? AddressKnowledge()))
          if space.window(of: address) == nil {
            throw space.refusal(of: address)
          }
        } catch let failure as Failure {
          failures.append(failure)
        }
      }
      guard let first = failures.first else { return }
      let more = failures.count - 1
      throw more == 0 ? first : Failure("\(first) (and \(more) more of the addresses failed)")
    }
  }
}
