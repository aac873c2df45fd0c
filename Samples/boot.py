#!/usr/bin/env python3
"""Boots a guest in QEMU and leaves its memory, and what QEMU knows about it, in a folder.

usage: boot.py --program FILE --out DIR [--no-ranges] -- QEMU ARGUMENT...

FILE is the guest's program (guest/workload.c): it stops at its instruction `checkpoint_instruction`
once for every process, and once more when its report is finished. The machine never runs again after
that, so everything in DIR describes the same moment:

  dump.elf       physical memory and CPU state, by QEMU's dump-guest-memory
  report.txt     what the guest's kernel said about the pages of its processes
  roots.tsv      pid, the addresses of its root tables (one, or with x86's page-table isolation the kernel's and the
                 user's, a comma between them), and the registers that hold roots, as the CPU had them while it ran
                 that process in user mode
  serial.log     the guest's console

and of QEMU's own view, by architecture:

  x86            tlb/ROOT.txt: QEMU's `info tlb` with that root, and the size of each page appended
                 mem/ROOT.txt: QEMU's `info mem` with that root (not with --no-ranges)
  RISC-V         mem/ROOT.txt: QEMU's `info mem` with that root, which has addresses of both kinds
  AArch64        gpa.tsv: where QEMU's `gva2gpa` finds pages of the kernel and of process 1. QEMU lists no tables there,
                 and lets nobody write TTBR0.
"""

import argparse
import dataclasses
import json
import os
import re
import socket
import subprocess
import time

EVENT_ROOT, EVENT_REPORT = 1, 2
X86_ADDRESS = ((1 << 52) - 1) & ~0xfff  # bits of CR3 and of entries that can be an address
BOOT_SECONDS = 300


@dataclasses.dataclass
class Architecture:
    """Registers, by gdb's names."""
    arguments: tuple  # where guest/workload.c puts what it tells
    counter: str
    length: int  # of the instruction at the checkpoint
    roots: tuple  # what holds the page-table root, this first, and what says how to read it


ARCHITECTURES = {
    "i386": Architecture(("eax", "ebx", "ecx", "edx"), "eip", 1, ("cr3",)),
    "x86_64": Architecture(("rax", "rbx", "rcx", "rdx"), "rip", 1, ("cr3",)),
    "aarch64": Architecture(("x0", "x1", "x2", "x3"), "pc", 4, ("TTBR0_EL1", "TTBR1_EL1", "TCR_EL1")),
    "riscv64": Architecture(("a0", "a1", "a2", "a3"), "pc", 4, ("satp",)),
}


def connect(path):
    for _ in range(100):
        try:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(path)
            return connection
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"boot.py: QEMU opened no socket at {path}")


