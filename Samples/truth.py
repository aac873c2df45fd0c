#!/usr/bin/env python3
"""Turns what boot.py collected into the truth files of a sample, and checks that they agree.

usage: truth.py DIR PREFIX      reads DIR, writes PREFIX.pages.tsv and the others (see README.md)

The checks compare the guest's kernel with QEMU: every page that the kernel reports present must be
where QEMU translates it to, and the other way round (on AArch64 those of process 1, where QEMU found them). They read no
page table themselves. The exit status is 1 when something disagrees.
"""

import os
import sys
from collections import Counter, defaultdict

HIDDEN = "hidden from the CPU as they should be"
ADDRESS_BITS = 52  # above, QEMU leaves the no-execute bit of PAE entries in the address


def lines(path):
    with open(path) as file:
        return [line.rstrip("\n") for line in file if not line.startswith("#")]


def write(path, header, rows):
    with open(path, "w") as file:
        print("# " + "\t".join(header.split()), file=file)
        for row in rows:
            print(*row, sep="\t", file=file)
    print(f"{os.path.getsize(path):9} bytes {len(rows):6} rows  {os.path.basename(path)}")


class Guest:
    def __init__(self, folder):
        report = [line.split("\t") for line in lines(os.path.join(folder, "report.txt"))]

        def part(name):
            return [fields[1:] for fields in report if fields[0] == name]

        self.names = {int(pid): name for pid, name in part("process")}
        self.maps = [(int(pid), int(start, 16), int(end, 16), access, name)
                     for pid, start, end, access, name in part("maps")]
        self.pages = [(int(pid), int(va, 16), int(count), int(pfn, 16), flags)
                      for pid, va, count, pfn, flags in part("pages")]
        self.page = int(part("page")[0][0])
        with open(os.path.join(folder, "roots.tsv")) as file:
            self.registers = file.readline().split()[3:]
        roots = [line.split("\t") for line in lines(os.path.join(folder, "roots.tsv"))]
        # With x86's page-table isolation two for each process, the kernel's first.
        self.roots = {int(fields[0]): [int(root, 16) for root in fields[1].split(",")] for fields in roots}
        self.values = {int(fields[0]): fields[2:] for fields in roots}
        self.leaves, self.ranges, self.blocks, self.translations = {}, {}, {}, []
        for root in sorted({root for roots in self.roots.values() for root in roots}):
            tlb, mem = (os.path.join(folder, kind, f"{root:#x}.txt") for kind in ("tlb", "mem"))
            if os.path.exists(tlb):
                self.leaves[root] = [self.leaf(line) for line in lines(tlb)]
            if "satp" in self.registers:
                # Behind two lines of headings.
                self.blocks[root] = [self.block(line) for line in lines(mem)[2:]]
            elif os.path.exists(mem):
                self.ranges[root] = [self.range(line) for line in lines(mem)]
        if os.path.exists(os.path.join(folder, "gpa.tsv")):
            self.translations = [tuple(int(field, 16) for field in line.split("\t"))
                                 for line in lines(os.path.join(folder, "gpa.tsv"))]
        wide = "cr3" not in self.registers or any(
            va >> 32 for leaves in self.leaves.values() for va, _, _, _ in leaves)
        self.kernel_start = 1 << 63 if wide else 3 << 30

    @staticmethod
    def leaf(line):
        va, pa, flags, size = line.split()
        return int(va.rstrip(":"), 16), int(pa, 16) & ((1 << ADDRESS_BITS) - 1), flags, int(size)

    @staticmethod
    def range(line):
        interval, _, flags = line.split()
        start, end = interval.split("-")
        return int(start, 16), int(end, 16), flags

    @staticmethod
    def block(line):
        va, pa, size, flags = line.split()
        return int(va, 16), int(pa, 16), int(size, 16), flags

    def kernel_roots(self):
        return sorted({roots[0] for roots in self.roots.values()})


def fold(leaves):
    """Rows of (va, pa, pages, page size, flags)."""
    rows = []
    for va, pa, flags, size in leaves:
        if rows:
            start, target, count, last_size, last_flags = rows[-1]
            if (va, pa, size, flags) == (start + count * size, target + count * size, last_size, last_flags):
                rows[-1] = (start, target, count + 1, size, flags)
                continue
        rows.append((va, pa, 1, size, flags))
    return rows


def shared_first(by_root, among, start):
    """(root, items) pairs: first "*" with what all of `among` have in common from address `start` on, then
    the rest of each root."""
    common = {item for item in set.intersection(*(set(by_root[root]) for root in among)) if item[0] >= start}
    yield "*", [item for item in by_root[among[0]] if item in common]
    for root, items in by_root.items():
        yield f"{root:#x}", [item for item in items if root not in among or item not in common]


