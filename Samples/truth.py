#!/usr/bin/env python3
"""Turns what boot.py collected into the truth files of a sample, and checks that they agree.

usage: truth.py DIR PREFIX      reads DIR, writes PREFIX.pages.tsv and the others (see README.md)

The checks compare the guest's kernel with QEMU: every page that the kernel reports present must be
where QEMU translates it to, and the other way round. They read no page table themselves. The exit status
is 1 when something disagrees.
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
        roots = [line.split("\t") for line in lines(os.path.join(folder, "roots.tsv"))]
        self.cr3 = {int(fields[0]): int(fields[1], 16) for fields in roots}
        # With page-table isolation two for each process, the kernel's first.
        self.roots = {int(fields[0]): [int(root, 16) for root in fields[2:]] for fields in roots}
        self.leaves, self.ranges = {}, {}
        for root in sorted({root for roots in self.roots.values() for root in roots}):
            tlb, mem = (os.path.join(folder, kind, f"{root:#x}.txt") for kind in ("tlb", "mem"))
            self.leaves[root] = [self.leaf(line) for line in lines(tlb)]
            if os.path.exists(mem):
                self.ranges[root] = [self.range(line) for line in lines(mem)]
        wide = any(va >> 32 for leaves in self.leaves.values() for va, _, _, _ in leaves)
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
    write(prefix + ".roots.tsv", "pid name cr3",
          [(pid, guest.names[pid], f"{cr3:#x}") for pid, cr3 in sorted(guest.cr3.items())])
    write(prefix + ".maps.tsv", "pid start end perms name",
          [(pid, f"{start:#x}", f"{end:#x}", access, name) for pid, start, end, access, name in guest.maps])
    write(prefix + ".pages.tsv", "pid va pages pfn flags",
          [(pid, f"{va:#x}", count, f"{pfn:#x}", flags) for pid, va, count, pfn, flags in guest.pages])
    write(prefix + ".tlb.tsv", "root va pa pages pagesize flags",
          [(root, f"{va:#x}", f"{pa:#x}", count, size, flags)
           for root, leaves in shared_first(guest.leaves, guest.kernel_roots(), guest.kernel_start)
           for va, pa, count, size, flags in fold(leaves)])
    if guest.ranges:
        write(prefix + ".mem.tsv", "root start end flags",
              [(root, f"{start:#x}", f"{end:#x}", flags)
               for root, ranges in shared_first(guest.ranges, guest.kernel_roots(), guest.kernel_start)
               for start, end, flags in ranges])


def small_pages(leaves, end):
    """Frames by page number, of the leaves below an address."""
    return {(va + offset) >> 12: (pa + offset) >> 12
            for va, pa, _, size in leaves if va < end for offset in range(0, size, 4096)}


def check(guest):
    """Prints counts, and returns whether kernel and QEMU agree."""
    devices = defaultdict(set)  # the kernel does not report mappings without a `struct page`
    reported = defaultdict(dict)
    unreadable = defaultdict(set)
    counts, examples = Counter(), []
    for pid, va, count, pfn, flags in guest.pages:
        for i in range(count):
            if "P" in flags:
                reported[pid][(va >> 12) + i] = pfn + i
            else:
                counts["swapped"] += 1
                unreadable[pid].add((va >> 12) + i)
    for pid, start, end, access, name in guest.maps:
        if name in ("/dev/mem", "[vvar]"):
            devices[pid].update(range(start >> 12, end >> 12))
        if access.startswith("---"):
            unreadable[pid].update(reported[pid].keys() & range(start >> 12, end >> 12))
    for pid in guest.cr3:
        for root in guest.roots[pid]:
            seen = small_pages(guest.leaves[root], guest.kernel_start)
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
                    examples.append((pid, guest.names[pid], f"{number << 12:#x}", theirs, ours))
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
    leaves = sum(len(leaves) for leaves in guest.leaves.values())
    print(f"{len(guest.cr3)} processes, {len(guest.leaves)} roots, {leaves} leaves")
    sys.exit(0 if check(guest) else 1)


if __name__ == "__main__":
    main()