class Monitor:
    """QEMU's machine protocol: one JSON object a line."""

    def __init__(self, path):
        self.stream = connect(path).makefile("rw")
        self.stream.readline()  # the greeting
        self.run("qmp_capabilities")

    def run(self, command, **arguments):
        print(json.dumps({"execute": command, "arguments": arguments}), file=self.stream, flush=True)
        for line in self.stream:
            answer = json.loads(line)
            if "error" in answer:
                raise SystemExit(f"boot.py: {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise SystemExit(f"boot.py: QEMU ended during {command}")

    def human(self, line, cpu):
        """Runs a command of the human monitor, as seen by one CPU, and returns what it prints."""
        arguments = {"command-line": line, "cpu-index": cpu}
        return self.run("human-monitor-command", **arguments).replace("\r\n", "\n")


class Debugger:
    """QEMU's gdbstub: breakpoints, and registers, of which the monitor shows not all, and writes none."""

    def __init__(self, path):
        self.connection = connect(path)
        self.received = b""
        self.ask("qSupported:xmlRegisters=i386")
        self.numbers = self.register_numbers()

    def send(self, packet):
        checksum = sum(packet.encode()) % 256
        self.connection.sendall(f"${packet}#{checksum:02x}".encode())

    def answer(self, seconds=60):
        self.connection.settimeout(seconds)
        while not (packet := re.search(rb"\$([^#]*)#..", self.received)):
            data = self.connection.recv(1 << 16)
            if not data:
                raise SystemExit("boot.py: QEMU ended; its last words may be in serial.log")
            self.received += data
        self.received = self.received[packet.end():]
        self.connection.sendall(b"+")
        return packet[1].decode("latin-1")

    def ask(self, packet):
        self.send(packet)
        return self.answer()

    def document(self, name):
        text, more = "", "m"
        while more == "m":
            part = self.ask(f"qXfer:features:read:{name}:{len(text):x},f00")
            more, text = part[:1], text + part[1:]
        return re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)

    def register_numbers(self):
        """Number and bytes of every register. The descriptions count on where they give no number."""
        numbers, next_number = {}, 0
        for name in re.findall(r'<xi:include href="([^"]+)"', self.document("target.xml")):
            for register in re.findall(r"<reg ([^>]*)>", self.document(name)):
                fields = dict(re.findall(r'(\w+)="([^"]*)"', register))
                number = int(fields.get("regnum", next_number))
                numbers[fields["name"]] = (number, int(fields["bitsize"]) // 8)
                next_number = number + 1
        return numbers

    def read(self, name, cpu):
        number, _ = self.numbers[name]
        self.ask(f"Hg{cpu + 1:x}")
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), "little")

    def write(self, name, value, cpu):
        number, size = self.numbers[name]
        self.ask(f"Hg{cpu + 1:x}")
        if self.ask(f"P{number:x}={value.to_bytes(size, 'little').hex()}") != "OK":
            raise SystemExit(f"boot.py: QEMU did not let us write {name}")

    def run_to_breakpoint(self):
        """Lets the machine run until it stops, and returns the CPU that stopped."""
        self.send("c")
        try:
            stop = self.answer(BOOT_SECONDS)
        except TimeoutError:
            raise SystemExit(f"boot.py: nothing happened for {BOOT_SECONDS} s; see serial.log") from None
        thread = re.search(r"thread:([0-9a-f]+)", stop)
        if not thread:
            raise SystemExit(f"boot.py: the machine stopped unexpectedly ({stop}); see serial.log")
        return int(thread[1], 16) - 1


