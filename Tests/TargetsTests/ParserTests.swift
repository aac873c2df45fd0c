import MemoryImages
import Testing

@testable import Targets

@Suite struct JsonTests {
  @Test func objectsAreCutFromAStreamHoweverTheyArrive() throws {
    let text = "{\"a\": {\"b\": \"}\\\"{\"}}\r\n{\n  \"c\": [1, -2.5e3, null, true]\n}\n"
    var stream = JsonStream()
    var found: [JsonValue] = []
    for byte in text.utf8 {
      stream.buffer.append(byte)
      while let object = stream.next() { found.append(try #require(object)) }
    }
    #expect(found.count == 2)
    #expect(found[0]["a"]?["b"] == .string("}\"{"))
    #expect(found[1]["c"] == .array([.number("1"), .number("-2.5e3"), .null, .bool(true)]))
    #expect(stream.buffer.allSatisfy { $0 == 0x0a })
  }

  @Test func textSurvivesQuoting() {
    let text = "a\"b\\c\u{1}\n\u{1f600}é"
    #expect(JsonValue(Array(JsonValue.quoted(text).utf8)) == .string(text))
    #expect(JsonValue(Array("\"\\ud83d\\ude00\\ud83d\"".utf8)) == .string("\u{1f600}\u{fffd}"))
  }

  @Test(arguments: ["", "{", "{\"a\"}", "[1,]", "\"\\u12\"", "tru", "{\"a\":1}x", "\"\\x\""])
  func whatIsNoJsonIsNothing(_ text: String) {
    #expect(JsonValue(Array(text.utf8)) == nil)
  }

  @Test func deepNestingIsRefused() {
    #expect(JsonValue([UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)) == nil)
  }
}

@Suite struct GdbPacketTests {
  private func packets(_ text: String) -> [GdbStream.Found] {
    var stream = GdbStream(buffer: Array(text.utf8))
    var all: [GdbStream.Found] = []
    while let found = stream.next() { all.append(found) }
    return all
  }

  @Test func aPacketHasItsSum() {
    #expect(String(decoding: GdbPacket.bytes("D;1"), as: UTF8.self) == "$D;1#b0")
    #expect(GdbPacket.hex(text: "info") == "696e666f")
  }

  @Test func acknowledgementsAndNotificationsAreSkipped() {
    #expect(
      packets("+$OK#9a+%Stop:T05#00$E22#a9") == [.packet(Array("OK".utf8)), .packet(Array("E22".utf8))])
  }

  @Test func escapesAndRepetitionsAreResolved() {
    // The example of gdb's manual: "0* " stands for "0000"; and "}\u{3}" for "#".
    #expect(packets("$0* #7a") == [.packet(Array("0000".utf8))])
    #expect(packets("$a}\u{3}#e1") == [.packet(Array("a#".utf8))])
  }

  @Test func aWrongSumIsDamage() {
    #expect(packets("$OK#00") == [.damaged])
    #expect(packets("$* #4a") == [.damaged])
  }

  @Test func anUnfinishedPacketIsWaitedFor() {
    #expect(packets("$OK#9") == [])
    #expect(packets("noise") == [])
  }

  @Test func onlyPairsOfDigitsAreBytes() {
    #expect(GdbPacket.bytes(hex: Array("00fFa5".utf8)) == [0, 255, 0xa5])
    #expect(GdbPacket.bytes(hex: Array("0".utf8)) == nil)
    #expect(GdbPacket.bytes(hex: Array("xx".utf8)) == nil)
  }
}

@Suite struct MonitorTextTests {
  @Test func examinedMemoryIsReadByWords() {
    let text =
      "0000000000001000: 0x0123456789abcdef 0x0000000000000001\n0000000000001010: 0xffffffffffffffff\n"
    let bytes: [UInt8] =
      [0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 1, 0, 0, 0, 0, 0, 0, 0]
      + [UInt8](repeating: 255, count: 8)
    #expect(ExaminedMemory.bytes(text, words: 3) == bytes)
    #expect(ExaminedMemory.bytes(text, words: 2) == nil)
    #expect(ExaminedMemory.bytes("Cannot access memory\n", words: 1) == nil)
  }

