import TestSupport
import Testing

@testable import Guests

@Suite struct LinuxTypeTests {
  private func sample() -> TypeWriter {
    var types = TypeWriter()
    let long = types.integer("long", bytes: 8)
    let int = types.integer("int", bytes: 4)
    let inner = types.structure("", size: 8, [("low", int, 0), ("high", int, 4)])
    let union = types.structure("", size: 8, isUnion: true, [("whole", long, 0), ("", inner, 0)])
    let alias = types.typedef("count_t", int)
    let list = types.structure("list_head", size: 16, [("next", long, 0), ("prev", long, 8)])
    let array = types.array(of: alias, 6)
    let pointer = types.pointer(to: list)
    _ = types.structure(
      "task", size: 64,
      [("flags", long, 0), ("", union, 8), ("tasks", list, 16), ("table", array, 32), ("p", pointer, 56)])
    _ = types.bitFields(
      "bits", size: 8,
      [
        ("a", type: int, bits: 3, at: 0), ("b", type: int, bits: 5, at: 11),
        ("c", type: int, bits: 0, at: 32),
      ])
    _ = types.enumeration("kind", [("FIRST", 0), ("THIRD", 2), ("NEGATIVE", -1)])
    return types
  }

  @Test func membersAreFoundThroughAnonymousOnes() throws {
    let types = try #require(TypeInformation(sample().section))
    #expect(types.size(of: "task") == 64)
    #expect(types.offset(of: "flags", in: "task") == 0)
    #expect(types.offset(of: "whole", in: "task") == 8)
    #expect(types.offset(of: "high", in: "task") == 12)
    #expect(types.offset(of: "tasks.prev", in: "task") == 24)
    #expect(types.offset(of: "absent", in: "task") == nil)
    #expect(types.offset(of: "flags", in: "absent") == nil)
  }

  @Test func arraysAndPointersHaveTheirSizes() throws {
    let types = try #require(TypeInformation(sample().section))
    let table = try #require(types.member("table", of: "task"))
    let array = try #require(types.array(table.type))
    #expect(array.count == 6)
    #expect(types.size(of: array.element) == 4)
    #expect(types.size(of: table.type) == 24)
    let pointer = try #require(types.member("p", of: "task"))
    #expect(types.size(of: pointer.type, pointerSize: 4) == 4)
  }

  @Test func bitFieldsHaveNoByteOffset() throws {
    let types = try #require(TypeInformation(sample().section))
    let b = try #require(types.member("b", of: "bits"))
    #expect(b.offset == 1 && b.bitOffset == 3 && b.bitSize == 5)
    #expect(types.offset(of: "b", in: "bits") == nil)
    #expect(types.offset(of: "c", in: "bits") == 4)
  }

  @Test func constantsKeepTheirSign() throws {
    let types = try #require(TypeInformation(sample().section))
    #expect(types.value(of: "THIRD", in: "kind") == 2)
    #expect(types.value(of: "NEGATIVE", in: "kind") == -1)
    #expect(types.value(of: "SECOND", in: "kind") == nil)
  }

  @Test func chainsThatLeadBackEnd() throws {
    var types = TypeWriter()
    // Each names the other.
    _ = types.typedef("a", 2)
    _ = types.typedef("b", 1)
    let itself = types.structure("self", size: 8, [("", 3, 0), ("", 3, 0), ("", 3, 0)])
    #expect(itself == 3)
    _ = types.array(of: 4, 1000)
    _ = types.structure("holder", size: 8, [("loop", 4, 0), ("alias", 1, 0)])
    let information = try #require(TypeInformation(types.section))
    #expect(information.structure("a") == nil)
    #expect(information.offset(of: "nothing", in: "self") == nil)
    let loop = try #require(information.member("loop", of: "holder"))
    #expect(information.size(of: loop.type) == nil)
  }

  @Test func everyTruncationIsRefusedOrRead() {
    let section = sample().section
    for length in 0..<section.count { #expect(TypeInformation(Array(section[..<length])) == nil) }
  }

  @Test func damagedSectionsDoNotTrap() {
    let section = sample().section
    var random = SeededRandom(seed: 7)
    for _ in 0..<3000 {
      var damaged = section
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      guard let types = TypeInformation(damaged) else { continue }
      for name in ["task", "bits", "self", "kind"] {
        _ = types.offset(of: "high", in: name)
        _ = types.member("table", of: name).flatMap { types.size(of: $0.type) }
        _ = types.value(of: "THIRD", in: name)
      }
    }
  }
}
