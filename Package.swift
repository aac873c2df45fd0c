// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
  name: "pagewalk",
  products: [
    .executable(name: "pagewalk", targets: ["pagewalk"]),
    .library(name: "PageTables", targets: ["PageTables"]),
    .library(name: "MemoryImages", targets: ["MemoryImages"]),
  ],
  traits: [
    .default(enabledTraits: ["LibKdumpfile"]),
    .trait(
      name: "LibKdumpfile",
      description: "Open kdump-compressed, LKCD and Xen dumps through the system's libkdumpfile."),
  ],
  dependencies: [
    // Subcommands, options, help and completion scripts: the standard library of the field for it.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .target(name: "PageTables", swiftSettings: strict),
    .target(
      name: "MemoryImages",
      dependencies: [
        "PageTables", "CDemoSample", "CFatalSignals", "CMappedFile",
        .target(name: "CLibKdumpfile", condition: .when(traits: ["LibKdumpfile"])),
      ],
      swiftSettings: strict),
    // The memory of what runs: QEMU by QMP, by gdbstub, by its process; the host itself.
    .target(
      name: "Targets", dependencies: ["PageTables", "MemoryImages", "CFatalSignals", "CSockets"],
      swiftSettings: strict),
    // Socket addresses and passed descriptors, which are unions and macros in C.
    .target(name: "CSockets", cSettings: strictC),
    .target(name: "Guests", dependencies: ["PageTables", "MemoryImages"], swiftSettings: strict),
    .target(
      name: "Records", dependencies: ["PageTables", "Guests", "Canvas", "CSQLite"], swiftSettings: strict),
    // SQLite: the form of data that every tool and language can query, written by the library that defines it.
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .target(name: "Canvas", swiftSettings: strict),
    .target(
      name: "Explorer", dependencies: ["PageTables", "MemoryImages", "Guests", "Canvas"],
      swiftSettings: strict),
    .target(name: "Terminal", dependencies: ["Canvas", "CTerminal"], swiftSettings: strict),
    // ncursesw: knows every terminal that terminfo knows, and how to write as little to it as possible.
    .target(
      name: "CTerminal", dependencies: ["CFatalSignals"], cSettings: strictC,
      linkerSettings: [.linkedLibrary("ncursesw"), .linkedLibrary("tinfo")]),
    // libkdumpfile: reads every dump that Linux, Xen and makedumpfile ever wrote.
    .systemLibrary(
      name: "CLibKdumpfile", pkgConfig: "libkdumpfile", providers: [.apt(["libkdumpfile-dev"])]),
    // Leaves no half-written file and no raw terminal when a signal ends the program: a signal handler cannot be
    // Swift.
    .target(name: "CFatalSignals", cSettings: strictC),
    // Keeps a file that is cut short while it is mapped from ending the program, by a signal handler.
    .target(name: "CMappedFile", cSettings: strictC),
    // The sample that `pagewalk demo` opens, embedded by the C compiler; a Swift literal would make it crawl.
    .target(name: "CDemoSample", cSettings: strictC),
    .executableTarget(
      name: "pagewalk",
      dependencies: [
        "PageTables", "MemoryImages", "Guests", "Records", "Canvas", "Explorer", "Terminal", "Targets",
        "CFatalSignals",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .target(
      name: "TestSupport", dependencies: ["PageTables", "MemoryImages", "Guests"], path: "Tests/TestSupport",
      swiftSettings: strict),
    .executableTarget(
      name: "benchmarks",
      dependencies: ["Canvas", "CLimit", "Explorer", "Guests", "MemoryImages", "PageTables"],
      path: "Tests/Benchmarks", swiftSettings: strict),
    .executableTarget(
      name: "fuzz", dependencies: ["Canvas", "Explorer", "Guests", "PageTables", "Records", "TestSupport"],
      path: "Tests/Fuzz", swiftSettings: strict),
    // Compares a running target with a dump of the same stop.
    .executableTarget(
      name: "targetcheck", dependencies: ["CFatalSignals", "MemoryImages", "PageTables", "Targets"],
      path: "Tests/TargetCheck",
      swiftSettings: strict),
    // What the least reading of all tables costs on this machine, as fast as its compiler makes it.
    .target(
      name: "CLimit", path: "Tests/Limit",
      cSettings: strictC + [.unsafeFlags(["-O3", "-march=native"])]),
    .testTarget(
      name: "PageTablesTests", dependencies: ["PageTables", "TestSupport"], exclude: ["Tables"],
      swiftSettings: strict),
    .testTarget(
      name: "MemoryImagesTests", dependencies: ["MemoryImages", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "TargetsTests", dependencies: ["Targets", "MemoryImages", "PageTables", "CSockets"],
      swiftSettings: strict),
    .testTarget(
      name: "GuestsTests", dependencies: ["Guests", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "CanvasTests", dependencies: ["Canvas", "Terminal"], swiftSettings: strict),
    .testTarget(
      name: "ExplorerTests",
      dependencies: ["Explorer", "Canvas", "PageTables", "MemoryImages", "Guests", "TestSupport"],
      exclude: ["Screens"], swiftSettings: strict),
    .testTarget(
      name: "EndToEndTests",
      dependencies: ["pagewalk", "Records", "MemoryImages", "PageTables", "TestSupport"],
      exclude: [
        "terminal.sh", "guests.py", "guests.sh", "kcore.py", "kernels.py", "kernels.sh", "leaving.py",
        "live.py", "live_guest.py", "live_times.py", "other_live.py", "steps.py", "torn.py",
      ],
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