  /// The notes of a dump in the same stop had these values.
  @Test func registersOfAProcessorIn64BitCode() throws {
    let cpus = X86RegisterText.cpus(RegisterTexts.kernel)
    let cpu = try #require(cpus.first)
    #expect(cpus.count == 1)
    #expect(cpu.isInLongMode)
    #expect(cpu.state.runs64BitCode)
    #expect(cpu.state.cr0 == 0x8005_0033)
    #expect(cpu.state.cr3 == 0x299_a000)
    #expect(cpu.state.cr4 == 0x75_0eb0)
    #expect(cpu.state.instructionPointer == 0xffff_ffff_8ba1_7a0b)
    #expect(cpu.state.segmentTable == 0xffff_fe00_0000_1000)
    #expect(cpu.state.interruptTable == 0xffff_fe00_0000_0000)
    #expect(cpu.state.taskState == 0xffff_fe00_0000_3000)
    let general = Dictionary(uniqueKeysWithValues: cpu.state.general.map { ($0.name, $0.value) })
    #expect(general["rax"] == 0x1_ad40)
    #expect(general["r8"] == 0x2_2e80)
    #expect(general["rsp"] == 0xffff_ffff_8ca0_3e98)
    #expect(general["cr2"] == 0x1000_0001_f000)
    #expect(general.count == 17)
  }

  @Test func registersOfAProcessorBeforeProtectedMode() throws {
    let cpu = try #require(X86RegisterText.cpus(RegisterTexts.reset).first)
    #expect(!cpu.isInLongMode)
    #expect(!cpu.state.runs64BitCode)
    #expect(cpu.state.instructionPointer == 0xfff0)
    #expect(cpu.state.cr0 == 0x6000_0010)
  }

  @Test func anotherArchitectureHasNone() {
    #expect(X86RegisterText.cpus("\nCPU#0\n PC=0000000040000000 X00=0000000000000000\n").isEmpty)
  }
}

/// What QEMU 7.2's `info registers -a` prints.
enum RegisterTexts {
  static let kernel = """

    CPU#0
    RAX=000000000001ad40 RBX=0000000000000000 RCX=0000000000000000 RDX=4000000000000000
    RSI=0000000000000083 RDI=0000000000000454 RBP=ffffffff8ca1aa40 RSP=ffffffff8ca03e98
    R8 =0000000000022e80 R9 =0000000000000007 R10=00000000fffffffb R11=0000000000000001
    R12=0000000000000000 R13=0000000000000000 R14=0000000000000000 R15=0000000000014790
    RIP=ffffffff8ba17a0b RFL=00000246 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=1
    ES =0000 0000000000000000 00000000 00000000
    CS =0010 0000000000000000 ffffffff 00af9b00 DPL=0 CS64 [-RA]
    SS =0018 0000000000000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
    DS =0000 0000000000000000 00000000 00000000
    FS =0000 0000000000000000 00000000 00000000
    GS =0000 ffff891dcf800000 00000000 00000000
    LDT=0000 0000000000000000 00000000 00008200 DPL=0 LDT
    TR =0040 fffffe0000003000 00004087 00008900 DPL=0 TSS64-avl
    GDT=     fffffe0000001000 0000007f
    IDT=     fffffe0000000000 00000fff
    CR0=80050033 CR2=000010000001f000 CR3=000000000299a000 CR4=00750eb0
    DR0=0000000000000000 DR1=0000000000000000 DR2=0000000000000000 DR3=0000000000000000
    DR6=00000000ffff0ff0 DR7=0000000000000400
    EFER=0000000000000d01
    """

  static let reset = """

    CPU#0
    EAX=00000000 EBX=00000000 ECX=00000000 EDX=00060fb1
    ESI=00000000 EDI=00000000 EBP=00000000 ESP=00000000
    EIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
    ES =0000 00000000 0000ffff 00009300
    CS =f000 ffff0000 0000ffff 00009b00
    TR =0000 00000000 0000ffff 00008b00
    GDT=     00000000 0000ffff
    IDT=     00000000 0000ffff
    CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
    EFER=0000000000000000
    """
}
