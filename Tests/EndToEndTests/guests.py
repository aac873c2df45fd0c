#!/usr/bin/env python3
"""Compares what the program says of a guest with what the guest said of itself.

usage: guests.py PROGRAM WORK GUEST...     WORK is the work folder of Samples/make.sh

The guest's own words are in WORK/GUEST/report.txt (Samples/guest/report.c), the root of each process, from QEMU, in
roots.tsv. Each guest is read from its dump, and from the same memory as a raw file, which carries no notes.
"""

import json
import os
import re
import struct
import subprocess
import sys

# Where RAM begins, and what is no RAM above it: the ROM of a PC, below 4 GiB. Other machines have theirs below.
RAM = {"linux-aarch64": (1 << 30, None), "linux-riscv64": (2 << 30, None)}
RAM_OF_PC = (0, 0xF0000000)


def lines(path):
    with open(path, errors="replace") as file:
        return [line.rstrip("\n") for line in file]


def make_raw(elf, raw, start, end):
    """The RAM of an ELF core: what lies at physical addresses from `start`, and below `end` if there is one."""
    with open(elf, "rb") as source, open(raw, "wb") as target:
        header = source.read(64)
        offset, size, count = (*struct.unpack_from("<Q", header, 32), *struct.unpack_from("<HH", header, 54))
        source.seek(offset)
        for row in struct.iter_unpack("<IIQQQQQQ", source.read(size * count)):
            kind, _, place, _, physical, length, _, _ = row
            if kind != 1 or physical < start or end is not None and physical >= end:
                continue
            source.seek(place)
            target.seek(physical - start)
            target.write(source.read(length))


class Guest:
    def __init__(self, folder):
        report = [line.split("\t") for line in lines(os.path.join(folder, "report.txt"))]

        def part(kind):
            return [fields[1:] for fields in report if fields[0] == kind]

        self.tasks = {int(pid): name for pid, name in part("task")}
        # A title that was written over the arguments is one argument.
        self.commands = {int(pid): words for pid, *words in part("command")}
        self.page = int(part("page")[0][0])
        self.pages = [(int(pid), int(va, 16), int(count), int(pfn, 16))
                      for pid, va, count, pfn, flags in part("pages") if "P" in flags]
        self.maps = {}
        for pid, start, end, access, name in part("maps"):
            self.maps.setdefault(int(pid), []).append((int(start, 16), int(end, 16), access, name))
        # Not those that only mark a place, `$x` and `.L0`, which nobody looks for.
        self.symbols = [text.split() for (text, *_) in part("symbol") if not re.search(r" (\$|\.L)", text)]
        # Their addresses are hashed there.
        self.areas = sorted(" ".join(text.split()[1:]) for (text, *_) in part("vmalloc"))
        rows = [line.split("\t") for line in lines(os.path.join(folder, "roots.tsv")) if line[0] != "#"]
        self.memory = {int(pid): [int(field) * 1024 for field in fields] for pid, *fields in part("memory")}
        # With page-table isolation there are two roots, the kernel's first.
        self.roots = {int(fields[0]): int(fields[1].split(",")[0], 16) for fields in rows}


