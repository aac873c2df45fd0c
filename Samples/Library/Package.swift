// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "library-sample",
  dependencies: [.package(name: "pagewalk", path: "../..")],
  targets: [
    .executableTarget(
      name: "library-sample",
      dependencies: [
        .product(name: "PageTables", package: "pagewalk"),
        .product(name: "MemoryImages", package: "pagewalk"),
      ],
      path: "Sources")
  ],
  swiftLanguageModes: [.v6]
)
