import ArgumentParser

/// The size of a screen, as options take it: `120x40`.
struct ScreenSize: ExpressibleByArgument {
  let width: Int
  let height: Int

  /// Nil for a text that is none; a screen has 1x1 to 1000x1000 cells.
  init?(argument: String) {
    let numbers = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard numbers.count == 2, (1...1000).contains(numbers[0]), (1...1000).contains(numbers[1]) else {
      return nil
    }
    (width, height) = (numbers[0], numbers[1])
  }

  init(_ width: Int, _ height: Int) {
    self.width = width
    self.height = height
  }

  var defaultValueDescription: String { "\(width)x\(height)" }
}
