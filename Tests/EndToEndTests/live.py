#!/usr/bin/env python3
"""Holds what the program says of a machine that runs to the machine itself.

usage: live.py PROGRAM KERNEL WORK

Boots guests (Samples/live/steps.c) that change their page tables one step at a time: one with its memory in a file that others can map,
one with memory as QEMU has it by itself. Checked are, by QMP, by the gdbstub and by the process:
- a guest that stands still: commands say the same, as JSON, as of its dump;
- a guest that runs: what `diff` says from one moment to the next is what its own pagemaps say;
- `spaces --watch` marks the process that comes and the one that goes, and leaves the guest as it was when a signal ends it;
- it runs, or stands, as before.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from live_guest import Checks, LiveGuest, records, without_registers  # noqa: E402

program, kernel, work = sys.argv[1:4]
checks = Checks("live.py", program)
check, run = checks.check, checks.run
# The guest's own stack and buffers may move on between its report and the moment: only the regions of the steps count.
REGIONS = range(0x100000000000, 0x500000000000)
FIRST, PAGE = 0x100000000000, 4096


def compare_standing(guest, *more):
    """Every way to the guest's memory says what its dump says."""
    guest.monitor.run("stop")
    dump = guest.work + "/dump.elf"
    guest.monitor.dump(dump)
    for command in (["spaces"], ["map", "--space", "steps"], ["tables"], ["mirrors"], *more):
        dumped = run(command[0], dump, *command[1:], "--json").stdout
        for kind, source in guest.sources.items():
            said, expected = run(command[0], source, *command[1:], "--json"), dumped
            same = said.stdout == expected
            if kind == "pid" and command[0] == "spaces":
                same = without_registers(said.stdout) == without_registers(expected)
            elif kind == "pid":
                same = sorted(said.stdout.splitlines()) == sorted(expected.splitlines())
                # Which mapping of a frame a mirror is told with depends on which space comes first.
                same = same or command[0] == "mirrors"
            check(dumped and same, f"{guest.ram}, {kind}: {command[0]} differs from the dump's; {said.stderr.strip()}")
            check(not guest.monitor.is_running, f"{guest.ram}, {kind}: {command[0]} left the guest running")
    guest.monitor.run("cont")


def step(guest, letter, before):
    """One step, seen by the program from moment to moment, while the guest runs; gives the pages after it."""
    old = {kind: f"{guest.work}/old-{kind}.elf" for kind in guest.sources}
    for kind, source in guest.sources.items():
        capture = run("capture", source, "-o", old[kind], "--force")
        check(capture.returncode == 0, f"{guest.ram}, {kind}, step {letter}: capture: {capture.stderr.strip()}")
    after = guest.step(letter)
    wanted = {}
    for pid, va in before.keys() | after.keys():
        if va in REGIONS and before.get((pid, va)) != after.get((pid, va)):
            wanted.setdefault(pid, set()).add(va)
    came = {pid for pid, _ in after} - {pid for pid, _ in before}
    went = {pid for pid, _ in before} - {pid for pid, _ in after}
    spaces = {pid: "space-added" for pid in came} | {pid: "space-removed" for pid in went}
    # Of a space that came or went, the space is said, and not its pages.
    wanted = {pid: pages for pid, pages in wanted.items() if pid not in spaces}
    for kind, source in guest.sources.items():
        where = f"{guest.ram}, {kind}, step {letter}"
        result = run("diff", old[kind], source, "--json")
        check(result.returncode == 1, f"{where}: diff ended with {result.returncode}: {result.stderr.strip()}")
        check(guest.monitor.comes_to(True), f"{where}: the guest stands still")
        said, said_spaces, rights = {}, {}, set()
        for record in records(result.stdout):
            if record["change"].startswith("space-"):
                said_spaces[record["pid"]] = record["change"]
                continue
            va = int(record["va"], 16)
            pages = {page for page in range(va, va + record["length"], 4096) if page in REGIONS}
            if pages and record["change"] in ("access", "bits"):
                rights |= pages if record["spaceName"] == "steps" else set()
            elif pages:
                said.setdefault(record["spaceName"], set()).update(pages)
        expected = {"steps" if pid == 1 else "steps_child": pages for pid, pages in wanted.items()}
        check(said == expected, f"{where}: {[(name, [hex(va) for va in sorted(said.get(name, set()) ^ expected.get(name, set()))[:4]]) for name in said.keys() | expected.keys()]} differ")
        check(said_spaces == spaces, f"{where}: spaces {said_spaces}, not {spaces}")
        # Eight pages lose a right; to share pages with a child takes that of all the others; who writes first gets it back.
        lost = {"3": set(range(FIRST + 8 * PAGE, FIRST + 16 * PAGE, PAGE)), "5": set(range(FIRST + 20 * PAGE, FIRST + 64 * PAGE, PAGE))}
        if letter in lost:
            check(lost[letter] <= rights, f"{where}: rights changed of {len(rights)} pages")
        if letter in "3":
            check(lost[letter] == rights, f"{where}: rights changed of {len(rights)} pages, not 8")
    return after