def export(guest, prefix):
    write(prefix + ".roots.tsv", "pid name " + " ".join(guest.registers),
          [(pid, guest.names[pid], *values) for pid, values in sorted(guest.values.items())])
    write(prefix + ".maps.tsv", "pid start end perms name",
          [(pid, f"{start:#x}", f"{end:#x}", access, name) for pid, start, end, access, name in guest.maps])
    write(prefix + ".pages.tsv", "pid va pages pfn flags",
          [(pid, f"{va:#x}", count, f"{pfn:#x}", flags) for pid, va, count, pfn, flags in guest.pages])
    if guest.leaves:
        write(prefix + ".tlb.tsv", "root va pa pages pagesize flags",
              [(root, f"{va:#x}", f"{pa:#x}", count, size, flags)
               for root, leaves in shared_first(guest.leaves, guest.kernel_roots(), guest.kernel_start)
               for va, pa, count, size, flags in fold(leaves)])
    if guest.ranges:
        write(prefix + ".mem.tsv", "root start end flags",
              [(root, f"{start:#x}", f"{end:#x}", flags)
               for root, ranges in shared_first(guest.ranges, guest.kernel_roots(), guest.kernel_start)
               for start, end, flags in ranges])
    if guest.blocks:
        write(prefix + ".blocks.tsv", "root va pa bytes flags",
              [(root, f"{va:#x}", f"{pa:#x}", size, flags)
               for root, blocks in shared_first(guest.blocks, guest.kernel_roots(), guest.kernel_start)
               for va, pa, size, flags in blocks])
    if guest.translations:
        write(prefix + ".gpa.tsv", "va pa pages",
              [(f"{va:#x}", f"{pa:#x}", count)
               for va, pa, count, _, _ in fold([(va, pa, "", guest.page) for va, pa in guest.translations])])


def small_pages(guest, pid, root):
    """Frames by page number where QEMU finds them in the users' part of a space; None where QEMU was not asked."""
    if guest.translations:
        return {va // guest.page: pa // guest.page for va, pa in guest.translations if not va >> 63} if pid == 1 else None
    spans = [(va, pa, size) for va, pa, _, size in guest.leaves.get(root, [])]
    spans += [(va, pa, size) for va, pa, size, _ in guest.blocks.get(root, [])]
    return {(va + offset) // guest.page: (pa + offset) // guest.page
            for va, pa, size in spans if va < guest.kernel_start for offset in range(0, size, guest.page)}


def check(guest):
    """Prints counts, and returns whether kernel and QEMU agree."""
    devices = defaultdict(set)  # the kernel does not report mappings without a `struct page`
    reported = defaultdict(dict)
    unreadable = defaultdict(set)
    counts, examples = Counter(), []
    for pid, va, count, pfn, flags in guest.pages:
        for i in range(count):
            if "P" in flags:
                reported[pid][va // guest.page + i] = pfn + i
            else:
                counts["swapped"] += 1
                unreadable[pid].add(va // guest.page + i)
    for pid, start, end, access, name in guest.maps:
        numbers = range(start // guest.page, end // guest.page)
        if name in ("/dev/mem", "[vvar]"):
            devices[pid].update(numbers)
        if access.startswith("---"):
            unreadable[pid].update(reported[pid].keys() & numbers)
    for pid in guest.roots:
        for root in guest.roots[pid]:
            seen = small_pages(guest, pid, root)
            if seen is None:
                continue
            for number in reported[pid].keys() | seen.keys() | unreadable[pid]:
                theirs, ours = reported[pid].get(number), seen.get(number)
                if number in unreadable[pid]:
                    verdict = HIDDEN if ours is None else "different"
                elif theirs is None and number in devices[pid]:
                    verdict = "of devices"
                else:
                    verdict = "equal" if theirs == ours else "different"
                counts[verdict] += 1
                if verdict == "different":
                    examples.append((pid, guest.names[pid], f"{number * guest.page:#x}", theirs, ours))
    summary = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    print("pages, kernel against QEMU: " + summary)
    for example in examples[:10]:
        print("  different (pid, name, va, frame by the kernel, frame by QEMU):", *example)

    agreeing = 0
    for root, ranges in guest.ranges.items():
        in_ranges = sum(end - start for start, end, _ in ranges)
        agreeing += in_ranges == sum(size for _, _, _, size in guest.leaves[root])
    if guest.ranges:
        print(f"bytes, `info mem` against `info tlb`: {agreeing} of {len(guest.ranges)} roots equal")
    return not examples and agreeing == len(guest.ranges)


def main():
    guest = Guest(sys.argv[1])
    export(guest, sys.argv[2])
    roots = {root for roots in guest.roots.values() for root in roots}
    leaves = sum(len(leaves) for leaves in guest.leaves.values())
    print(f"{len(guest.roots)} processes, {len(roots)} roots, {leaves} leaves")
    sys.exit(0 if check(guest) else 1)


if __name__ == "__main__":
    main()
