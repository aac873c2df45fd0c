import CDemoSample
import PageTables

/// The memories built into the program.
package enum BuiltInImage: String, CaseIterable, Sendable {
  /// A capture of a real Linux guest.
  case guest = "demo"
  /// A small simulated machine whose tables show every feature.
  case machine = "demo-machine"

  package func open() throws(ImageError) -> MemoryImage {
    switch self {
    case .guest:
      let sample = MappedFile(constants: pw_demo_sample(), count: pw_demo_sample_size())
      return try elfImage(sample, path: rawValue)
    case .machine:
      do throws(SimulationError) {
        let machine = try SimulatedMachine()
        var image = MemoryImage(memory: machine.snapshot(), format: "simulated machine", name: rawValue)
        image.spaces = machine.spaces
        return image
      } catch {
        throw .system(rawValue, operation: "build", reason: error.description)
      }
    }
  }

  /// The tour of `pagewalk demo --live`.
  package static var liveTour: String {
    String(
      decoding: UnsafeRawBufferPointer(start: pw_demo_live_tour(), count: pw_demo_live_tour_size()),
      as: UTF8.self)
  }

  /// The guided tour through both: a script for the explorer.
  package static var tour: String {
    String(
      decoding: UnsafeRawBufferPointer(start: pw_demo_tour(), count: pw_demo_tour_size()), as: UTF8.self)
  }
}