def watch(guest, source):
    """The table of spaces again and again, while a process comes and goes; then an interrupt ends it."""
    output = guest.work + "/watched.jsonl"
    watching = subprocess.Popen(
        [program, "spaces", source, "--watch", "0.3", "--json"], stdin=subprocess.DEVNULL, stdout=open(output, "w"), stderr=subprocess.PIPE,
        text=True)

    def seen():
        return [json.loads(line) for line in open(output).read().splitlines(keepends=True) if line.endswith("\n")]

    def await_more(count):
        def moment():
            return max([record["moment"] for record in seen()], default=0)
        wanted, end = moment() + count, time.time() + 60
        while moment() < wanted and time.time() < end:
            time.sleep(0.1)

    await_more(2)
    came = {pid for pid, _ in guest.step("5")} - {1}
    await_more(2)
    guest.step("7")
    await_more(2)
    watching.send_signal(signal.SIGINT)
    errors = watching.communicate(timeout=60)[1]
    check(watching.returncode == -signal.SIGINT, f"{source}: --watch ended with {watching.returncode}: {errors.strip()}")
    check(guest.monitor.comes_to(True), f"{source}: --watch left the guest standing")
    for change in ("new", "gone"):
        pids = [record["pid"] for record in seen() if record.get("change") == change]
        check(set(pids) == came and len(pids) == 1, f"{source}: --watch: {change} {pids}, not {came}")


def beside_gdb(guest):
    """The command `pw` in gdb: by the guest's process, and, as for one on another machine, by gdb's own connection."""
    script, remote = guest.work + "/pagewalk-gdb.py", guest.work + "/remote.py"
    with open(script, "w") as file:
        file.write(run("gdb-script").stdout)
    with open(remote, "w") as file:
        file.write("def guest():\n    raise gdb.GdbError('pw: the guest is elsewhere')\n")
    walks = []
    for more in ([], ["-ex", "source " + remote]):
        gdb = subprocess.run(
            ["gdb", "-nx", "-batch", "-ex", "set architecture i386:x86-64", "-ex", "target remote " + guest.sockets["gdb"],
             "-ex", "source " + script, *more, "-ex", "pw -p do_idle", "-ex", "x/8xb $rip", "-ex", "detach"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        lines = gdb.stdout.splitlines()
        check(any(re.match(r"0x[0-9a-f]{16}:?\t", line) for line in lines), f"gdb reads nothing after pw: {gdb.stdout} {gdb.stderr}")
        walks.append([line for line in lines if line.startswith("  ") or "do_idle" in line])
        check(guest.monitor.comes_to(True), "pw left the guest standing")
    check(len(walks[0]) > 4 and walks[0] == walks[1], f"pw -p: {walks[0]} by the process, {walks[1]} by gdb")


os.makedirs(work, exist_ok=True)
for ram in ("file", "plain"):
    guest = LiveGuest(kernel, f"{work}/{ram}", ram=ram)
    try:
        before = guest.step("0")
        check(len(before) > 64, "the guest reports too few pages")
        compare_standing(guest)
        for letter in "123456789a":
            before = step(guest, letter, before)
            if letter == "6":
                # There is a child, which shares memory.
                compare_standing(guest, ["aliases", "--space", "steps_child"])
        beside_gdb(guest)
        for source in guest.sources.values() if ram == "file" else ():
            watch(guest, source)
    finally:
        guest.end()
checks.end()
