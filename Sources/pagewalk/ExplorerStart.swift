import ArgumentParser
import Canvas
import Explorer
import Glibc
import Guests
import MemoryImages
import PageTables

/// What a run of the explorer starts from.
struct ExplorerStart {
  let source: OpenedSource
  let known: FoundSpaces
  let steps: [PlacedStep]
  /// Whether the steps are those of a script or of the tour, and not only where to begin.
  let isScripted: Bool

  /// - Parameter goal: where to go once all is known, before the script.
  init(
    _ source: OpenedSource, goingTo goal: StartingGoal? = nil, script path: String?, else text: String = "",
    keys: String? = nil
  ) throws {
    self.source = source
    known = try source.knownSpaces()
    let script = try path.map { try readText($0) } ?? text
    isScripted = !script.isEmpty || keys != nil
    let name = path.map { $0 == "-" ? "standard input" : $0 } ?? "the tour"
    let going = goal.map { goal in
      [ScriptStep.wait, .begin(space: goal.space, address: goal.address)].map {
        PlacedStep(step: $0, place: goal.option)
      }
    }
    steps = try (going ?? []) + PlacedStep.all(script, in: name) + PlacedStep.all(keys ?? "", in: "--keys")
  }

  /// Another source by its name, opened while an explorer runs: nothing is printed.
  init(opening name: String) throws {
    let source = try OpenedSource(name, try ReadingOptions.parse([]), json: false, warns: false)
    try self.init(source, script: nil)
  }

  func makeExplorer(width: Int, height: Int) -> Explorer {
    var explorer = Explorer(
      memory: source.image.memory, sourceName: source.image.name, formatName: source.image.format,
      warnings: source.image.warnings + known.warnings, registers: Registers(source.image.cpus),
      live: source.machine?.source)
    _ = explorer.update(.input(.resize(width: width, height: height)))
    return explorer
  }
}

/// Where the explorer begins.
struct StartingGoal {
  let space: String?
  /// What `g` takes there.
  let address: String?
  /// The options that asked for it, for messages.
  let option: String

  /// Nil to begin at the top.
  init?(space: String?, address: String?) {
    guard space != nil || address != nil else { return nil }
    self.space = space
    self.address = address
    option = [space.map { "--space \($0)" }, address.map { "--goto \($0)" }].compactMap(\.self)
      .joined(separator: " ")
  }
}

/// A step of a script, and where it stands.
struct PlacedStep {
  let step: ScriptStep
  /// The file and the line, as compilers name them: `demo.script:7`.
  let place: String
  /// Which of the script's pauses it is, from 1 on; nil for any other step.
  var pause: (number: Int, count: Int)?

  /// The steps of a script; `name` is its file's.
  static func all(_ text: String, in name: String) throws -> [PlacedStep] {
    do throws(Script.Problem) {
      let steps = try Script.numbered(text)
      let count = steps.count { $0.step.isPause }
      var pauses = 0
      return steps.map { line, step in
        pauses += step.isPause ? 1 : 0
        return PlacedStep(
          step: step, place: "\(name):\(line)", pause: step.isPause ? (pauses, count) : nil)
      }
    } catch {
      throw Failure("\(name):\(error.line): \(error.text)")
    }
  }

  /// What to say where it could not be done.
  func failure(_ problem: String) -> String {
    guard case .command(let line) = step else { return "\(place): \(problem)" }
    return "\(place): :\(line): \(problem)"
  }
}

/// Writes what a canvas shows, in the form that the file's name asks for.
///
/// - Parameter draw: draws it with a theme: a picture is for light and dark backgrounds.
func writeScreen(
  to path: String, of source: String, force: Bool, _ coloring: Coloring, _ draw: (Theme) -> Canvas
) throws {
  guard !isSameFile(path, source) else {
    throw Failure("\(path): is the source itself, which is never written")
  }
  let text: String
  switch path.split(separator: ".").last {
  case "svg": text = draw(coloring.pictureTheme).svg(title: "pagewalk")
  case "ansi", "ans": text = draw(coloring.theme).ansi()
  case "txt": text = draw(coloring.theme).text()
  default: throw Failure("\(path): a screen is written as .txt, .ansi or .svg")
  }
  var output = try OutputFile(path: path, force: force)
  try output.write(text)
  try output.commit()
}
