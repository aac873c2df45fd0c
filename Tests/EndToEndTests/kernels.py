#!/usr/bin/env python3
"""Compares what the program says of small kernels with what they and QEMU say.

usage: kernels.py PROGRAM WORK [KERNEL...]     WORK is the folder of Tests/Kernels/make.py

Each kernel is read from its dump, and from the same memory as a raw file, which carries no notes.
"""

import json
import os
import subprocess
import sys

# The bits of an entry as QEMU's `info tlb` shows them.
ENTRY_FLAGS = {"X": 63, "G": 8, "P": 7, "D": 6, "A": 5, "C": 4, "T": 3, "U": 2, "W": 1}


class Checks:
    """Prints a line for each."""

    def __init__(self):
        self.passed = self.failed = 0

    def equal(self, what, ours, expected):
        if ours == expected:
            self.passed += 1
            print(f"ok    {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL  {what}: pagewalk {ours}, expected {expected}", flush=True)


def run(program, *arguments):
    """Standard output line by line, or a string that says why there is none."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    if done.returncode:
        return f"status {done.returncode}: {done.stderr.strip().splitlines()[-1:]}"
    return done.stdout.splitlines()


def check_spaces(checks, title, program, source, truth):
    lines = run(program, "spaces", source, "--json")
    if isinstance(lines, str):
        checks.equal(f"{title}: spaces are listed", lines, "a list")
        return
    listed = [json.loads(line) for line in lines]
    names = {root: name for state in ("live", "freed", "boot") for name, root in truth[state].items()}

    def described(roots):
        return [f"{names.get(root, 'unknown')}={root}" for root in sorted(roots)]

    live = set(truth["live"].values())
    in_use = [space["root"] for space in listed if not space["stale"]]
    missing = live - {space["root"] for space in listed}
    checks.equal(f"{title}: all {len(live)} roots are listed, none missing", described(missing), [])
    called_stale = {space["root"] for space in listed if space["stale"]} & live
    checks.equal(f"{title}: none of them is called stale", described(called_stale), [])
    # The first tables are whole, and in the kernel's own image: nothing says that they are no longer used.
    wrong = set(in_use) - live - set(truth["boot"].values())
    checks.equal(f"{title}: no other root is listed as if it were in use", described(wrong), [])
    schemes = sorted({space["scheme"] for space in listed})
    checks.equal(f"{title}: scheme", schemes, [truth["scheme"]])
    twice = [root for root in set(in_use) if in_use.count(root) > 1]
    checks.equal(f"{title}: no root is listed twice", twice, [])


def fold(leaves):
    """Runs of leaves of equal size and flags, where both addresses advance."""
    rows = []
    for va, pa, size, flags in leaves:
        if rows:
            start, target, pages, last_size, last_flags = rows[-1]
            if (va, pa, size, flags) == (start + pages * size, target + pages * size, last_size, last_flags):
                rows[-1] = (start, target, pages + 1, size, flags)
                continue
        rows.append((va, pa, 1, size, flags))
    return [(f"{va:#x}", f"{pa:#x}", pages, size, flags) for va, pa, pages, size, flags in rows]


def ranges(leaves):
    """Ranges of equal rights."""
    rows = []
    for va, size, rights in leaves:
        if rows and rows[-1][1:] == (va, rights):
            rows[-1] = (rows[-1][0], va + size, rights)
        else:
            rows.append((va, va + size, rights))
    return [(f"{start:#x}", f"{end:#x}", rights) for start, end, rights in rows]


def first_difference(ours, theirs):
    for mine, other in zip(ours, theirs):
        if list(mine) != list(other):
            return mine, other
    # Of equal rows, the numbers.
    return len(ours), len(theirs)


def check_map(checks, title, program, source, root, truth):
    lines = run(program, "map", source, "--each", "--json", "--space", root)
    if isinstance(lines, str):
        checks.equal(f"{title}: map", lines, "a list")
        return
    leaves, rights, unlike = [], [], None
    for record in map(json.loads, lines):
        raw = int(record["entry"], 16)
        flags = "".join(letter if raw >> bit & 1 else "-" for letter, bit in ENTRY_FLAGS.items())
        va = int(record["va"], 16)
        leaves.append((va, int(record["pa"], 16), record["pageSize"], flags))
        access = ("u" if record["user"] else "-") + "r" + ("w" if record["write"] else "-")
        rights.append((va, record["pageSize"], access))
        # What it says in words agrees with the entry's bits.
        named = all((letter in record["flags"]) == (letter in flags) for letter in "GDA")
        if not named or (record["execute"] and "X" in flags) or record["length"] != record["pageSize"]:
            unlike = unlike or record
    checks.equal(f"{title}: {len(leaves)} leaves are those of info tlb",
                 *first_difference(fold(leaves), truth["tlb"][root]))
    checks.equal(f"{title}: rights are those of info mem",
                 *first_difference(ranges(rights), truth["mem"][root]))
    checks.equal(f"{title}: what is said of each leaf agrees with its entry", unlike, None)


def check_findings(checks, title, program, source, truth):
    lines = run(program, "check", source, "--json")
    if isinstance(lines, str):
        checks.equal(f"{title}: check", lines, "a list")
        return
    start, end = (int(address, 16) for address in truth["user"])
    called_kernel = [finding["va"] for finding in map(json.loads, lines)
                     if finding["kind"] == "user-kernel-memory" and start <= int(finding["va"], 16) < end]
    checks.equal(f"{title}: no page of the user's is called kernel memory", called_kernel, [])


def mappings(truth, frame):
    """Who maps a frame, by `info tlb` of all roots in use."""
    for root in truth["live"].values():
        for start, target, pages, size, _ in truth["tlb"][root]:
            distance = frame - int(target, 16)
            if 0 <= distance < pages * size:
                va = int(start, 16) + distance
                yield root, f"{va:#x}", "direct-map" if va - frame == truth["directMap"] else "entry"


def check_aliases(checks, title, program, source, root, truth):
    va = truth["user"][0]
    frame = next(int(target, 16) for start, target, *_ in truth["tlb"][root] if start == va)
    lines = run(program, "aliases", source, va, "--json", "--space", root)
    if isinstance(lines, str):
        checks.equal(f"{title}: aliases", lines, "a list")
        return
    ours = {(record["space"], record["va"], record["kind"]) for record in map(json.loads, lines)
            if record["space"] in truth["live"].values()}
    expected = set(mappings(truth, frame))
    checks.equal(f"{title}: all {len(expected)} mappings of the frame at {va}, the direct map's among them",
                 {"not there": sorted(ours - expected), "missed": sorted(expected - ours)},
                 {"not there": [], "missed": []})


def main():
    program, work = os.path.realpath(sys.argv[1]), sys.argv[2]
    kernels = sys.argv[3:] or sorted(
        name for name in os.listdir(work) if os.path.exists(os.path.join(work, name, "truth.json")))
    checks = Checks()
    for kernel in kernels:
        folder = os.path.join(work, kernel)
        with open(os.path.join(folder, "truth.json")) as file:
            truth = json.load(file)
        for dump in ("dump.elf", "dump.raw"):
            source = os.path.join(folder, dump)
            check_spaces(checks, f"{kernel} {dump}", program, source, truth)
            check_findings(checks, f"{kernel} {dump}", program, source, truth)
            last = list(truth["live"])[-1]
            check_aliases(checks, f"{kernel} {dump} {last}", program, source, truth["live"][last], truth)
            for name, root in truth["live"].items():
                check_map(checks, f"{kernel} {dump} {name}", program, source, root, truth)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed or not checks.passed else 0)


main()
