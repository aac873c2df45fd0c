#!/usr/bin/env python3
"""Compares what `diff` says of a guest that changed its page tables step by step with what the guest said of itself.

usage: steps.py PROGRAM STEPS     STEPS holds a folder for each step, 0, 1, ..: dump.elf, and pages-PID.tsv for each process

The guest's own words are its pagemap and its maps after each step: a line "pid, va, frame, P or S,
rights" for each page. Every two consecutive steps are compared, as dumps and as captures made from them.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

PAGE = 4096
KERNEL = 1 << 47


def read_pages(folder):
    """The pages of each process: {pid: {va: (frame, state, rights)}}."""
    processes = {}
    for name in os.listdir(folder):
        match = re.fullmatch(r"pages-(\d+)\.tsv", name)
        if not match:
            continue
        pages = processes.setdefault(int(match[1]), {})
        with open(os.path.join(folder, name)) as file:
            for line in file:
                _, va, frame, state, rights = line.split()
                pages[int(va, 16)] = (int(frame, 16), state, rights)
    return processes


def expected(old, new):
    """What must have happened to each page, by what the guest said: {va: change}; and what rights were asked for."""
    changes, rights = {}, {}
    for va in old.keys() | new.keys():
        before, after = old.get(va), new.get(va)
        kinds = {page and ("marked" if page[1] == "S" or page[2].startswith("---") else "page")
                 for page in (before, after)}
        if "marked" in kinds:
            if before != after:
                changes[va] = "marked"
        elif before is None:
            changes[va] = "added"
        elif after is None:
            changes[va] = "removed"
        elif before[0] != after[0]:
            changes[va] = "moved"
        elif before[2] != after[2]:
            rights[va] = after[2]
    return changes, rights


class Program:
    def __init__(self, path):
        self.path = path

    def diff(self, old, new, *arguments):
        done = subprocess.run([self.path, "diff", old, new, "--json", *arguments], capture_output=True, text=True)
        if done.returncode not in (0, 1):
            sys.exit(f"diff {old} {new}: status {done.returncode}: {done.stderr.strip()}")
        records = [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode != (1 if records else 0):
            sys.exit(f"diff {old} {new}: status {done.returncode} with {len(records)} records")
        return records

    def capture(self, source, target):
        subprocess.run([self.path, "capture", source, "-o", target], check=True, capture_output=True)
        return target


def by_page(records):
    """The records of user memory by page, each cut out of its range."""
    pages = {}
    for record in records:
        if record["va"] is None or int(record["va"], 16) >= KERNEL:
            continue
        first = int(record["va"], 16)
        for offset in range(0, record["length"], PAGE):
            if first + offset in pages:
                sys.exit(f"{first + offset:#x} is in two records")
            pages[first + offset] = (record, offset)
    return pages


def frame(content, offset):
    return content and "pa" in content and (int(content["pa"], 16) + offset) // PAGE


def check_process(records, old, new, wrong):
    """How many pages agree; adds to `wrong` what does not."""
    agreeing = 0
    pages = by_page(records)
    changes, rights = expected(old, new)
    for va, change in changes.items():
        record, offset = pages.get(va, (None, 0))
        if record is None or record["change"] != change:
            wrong.append(f"{va:#x}: guest {change}, diff {record and record['change']}")
            continue
        # Where a frame is mapped it must be the guest's.
        for side, truth in (("old", old.get(va)), ("new", new.get(va))):
            mapped = frame(record[side], offset)
            if mapped and mapped != truth[0]:
                wrong.append(f"{va:#x}: {side} frame {mapped:#x}, guest {truth[0]:#x}")
        agreeing += 1
    for va, wanted in rights.items():
        record, _ = pages.get(va, (None, 0))
        # A page that may not be written before its first write is read only already.
        if record is None and "w" in wanted:
            continue
        if record is None or record["change"] != "access" or record["new"]["write"] and "w" not in wanted:
            wrong.append(f"{va:#x}: guest wants {wanted}, diff {record}")
        else:
            agreeing += 1
    for va, (record, offset) in pages.items():
        if va in changes or va in rights:
            continue
        # The rights of an entry change where those of its region do not: a fork takes the right to write away until
        # the next write.
        page = new.get(va)
        if record["change"] == "access" and page and frame(record["new"], offset) == page[0] and "w" in page[2]:
            agreeing += 1
        else:
            wrong.append(f"{va:#x}: diff {record['change']}, guest nothing")
    return agreeing


def check_steps(program, steps, old, new, names, title):
    before, after = read_pages(os.path.join(steps, str(old))), read_pages(os.path.join(steps, str(new)))
    records = program.diff(names[old], names[new])
    wrong, agreeing = [], 0
    for change, pids in (("space-added", after.keys() - before.keys()),
                         ("space-removed", before.keys() - after.keys())):
        found = sorted(record["pid"] for record in records if record["change"] == change)
        if found != sorted(pids):
            wrong.append(f"{change}: guest {sorted(pids)}, diff {found}")
        else:
            agreeing += len(found)
    for pid in before.keys() | after.keys():
        own = [record for record in records if record["pid"] == pid]
        if pid not in before or pid not in after:
            # Asked for, a space that came or went is listed page by page.
            own = program.diff(names[old], names[new], "--space", str(pid))
        agreeing += check_process(own, before.get(pid, {}), after.get(pid, {}), wrong)
    print(f"   {title} {old} to {new}: {agreeing} equal, {len(wrong)} different")
    for line in wrong[:10]:
        print(f"      {line}")
    return not wrong


def main():
    program, steps = Program(sys.argv[1]), sys.argv[2]
    numbers = sorted(int(name) for name in os.listdir(steps) if name.isdigit())
    dumps = {number: os.path.join(steps, str(number), "dump.elf") for number in numbers}
    is_right = True
    with tempfile.TemporaryDirectory() as folder:
        captures = {number: program.capture(dump, os.path.join(folder, f"{number}.elf"))
                    for number, dump in dumps.items()}
        mixed = {number: (dumps if number % 2 else captures)[number] for number in numbers}
        for title, names in (("dumps", dumps), ("captures", captures), ("a dump and a capture", mixed)):
            for old, new in zip(numbers, numbers[1:]):
                is_right = check_steps(program, steps, old, new, names, title) and is_right
            if program.diff(names[numbers[0]], names[numbers[0]]):
                print(f"   {title}: a moment differs from itself")
                is_right = False
    sys.exit(0 if is_right else 1)


main()
