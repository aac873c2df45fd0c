#!/usr/bin/env python3
"""Boots a guest in QEMU and leaves its memory, and what QEMU knows about it, in a folder.

usage: boot.py --program FILE --out DIR [--no-ranges] -- QEMU ARGUMENT...

FILE is the guest's program (guest/workload.c): it stops at its instruction `checkpoint_instruction`
once for every process, and once more when its report is finished. The machine never runs again after
that, so everything in DIR describes the same moment:

  dump.elf       physical memory and CPU state, by QEMU's dump-guest-memory
  report.txt     what the guest's kernel said about the pages of its processes
  roots.tsv      pid, CR3 as the CPU had it while it ran that process in user mode, and the roots it stands
                 for: one, or with page-table isolation the kernel's and the user's
  tlb/ROOT.txt   QEMU's `info tlb` with that page-table root, and the size of each page appended
  mem/ROOT.txt   QEMU's `info mem` with that root (not with --no-ranges)
  serial.log     the guest's console
"""

import argparse
import json
import os
import re
import socket
import subprocess
import time

EVENT_ROOT, EVENT_REPORT = 1, 2
ADDRESS = ((1 << 52) - 1) & ~0xfff  # bits of CR3 and of entries that can be an address
BOOT_SECONDS = 300


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

    def registers(self, cpu):
        text = self.human("info registers", cpu)
        values = dict(re.findall(r"\b([A-Z][A-Z0-9]+) *=([0-9a-f]+)", text))
        return {name: int(value, 16) for name, value in values.items()}


class Debugger:
    """QEMU's gdbstub: breakpoints, and writing of registers, which the monitor cannot do."""

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
        self.cpu = 0

    def path(self, *name):
        path = os.path.join(self.out, *name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def run(self):
        """Runs to the report. Returns CR3 by pid; the machine stays stopped."""
        roots = {}
        self.debugger.ask(f"Z1,{self.checkpoint},1")
        while True:
            self.cpu = self.debugger.run_to_breakpoint()
            values = self.monitor.registers(self.cpu)
            width = "R" if "RIP" in values else "E"
            event, pid, address, length = (values[width + name] for name in ("AX", "BX", "CX", "DX"))
            roots[pid] = values["CR3"]
            if event == EVENT_REPORT:
                break
            if event != EVENT_ROOT:
                raise SystemExit(f"boot.py: unknown event {event:#x} at the checkpoint")
            # Past the one-byte instruction, for the machine would stop at it again.
            counter = width + "IP"
            self.debugger.write(counter.lower(), values[counter] + 1, self.cpu)
        where = {"filename": self.path("report.txt"), "cpu-index": self.cpu}
        # QEMU takes the address as a signed number.
        self.monitor.run("memsave", val=address - (address >> 63 << 64), size=length, **where)
        return roots

    def dump(self):
        self.monitor.run("dump-guest-memory", paging=False, protocol="file:" + self.path("dump.elf"))
        os.chmod(self.path("dump.elf"), 0o644)

    def translate(self, va):
        found = re.search(r"gpa: 0x([0-9a-f]+)", self.monitor.human(f"gva2gpa {va:#x}", self.cpu))
        return int(found[1], 16) if found else None

    def tables_of(self, root, huge_sizes, ranges):
        """What QEMU finds when it walks the tables below one root."""
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
        pa &= ADDRESS
        for size in huge_sizes:
            last = size - 4096
            if not (va | pa) & (size - 1) and va + size <= next_va and self.translate(va + last) == pa + last:
                return size
        return 4096

    def stop(self):
        try:
            self.monitor.run("quit")
            self.process.wait(20)
        except (SystemExit, OSError, subprocess.TimeoutExpired):
            self.process.kill()
        for name in ("qmp", "gdb"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))


def roots_by_pid(cr3s, wide):
    """The addresses of the root tables that each CR3 stands for."""
    if not wide:
        return {pid: [cr3 & ~0x1f] for pid, cr3 in cr3s.items()}
    # A 64-bit kernel with page-table isolation keeps two root tables side by side, and user mode runs
    # on the second: then bit 12 is set in every process.
    if all(cr3 & 0x1000 for cr3 in cr3s.values()):
        return {pid: [cr3 & ADDRESS & ~0x1000, cr3 & ADDRESS] for pid, cr3 in cr3s.items()}
    return {pid: [cr3 & ADDRESS] for pid, cr3 in cr3s.items()}


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
        values = guest.monitor.registers(guest.cpu)
        guest.dump()
        progress("dump.elf")
        physical_address_extension = values["CR4"] >> 5 & 1
        wide = values["EFER"] >> 10 & 1
        huge_sizes = [1 << 30, 1 << 21] if wide else [1 << 21] if physical_address_extension else [1 << 22]
        wanted = set()
        with open(guest.path("roots.tsv"), "w") as file:
            print("# pid\tcr3\troots", file=file)
            for pid, own in roots_by_pid(roots, wide).items():
                print(pid, f"{roots[pid]:#x}", *(f"{root:#x}" for root in own), sep="\t", file=file)
                wanted |= set(own)
        for root in sorted(wanted):
            guest.tables_of(root, huge_sizes, not options.no_ranges)
        progress(f"tables below {len(wanted)} roots")
    finally:
        guest.stop()


if __name__ == "__main__":
    main()
