import Canvas
import Foundation
import PageTables
import TestSupport
import Testing

@testable import Explorer

/// Whole screens against those that were looked at and kept, as text. `PAGEWALK_UPDATE_SCREENS=1` writes them anew:
/// look at the difference before it is kept.
@Suite("Screens")
struct ScreenTests {
  struct Screen: Sendable, CustomTestStringConvertible {
    let name: String
    var guest = "linux-x86_64"
    var size = (width: 80, height: 24)
    /// What was typed.
    var keys = ""
    var glyphs = Glyphs.unicode
    /// With a theme, the styles of the cells are kept as well.
    var theme: Theme?

    var testDescription: String { name }

    /// The explorer over its guest: a sample, `named` for a Linux of our own, `particular` for one with particular shares,
    /// `live` for a machine that runs, or else the small guest.
    var driver: ExplorerDriver {
      get throws {
        switch guest {
        case "": ExplorerDriver(width: size.width, height: size.height)
        case "named": NamedGuest.driver(width: size.width, height: size.height)
        case "live": LiveGuest.driver(width: size.width, height: size.height)
        case "particular": ParticularGuest.driver(width: size.width, height: size.height)
        default: try SampleGuest.driver(guest, width: size.width, height: size.height)
        }
      }
    }
  }

  /// A page of the process `share_a`, in its tree: root 2960000.
  private static let toPage = ":filter 0x2960000\nEnter g \"60001000\" Enter"
  /// The first entry of the kernel's half.
  private static let toKernel = ":filter 0x2960000\nEnter g \"ffff8d9002960000\" Enter"
  /// A page of tables: the PT of that page.
  private static let toTable = toPage + " u"
  private static let toFold = toPage + "\nj j j j j j j j j j Enter j"

  private static let toShell = "/ \"shell\" Enter"

  /// The entry that points at the table which two processes share.
  private static let toShare = "/ \"hugetlb_b\" Enter l j j l j"
  private static let comparing = "/ \"hugetlb_a\" Enter = / \"hugetlb_b\" Enter ="

