import Canvas
import Guests
import MemoryImages
import TestSupport
import Testing

@testable import Explorer

/// A sample opened as the program does it: what the capture lists, then the scan.
enum SampleGuest {
  private static let opened: [String: (MemoryImage, FoundSpaces)] = {
    var opened: [String: (MemoryImage, FoundSpaces)] = [:]
    for guest in GuestTruth.all where ["linux-x86_64", "linux-x86_64-pti", "linux-i686"].contains(guest.name)
    {
      guard let image = try? MemoryImage.open(guest.capturePath, options: SourceOptions()) else { continue }
      let search = SpaceSearch(image)
      guard let known = try? search.known(), var found = search.scan(known: known, progress: { _ in true })
      else { continue }
      found.spaces = found.spaces.kernelFirst
      opened[guest.name] = (image, found)
    }
    return opened
  }()

  /// An explorer over a sample, its scan done, the title without the path.
  static func driver(_ name: String, width: Int = 80, height: Int = 24) throws -> ExplorerDriver {
    let (image, found) = try #require(opened[name], "\(name) cannot be opened")
    var driver = ExplorerDriver(memory: image.memory, spaces: [], width: width, height: height)
    driver.explorer = Explorer(
      memory: image.memory, sourceName: "\(name).elf", formatName: image.format, warnings: [])
    driver.send(.input(.resize(width: width, height: height)))
    driver.send(.spacesFound(found, isComplete: true))
    return driver
  }
}