class Guest:
    def __init__(self, out, program, qemu):
        self.out = out
        for name in ("qmp", "gdb"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        command = qemu + [
            "-S", "-no-reboot", "-nodefaults", "-nographic", "-monitor", "none",
            "-serial", f"file:{self.path('serial.log')}",
            "-qmp", f"unix:{self.path('qmp')},server=on,wait=off",
            "-gdb", f"unix:{self.path('gdb')},server=on,wait=off",
        ]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.monitor = Monitor(self.path("qmp"))
        self.debugger = Debugger(self.path("gdb"))
        symbols = subprocess.run(["nm", program], check=True, capture_output=True, text=True).stdout
        self.checkpoint = re.search(r"^(\w+) \w checkpoint_instruction$", symbols, re.MULTILINE)[1]
        self.architecture = ARCHITECTURES[self.monitor.run("query-target")["arch"]]
        self.cpu = 0

    def path(self, *name):
        path = os.path.join(self.out, *name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def run(self):
        """Runs to the report. Returns the registers that hold roots, by pid; the machine stays stopped."""
        roots = {}
        self.debugger.ask(f"Z1,{self.checkpoint},1")
        while True:
            self.cpu = self.debugger.run_to_breakpoint()
            event, pid, address, length = (self.register(name) for name in self.architecture.arguments)
            roots[pid] = [self.register(name) for name in self.architecture.roots]
            if event == EVENT_REPORT:
                break
            if event != EVENT_ROOT:
                raise SystemExit(f"boot.py: unknown event {event:#x} at the checkpoint")
            # Past the instruction, for the machine would stop at it again.
            counter = self.architecture.counter
            self.debugger.write(counter, self.register(counter) + self.architecture.length, self.cpu)
        where = {"filename": self.path("report.txt"), "cpu-index": self.cpu}
        # QEMU takes the address as a signed number.
        self.monitor.run("memsave", val=address - (address >> 63 << 64), size=length, **where)
        return roots

    def register(self, name):
        return self.debugger.read(name, self.cpu)

    def dump(self):
        self.monitor.run("dump-guest-memory", paging=False, protocol="file:" + self.path("dump.elf"))
        os.chmod(self.path("dump.elf"), 0o644)

    def translate(self, va, cpu=None):
        text = self.monitor.human(f"gva2gpa {va:#x}", self.cpu if cpu is None else cpu)
        found = re.search(r"gpa: 0x([0-9a-f]+)", text)
        return int(found[1], 16) if found else None

    def x86_tables(self, roots, ranges):
        """What QEMU finds when it walks the tables below each root."""
        physical_address_extension = self.register("cr4") >> 5 & 1
        wide = self.register("efer") >> 10 & 1
        huge_sizes = [1 << 30, 1 << 21] if wide else [1 << 21] if physical_address_extension else [1 << 22]
        for root in roots:
            self.x86_tables_of(root, huge_sizes, ranges)

    def x86_tables_of(self, root, huge_sizes, ranges):
        name = f"{root:#x}.txt"
        self.debugger.write("cr3", root, self.cpu)
        leaves = [line.split() for line in self.monitor.human("info tlb", self.cpu).splitlines()]
        starts = [int(leaf[0].rstrip(":"), 16) for leaf in leaves] + [1 << 64]
        with open(self.path("tlb", name), "w") as file:
            for i, (va, pa, flags) in enumerate(leaves):
                size = 4096
                if flags[2] == "P":
                    size = self.page_size(starts[i], int(pa, 16), starts[i + 1], huge_sizes)
                print(va, pa, flags, size, file=file)
        if ranges:
            with open(self.path("mem", name), "w") as file:
                file.write(self.monitor.human("info mem", self.cpu))

    def page_size(self, va, pa, next_va, huge_sizes):
        """The size of a page that QEMU flags P. That bit is "page size" in a huge page and "memory type"
        in a small one, so the size is the largest that is aligned, reaches no further than the next page,
        and whose last 4 KiB QEMU translates to the end of the same block."""
        pa &= X86_ADDRESS
        for size in huge_sizes:
            last = size - 4096
            if not (va | pa) & (size - 1) and va + size <= next_va and self.translate(va + last) == pa + last:
                return size
        return 4096

    def riscv_tables(self, roots):
        satp = self.register("satp")
        for root in roots:
            # PPN is bits 43 to 0 (RISC-V privileged specification, satp); the mode stays.
            self.debugger.write("satp", satp >> 44 << 44 | root >> 12, self.cpu)
            with open(self.path("mem", f"{root:#x}.txt"), "w") as file:
                file.write(self.monitor.human("info mem", self.cpu))
        self.debugger.write("satp", satp, self.cpu)

    def aarch64_pages(self):
        """Translations of the pages that the report names: of the kernel's image and vmalloc areas, and of process 1.

        QEMU translates as the CPU would at this moment: the kernel's pages by one that runs the kernel."""
        with open(self.path("report.txt"), errors="replace") as file:
            report = [line.rstrip("\n").split("\t") for line in file]
        page = next(int(fields[1]) for fields in report if fields[0] == "page")
        symbols = [int(fields[1].split()[0], 16) for fields in report if fields[0] == "symbol" and len(fields) == 2]
        symbols = [address for address in symbols if address >> 63]
        ranges = [(min(symbols), max(symbols))] if symbols else []
        for fields in report:
            area = re.match(r"0x([0-9a-f]+)-0x([0-9a-f]+)", fields[1]) if fields[0] == "vmalloc" else None
            if not area or not int(area[1], 16) >> 63:
                continue
            start, end = int(area[1], 16), int(area[2], 16)
            if end - start <= 16 << 20:  # the configuration space of PCI has 256 MiB
                ranges.append((start, end))
        user = [(int(fields[2], 16), int(fields[2], 16) + int(fields[3]) * page)
                for fields in report if fields[0] == "pages" and fields[1] == "1"]
        counter = self.architecture.counter
        kernel_cpus = [cpu for cpu in range(2) if self.debugger.read(counter, cpu) >> 63]
        if not kernel_cpus:
            print("boot.py: no CPU runs the kernel: its pages are left out")
        chosen = [(self.cpu, pages) for pages in user] + [(cpu, pages) for cpu in kernel_cpus[:1] for pages in ranges]
        with open(self.path("gpa.tsv"), "w") as file:
            print("# va\tpa", file=file)
            for cpu, (start, end) in chosen:
                for va in range(start & -page, end, page):
                    pa = self.translate(va, cpu)
                    if pa is not None:
                        print(f"{va:#x}\t{pa:#x}", file=file)

    def stop(self):
        try:
            self.monitor.run("quit")
            self.process.wait(20)
        except (SystemExit, OSError, subprocess.TimeoutExpired):
            self.process.kill()
        for name in ("qmp", "gdb"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))


def x86_roots(registers, wide):
    """The addresses of the root tables that each CR3 stands for."""
    if not wide:
        return {pid: [cr3 & ~0x1f] for pid, (cr3,) in registers.items()}
    # A 64-bit kernel with page-table isolation keeps two root tables side by side, and user mode runs
    # on the second: then bit 12 is set in every process.
    if all(cr3 & 0x1000 for (cr3,) in registers.values()):
        return {pid: [cr3 & X86_ADDRESS & ~0x1000, cr3 & X86_ADDRESS] for pid, (cr3,) in registers.items()}
    return {pid: [cr3 & X86_ADDRESS] for pid, (cr3,) in registers.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--no-ranges", action="store_true")
    parser.add_argument("qemu", nargs="+")
    options = parser.parse_args()
    begin = time.monotonic()

    def progress(what):
        print(f"{time.monotonic() - begin:6.1f} s  {what}", flush=True)

    guest = Guest(options.out, options.program, options.qemu)
    try:
        roots = guest.run()
        progress(f"stopped after the report, {len(roots)} processes")
        guest.dump()
        progress("dump.elf")
        names = guest.architecture.roots
        if names[0] == "cr3":
            by_pid = x86_roots(roots, guest.register("efer") >> 10 & 1)
        elif names[0] == "satp":
            by_pid = {pid: [(satp & (1 << 44) - 1) << 12] for pid, (satp,) in roots.items()}
        else:
            # Above the address is the ASID, bit 0 is CnP (Arm ARM, TTBR0_EL1). Of addresses above 48 bits, which this
            # machine has not, the upper bits would lie at 5 to 2.
            by_pid = {pid: [ttbr0 & ((1 << 48) - 1) & ~0x3f] for pid, (ttbr0, *_) in roots.items()}
        with open(guest.path("roots.tsv"), "w") as file:
            print("# pid", "roots", *(name.lower() for name in names), sep="\t", file=file)
            for pid, own in by_pid.items():
                print(pid, ",".join(f"{root:#x}" for root in own), *(f"{value:#x}" for value in roots[pid]), sep="\t",
                      file=file)
        wanted = sorted({root for own in by_pid.values() for root in own})
        if names[0] == "cr3":
            guest.x86_tables(wanted, not options.no_ranges)
        elif names[0] == "satp":
            guest.riscv_tables(wanted)
        else:
            guest.aarch64_pages()
        progress(f"QEMU's view of {len(wanted)} roots")
    finally:
        guest.stop()


if __name__ == "__main__":
    main()