  static let screens = [
    Screen(name: "live-80x24", guest: "live", keys: "Enter j Enter j Enter j Enter r"),
    Screen(name: "live-changes-120x40", guest: "live", size: (120, 40), keys: "r D"),
    Screen(
      name: "live-80x24-ascii-color8", guest: "live", keys: "Enter j Enter j Enter j Enter r", glyphs: .ascii,
      theme: .color8),
    Screen(name: "share-40x10", size: (40, 10), keys: toShare),
    Screen(name: "share-80x24", keys: toShare),
    Screen(name: "share-80x24-ascii-color8", keys: toShare, glyphs: .ascii, theme: .color8),
    Screen(name: "share-120x40", size: (120, 40), keys: toShare),
    Screen(name: "share-200x60", size: (200, 60), keys: toShare),
    Screen(name: "share-detail-120x40", size: (120, 40), keys: toShare + " Tab j"),
    Screen(name: "share-pti-120x40", guest: "linux-x86_64-pti", size: (120, 40), keys: toShare),
    Screen(name: "mirrors-200x60", size: (200, 60), keys: "M"),
    Screen(name: "mirrors-40x10-ascii", size: (40, 10), keys: "M", glyphs: .ascii),
    Screen(name: "compare-80x24", keys: comparing + " j Enter"),
    Screen(name: "compare-120x40", size: (120, 40), keys: comparing + " j Enter"),
    Screen(name: "compare-200x60-ascii", size: (200, 60), keys: comparing, glyphs: .ascii),
    Screen(name: "compare-80x24-ascii-mono", keys: comparing, glyphs: .ascii, theme: .monochrome),
    Screen(name: "share-120x40-light", size: (120, 40), keys: toShare, theme: .light256),
    Screen(name: "share-120x40-dark", size: (120, 40), keys: toShare, theme: .dark256),
    Screen(name: "share-80x24-ascii-light8", keys: toShare, glyphs: .ascii, theme: .light8),
    Screen(name: "share-80x24-ascii-dark8", keys: toShare, glyphs: .ascii, theme: .dark8),
    Screen(name: "start-80x24"),
    Screen(name: "start-80x24-ascii", glyphs: .ascii),
    Screen(name: "start-120x40", size: (120, 40)),
    Screen(name: "start-40x10-ascii", size: (40, 10), glyphs: .ascii),
    Screen(name: "start-1x1", size: (1, 1)),
    Screen(name: "page-80x24", keys: toPage),
    Screen(name: "page-120x40", size: (120, 40), keys: toPage),
    Screen(name: "page-40x10", size: (40, 10), keys: toPage),
    Screen(name: "page-1x1", size: (1, 1), keys: toPage),
    Screen(name: "page-80x24-color", keys: toPage, glyphs: .ascii, theme: .color256),
    Screen(name: "page-80x24-mono", keys: toPage, glyphs: .ascii, theme: .monochrome),
    Screen(name: "fold-120x40", size: (120, 40), keys: toFold),
    Screen(name: "detail-40x10-ascii", size: (40, 10), keys: toPage + "\nTab", glyphs: .ascii),
    Screen(name: "help-80x24", keys: "?"),
    Screen(name: "spaces-80x24", keys: "s j 2"),
    Screen(name: "spaces-120x40", size: (120, 40), keys: "s 4"),
    Screen(name: "spaces-pti-120x40", guest: "linux-x86_64-pti", size: (120, 40), keys: "s 4"),
    Screen(name: "spaces-40x10-ascii", size: (40, 10), keys: "s", glyphs: .ascii),
    Screen(name: "goto-problem-80x24", keys: "g \"800000000000\" Enter"),
    Screen(name: "prefix-80x24", keys: "y"),
    Screen(name: "badges-80x24", keys: toKernel),
    Screen(name: "badges-120x40", size: (120, 40), keys: toKernel),
    Screen(name: "badges-80x24-ascii-color", keys: toKernel, glyphs: .ascii, theme: .color256),
    Screen(name: "shared-80x24", keys: "S"),
    Screen(name: "shared-120x40", size: (120, 40), keys: "S 6 6"),
    Screen(name: "shared-40x10-ascii", size: (40, 10), keys: "S", glyphs: .ascii),
    Screen(name: "mirrors-80x24", keys: "M"),
    Screen(name: "findings-80x24", guest: "", keys: "F"),
    Screen(name: "huge-pages-80x24", keys: "H j j"),
    Screen(name: "huge-pages-80x24-ascii", guest: "linux-i686", keys: "H", glyphs: .ascii),
    Screen(name: "huge-pages-120x40", size: (120, 40), keys: "H 3 4 4"),
    Screen(
      name: "huge-pages-120x40-ascii", guest: "named", size: (120, 40), keys: "H", glyphs: .ascii),
    Screen(name: "aliases-80x24", keys: toPage + " x"),
    Screen(name: "aliases-120x40-ascii", size: (120, 40), keys: toKernel + " x Space", glyphs: .ascii),
    Screen(name: "sharers-80x24", keys: ":filter 0x2960000\nx"),
    Screen(name: "table-sharers-80x24", keys: toKernel + " u u u x j"),
    Screen(name: "folded-aliases-80x24", guest: "linux-i686", keys: "g \"c1eca000\" Enter x"),
    Screen(name: "folded-frame-80x24", guest: "linux-i686", keys: "g \"c1eca000\" Enter d"),
    Screen(name: "map-i686-80x24", guest: "linux-i686", keys: "V"),
    Screen(name: "matrix-80x24", keys: "C l l"),
    Screen(name: "matrix-120x40-ascii-color", size: (120, 40), keys: "C", glyphs: .ascii, theme: .color256),
    Screen(name: "matrix-i686-80x24", guest: "linux-i686", keys: "C"),
    Screen(name: "matrix-40x10-ascii", size: (40, 10), keys: "C", glyphs: .ascii),
    Screen(name: "map-80x24", keys: toPage + " V"),
    Screen(name: "map-120x40-ascii", size: (120, 40), keys: toPage + " V + +", glyphs: .ascii),
    Screen(name: "map-40x10-ascii", size: (40, 10), keys: toPage + " V", glyphs: .ascii),
    Screen(name: "map-kernel-120x40", size: (120, 40), keys: toPage + " V G Enter"),
    Screen(name: "matrix-particular-80x24", guest: "particular", keys: "C j"),
    Screen(name: "physical-80x24", keys: "P j l l"),
    Screen(name: "physical-120x40-ascii-color", size: (120, 40), keys: "P", glyphs: .ascii, theme: .color256),
    Screen(name: "matrix-80x24-light", guest: "particular", keys: "C j", theme: .light256),
    Screen(name: "matrix-80x24-dark", guest: "particular", keys: "C j", theme: .dark256),
    Screen(name: "physical-80x24-light", keys: "P j l l", theme: .light256),
    Screen(name: "physical-80x24-dark", keys: "P j l l", theme: .dark256),
    Screen(name: "map-80x24-light", keys: toPage + " V", theme: .light256),
    Screen(name: "map-80x24-dark", keys: toPage + " V", theme: .dark256),
    Screen(name: "malformed-80x24-light", guest: "", keys: "g \"800000\" Enter", theme: .light256),
    Screen(
      name: "malformed-80x24-ascii-light8", guest: "", keys: "g \"800000\" Enter", glyphs: .ascii,
      theme: .light8),
    Screen(
      name: "malformed-80x24-ascii-dark8", guest: "", keys: "g \"800000\" Enter", glyphs: .ascii,
      theme: .dark8),
    Screen(name: "physical-40x10-ascii", size: (40, 10), keys: "P", glyphs: .ascii),
    Screen(name: "physical-200x60", guest: "linux-i686", size: (200, 60), keys: "P G"),
    Screen(name: "frame-80x24", keys: toTable + " d"),
    Screen(name: "frame-120x40-ascii", size: (120, 40), keys: toPage + " d", glyphs: .ascii),
    Screen(name: "overlay-120x40", size: (120, 40), keys: toPage + "\n:mirror 3000"),
    Screen(
      name: "caption-80x24",
      keys:
        ":caption This page belongs to one process, and x says who else maps it: Enter shows that next.\n:pause"
    ),
    Screen(
      name: "caption-40x10-ascii", size: (40, 10), keys: ":caption One page, two processes.", glyphs: .ascii),
    Screen(name: "i686-120x40", guest: "linux-i686", size: (120, 40), keys: "j Enter g \"8048000\" Enter"),
    Screen(name: "malformed-80x24", guest: "", keys: "g \"800000\" Enter"),
    Screen(name: "named-80x24", guest: "named", keys: toShell),
    Screen(name: "named-spaces-120x40", guest: "named", size: (120, 40), keys: "s"),
    Screen(name: "named-heap-80x24", guest: "named", keys: toShell + " g \"[heap]\" Enter"),
    Screen(name: "named-heap-120x40", guest: "named", size: (120, 40), keys: toShell + " g \"heap\" Enter"),
    Screen(
      name: "named-symbol-120x40-ascii", guest: "named", size: (120, 40),
      keys: toShell + " g \"caller_of_areas+10\" Enter", glyphs: .ascii),
    Screen(name: "named-goto-80x24", guest: "named", keys: "g \"caller_of_aeras\" Enter"),
    Screen(name: "finder-80x24", guest: "named", keys: "o \"hea\""),
    Screen(name: "named-regions-80x24", guest: "named", keys: toShell + " R"),
    Screen(
      name: "named-regions-120x40-ascii", guest: "named", size: (120, 40), keys: toShell + " R 5",
      glyphs: .ascii),
    Screen(
      name: "named-map-80x24", guest: "named", keys: toShell + " V"),
    Screen(name: "named-guest-80x24", guest: "named", keys: "i"),
    Screen(name: "marked-120x40", guest: "", size: (120, 40), keys: "g \"40a000\" Enter a"),
  ]

