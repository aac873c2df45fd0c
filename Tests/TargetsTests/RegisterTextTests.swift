import MemoryImages
import Testing

@testable import Targets

/// What QEMU's monitor and its gdbstub say of processors that are none of x86's. The texts are QEMU 7.2's.
@Suite struct RegisterTextTests {
  @Test func anAArch64ProcessorHasNoRootsThere() throws {
    let cpus = RegisterText.cpus(RegisterTexts.aarch64, of: .aarch64)
    #expect(cpus.count == 2)
    let cpu = try #require(cpus.first)
    #expect(cpu.instructionPointer == 0xffff_c81a_143a_f4fc)
    #expect(cpu.translation.isEmpty)
    #expect(cpu.rootRegisters.isEmpty)
    let values = Dictionary(uniqueKeysWithValues: cpu.addressRegisters.map { ($0.name, $0.value) })
    #expect(values["pc"] == 0xffff_c81a_143a_f4fc)
    #expect(values["sp"] == 0xffff_c81a_1501_3d50)
    #expect(values["x0"] == 0x28ebc)
    #expect(values["x30"] == 0x60ad_c81a_143a_f514)
    #expect(values["cr3"] == nil)
    #expect(cpus[1].instructionPointer == 0x6000_2d58)
  }

  @Test func aRISCVProcessorHasItsRootAmongTheRest() throws {
    let cpus = RegisterText.cpus(RegisterTexts.riscv, of: .riscv)
    #expect(cpus.count == 1)
    let cpu = try #require(cpus.first)
    #expect(cpu.instructionPointer == 0xffff_ffff_80a7_3f30)
    #expect(cpu.translation == [CPUState.Register(name: "satp", value: 0xa001_8000_0008_3226)])
    #expect(cpu.rootRegisters == [0xa001_8000_0008_3226])
    let values = Dictionary(uniqueKeysWithValues: cpu.addressRegisters.map { ($0.name, $0.value) })
    #expect(values["sp"] == 0xffff_ffff_81c0_3de0)
    #expect(values["s0"] == 0xffff_ffff_81c0_3df0)
    // a0 is an address when it is typed.
    #expect(values["x10"] == 0x3_b384)
    #expect(values["a0"] == nil)
  }

  /// In 32 bits satp has its mode elsewhere.
  @Test func aProcessorOf32BitsHasNoRoot() {
    let text = "CPU#0\n V      =   0\n pc       80201000\n satp     80080226\n x2/sp    80203de0\n"
    #expect(RegisterText.cpus(text, of: .riscv).map(\.translation) == [[]])
  }

  @Test func ofOtherMachinesNothingIsRead() {
    #expect(RegisterText.cpus(RegisterTexts.aarch64, of: .arm).isEmpty)
    #expect(RegisterText.cpus("", of: .aarch64).isEmpty)
  }

  /// gdb's manual, "Target Description Format": registers without a number count on from the one before.
  @Test func registersAreNumberedThroughAllDocuments() {
    let target = "<target><xi:include href=\"core.xml\"/><xi:include href='more.xml'/></target>"
    #expect(GdbDescription.included(in: target) == ["core.xml", "more.xml"])
    let core = """
      <!-- <reg name="none" bitsize="64"/> -->
      <feature name="core"><reg name="x0" bitsize="64"/><reg name="pc" bitsize="64" type="code_ptr"/></feature>
      """
    let more =
      "<reg name='TCR_EL1' bitsize='64' regnum='0x'/><reg name=\"a\" regnum=\"70\"/><reg\nname=\"b\"/>"
    let numbers = GdbDescription.registerNumbers([target, core, more])
    #expect(numbers["x0"] == 0)
    #expect(numbers["pc"] == 1)
    #expect(numbers["none"] == nil)
    #expect(numbers["TCR_EL1"] == 2)
    #expect(numbers["a"] == 70)
  }

  @Test(arguments: [
    "<", "<reg", "<reg name=\"", "<!-- <reg name=\"a\"/>", "<reg regnum=\"9223372036854775807\"/><reg/>",
  ])
  func aDamagedDescriptionHasNoRegisters(_ text: String) {
    #expect(GdbDescription.registerNumbers([text]).isEmpty)
  }
}

extension RegisterTexts {
  static let aarch64 = """

    CPU#0
     PC=ffffc81a143af4fc X00=0000000000028ebc X01=ffff00000ff2b558
    X02=ffff37e5fb252000 X03=ffff37e5fb252000 X04=ffff37e5fb252000
    X29=ffffc81a15013d50 X30=60adc81a143af514  SP=ffffc81a15013d50
    PSTATE=404000c5 -Z-- EL1h  SVCR=00000000 --  BTYPE=0     FPCR=00000000 FPSR=00000000
    P00=0000 P01=0000 P02=0000 P03=0000 P04=0000 P05=0000 P06=0000 P07=0000
    FFR=0000
    Z00=ffffc00c00003000:ffffc00c00003000 Z01=0000000000000000:0030000000000000

    CPU#1
     PC=0000000060002d58 X00=0000000000000001 X01=0000000000000058
    X29=0000ffffc81a3d50 X30=0000000060002d58  SP=0000ffffc81a3d50
    PSTATE=404000c5 -Z-- EL0t  SVCR=00000000 --  BTYPE=0     FPCR=00000000 FPSR=00000000
    """

  static let riscv = """

    CPU#0
     V      =   0
     pc       ffffffff80a73f30
     mhartid  0000000000000000
     mstatus  0000000a000000a0
     sepc     ffffffff80a75bd4
     sscratch 0000000000000000
     satp     a001800000083226
     x0/zero  0000000000000000 x1/ra    ffffffff80a75bc4 x2/sp    ffffffff81c03de0 x3/gp    ffffffff81db6e50
     x4/tp    ffffffff81c10180 x5/t0    0000000000000000 x6/t1    0000000000000000 x7/t2    00000000000000a9
     x8/s0    ffffffff81c03df0 x9/s1    0000000000000000 x10/a0   000000000003b384 x11/a1   ff6000008f125000
     f0/ft0   0000000000000000 f1/ft1   0000000000000000 f2/ft2   0000000000000000 f3/ft3   0000000000000000
    """
}