class Program:
    def __init__(self, path, source):
        self.path, self.source = path, source

    def records(self, command, *arguments):
        """The records, and the lines on standard error."""
        done = subprocess.run(
            [self.path, command, self.source, "--json", *arguments], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{command} {self.source}: status {done.returncode}: {done.stderr.strip()}")
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.splitlines()


class Check:
    """Counts what agrees; keeps what does not."""

    def __init__(self):
        self.agreeing, self.wrong = 0, []

    def equal(self, what, ours, theirs):
        if ours == theirs:
            self.agreeing += 1
        else:
            self.wrong.append(f"{what}: pagewalk {ours}, guest {theirs}")

    def done(self, title):
        print(f"   {title}: {self.agreeing} equal, {len(self.wrong)} different")
        for line in self.wrong[:5]:
            print(f"      {line}")
        return not self.wrong


def check_processes(guest, program):
    spaces, _ = program.records("spaces")
    check = Check()
    names, roots, commands = {}, {}, {}
    for space in spaces:
        if space.get("command"):
            commands.setdefault(space["pid"], space["command"])
        for process in space.get("processes") or []:
            names[process["pid"]] = process["name"]
            # The list has the kernel's copy of a pair before the user's.
            roots.setdefault(process["pid"], int(space["root"], 16))
    # What the kernel's workers are called changes from moment to moment.
    stable = {pid: name for pid, name in guest.tasks.items() if not name.startswith("kworker")}
    check.equal("pids", sorted(names), sorted(guest.tasks))
    for pid, name in stable.items():
        check.equal(f"name of {pid}", names.get(pid), name)
    for pid, root in guest.roots.items():
        check.equal(f"root of {pid}", roots.get(pid), root)
    # Of processes in one space the first one's is shown.
    for pid, command in guest.commands.items():
        if pid in commands:
            check.equal(f"command of {pid}", commands[pid], command)
    return check.done("processes and kernel threads, their commands, and the roots of processes")


def check_regions(guest, program):
    check = Check()
    for pid, maps in guest.maps.items():
        ours = [(int(region["va"], 16), int(region["va"], 16) + region["length"], region["permissions"],
                 region["name"])
                for region in program.records("regions", "--space", str(pid))[0] if region["kind"] == "user"]
        check.equal(f"regions of {pid}, first difference", *first_difference(ours, maps))
    return check.done("processes whose regions are those of /proc/PID/maps")


def check_pages(guest, program):
    """Each page of the pagemap, and no other, at its frame. What may not be touched (PROT_NONE) is not mapped for the
    CPU; what has no `struct page` (a device's memory, and the clock's) the kernel does not report."""
    check = Check()
    for pid, maps in guest.maps.items():
        hidden, unreported = set(), set()
        for start, end, access, name in maps:
            numbers = range(start // guest.page, end // guest.page)
            if access.startswith("---"):
                hidden.update(numbers)
            elif name == "/dev/mem" or name.startswith("[vvar") or name == "[vsyscall]":
                unreported.update(numbers)
        theirs = {va // guest.page + number: frame + number
                  for owner, va, count, frame in guest.pages if owner == pid for number in range(count)
                  if va // guest.page + number not in hidden}
        for start, end, _, name in maps:
            # Mapped by frame number in older kernels, which then report none of them.
            numbers = range(start // guest.page, end // guest.page)
            if "[io_uring]" in name and theirs.keys().isdisjoint(numbers):
                unreported.update(numbers)
        ours, user_end = {}, max(end for _, end, _, name in maps if name != "[vsyscall]")
        for run in program.records("map", "--space", str(pid))[0]:
            va = int(run["va"], 16)
            if va >= user_end:
                continue
            frame = int(run["pa"], 16) // guest.page
            for number in range(run["length"] // guest.page):
                ours[va // guest.page + number] = frame + number
        ours = {number: frame for number, frame in ours.items() if number in theirs or number not in unreported}
        check.equal(f"pages of {pid}, first difference", *first_difference(sorted(ours.items()), sorted(theirs.items())))
    return check.done("processes whose pages are those of /proc/PID/pagemap")


def first_difference(ours, theirs):
    for mine, other in zip(ours, theirs):
        if mine != other:
            return mine, other
    return len(ours), len(theirs)


# Processes that show what the kernel counts otherwise, by design of its own: the pages of zeroes, those of a device and
# those mapped by frame number (remap_pfn_range; io_uring's rings in older kernels) belong to nobody, those of hugetlbfs
# are counted apart, and what a process may not touch (PROT_NONE) is resident.
COUNTED_OTHERWISE = {"anonymous", "thp", "device", "io_uring", "hugetlb_a", "hugetlb_b", "protect"}
# And what a process maps twice is resident twice.
MAPPED_TWICE = {"file", "share_twice", "merged", "bpf"}


def check_memory(guest, program):
    """Against the sums of /proc/PID/smaps: Rss, Pss, Private_Clean and Private_Dirty, Swap."""
    check = Check()
    spaces = {space["pid"]: space for space in program.records("spaces")[0]
              if space["pid"] and not space["stale"] and space.get("copy") != "user"}
    for pid, (resident, proportional, private, swapped) in guest.memory.items():
        # Process 1 was changing as it asked; two in one space are listed once.
        if pid == 1 or pid not in spaces or guest.tasks[pid] in COUNTED_OTHERWISE:
            continue
        space = spaces[pid]
        if guest.tasks[pid] not in MAPPED_TWICE:
            check.equal(f"resident of {pid}", space["residentBytes"], resident)
        check.equal(f"private of {pid}", space["privateBytes"], private)
        check.equal(f"swapped of {pid}", space.get("swappedBytes"), swapped)
        # The kernel rounds down to a kilobyte. Who maps one page of the program may have changed since it counted: that
        # is up to 8 bytes for each of the two dozen that share it.
        ours, theirs = space["proportionalBytes"], proportional // 1024
        check.equal(f"proportional of {pid}", theirs if (ours - 8) // 1024 == theirs else ours // 1024, theirs)
    return check.done("bytes that processes use")


def check_symbols(guest, program):
    check = Check()
    # A name like "edd" reads as a number, and so is one.
    wanted = [(int(fields[0], 16), fields[2]) for fields in guest.symbols
              if not re.fullmatch("[0-9a-fA-F_]+", fields[2])]
    found, remarks = program.records("translate", "--space", "kernel", *(name for _, name in wanted))
    several = {match for line in remarks for match in re.findall(r"symbols are called (\S+);", line)}
    for (address, name), record in zip(wanted, found):
        if name not in several:
            check.equal(f"address of {name}", int(record["va"], 16), address)
    kernel = [(address, name) for address, name in wanted if address >= 0xC0000000]
    found, _ = program.records("translate", "--space", "kernel", *(f"{address:#x}" for address, _ in kernel))
    for (address, name), record in zip(kernel, found):
        # Several names may stand for one address: any will do, but none that begins before it.
        symbol = record.get("symbol") or "no symbol"
        check.equal(f"offset at {name}", symbol.partition("+")[2], "")
    return check.done(f"{len(wanted)} symbols, both ways")


def check_vmalloc(guest, program):
    check = Check()
    ours = [region for region in program.records("regions", "--space", "kernel")[0]
            if region["kind"] == "vmalloc"]
    callers = sorted(
        re.match(r"\S+ (\S+( \[\w+\])?)", line)[1] for line in guest.areas if "+0x" in line)
    names = sorted(region["name"] for region in ours if region["name"])
    check.equal("what asked for vmalloc areas", *first_difference(names, callers))
    for mine, other in zip(names, callers):
        check.equal("caller", mine, other)
    return check.done("vmalloc areas")


def main():
    program, work = sys.argv[1:3]
    is_right = True
    for name in sys.argv[3:]:
        folder = os.path.join(work, name)
        guest = Guest(folder)
        elf, raw = os.path.join(folder, "dump.elf"), os.path.join(folder, "dump.raw")
        # Such as linux-aarch64-16k.
        make_raw(elf, raw, *next((ram for prefix, ram in RAM.items() if name.startswith(prefix)), RAM_OF_PC))
        for source in (elf, raw):
            print(f"== {name}, {os.path.basename(source)}")
            opened = Program(program, source)
            for check in (check_processes, check_regions, check_pages, check_memory, check_symbols, check_vmalloc):
                is_right = check(guest, opened) and is_right
        os.remove(raw)
    sys.exit(0 if is_right else 1)


main()