  @Test("A screen looks as it was kept", arguments: screens)
  func screen(_ screen: Screen) throws {
    var driver = try screen.driver
    try driver.press(screen.keys)
    let canvas = driver.canvas(theme: screen.theme ?? .monochrome, glyphs: screen.glyphs)
    let text = screen.theme == nil ? canvas.text() : canvas.text() + canvas.attributes()
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Screens/\(screen.name).txt")
    if ProcessInfo.processInfo.environment["PAGEWALK_UPDATE_SCREENS"] == "1" {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    let keptText = try #require(
      try? String(contentsOf: file, encoding: .utf8),
      "no screen \(screen.name) is kept: PAGEWALK_UPDATE_SCREENS=1 writes it; look at it before it is kept")
    let kept = keptText.split(separator: "\n", omittingEmptySubsequences: false)
    let drawn = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(kept.count == drawn.count)
    for (number, (old, new)) in zip(kept, drawn).enumerated() {
      #expect(old == new, "line \(number + 1)")
    }
  }

  @Test("Plain ASCII screens hold nothing else", arguments: screens.filter { $0.glyphs == .ascii })
  func ascii(_ screen: Screen) throws {
    var driver = try screen.driver
    try driver.press(screen.keys)
    let others = driver.canvas(glyphs: .ascii).text().filter { !$0.isASCII }
    #expect(others.isEmpty)
  }

  @Test("No screen is kept that no test draws")
  func strays() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Screens")
    let kept = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
      $0.hasSuffix(".txt")
    }
    #expect(Set(kept).subtracting(Self.screens.map { $0.name + ".txt" }) == [])
  }
}
