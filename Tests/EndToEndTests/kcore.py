#!/usr/bin/env python3
"""Runs the program inside a guest, on that guest's own /proc/kcore, as its root.

usage: kcore.py PROGRAM KERNEL WORK

The guest's init runs the program with the libraries that it has here. It must list the guest's processes by name, itself among them,
and translate an address of a process to the frame that the process's own pagemap says. This machine's /proc/kcore is never read.
"""

import json
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
from live_guest import Checks, initramfs, samples  # noqa: E402

program, kernel, work = sys.argv[1:4]
checks = Checks("kcore.py", program)
check = checks.check

root = work + "/root"
shutil.rmtree(root, ignore_errors=True)
os.makedirs(root + "/bin")
shutil.copy(program, root + "/bin/pagewalk")
# "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f..)"; the loader has no arrow.
for path in re.findall(r"(?:=> )?(/\S+) \(0x", subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout):
    os.makedirs(root + os.path.dirname(path), exist_ok=True)
    shutil.copy(path, root + path)
subprocess.run(
    ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", root + "/init", samples + "/live/kcore.c"], check=True)
with open(work + "/guest.log", "w") as log:
    subprocess.run(
        ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max,la57=off", "-m", "512M", "-kernel", kernel,
         "-initrd", initramfs(work, root), "-append", "console=ttyS0 quiet panic=-1", "-nodefaults", "-display", "none", "-no-reboot",
         "-serial", f"file:{work}/serial.log", "-serial", f"file:{work}/report"],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=500, check=False)

# "@@ NAME", lines, and "@@ ended STATUS"
parts, name = {}, None
with open(work + "/report", errors="replace") as report:
    for line in report:
        if line.startswith("@@ "):
            words = line.split()
            if words[1] == "ended":
                check(words[2] == "0", f"{name} ended with {words[2]}: {' '.join(parts[name])[:300]}")
            else:
                name = words[1]
                parts[name] = []
        elif name:
            parts[name].append(line.strip())


def records(name):
    return [json.loads(line) for line in parts.get(name, []) if line.startswith("{")]


spaces = {record["pid"]: record for record in records("spaces") if record["pid"]}
processes = dict(line.split(maxsplit=1) for line in parts.get("processes", []))
check(len(processes) >= 3, f"the guest says too little: {sorted(parts)}")
for pid, wanted in processes.items():
    found = spaces.get(int(pid), {}).get("name")
    check(found == wanted, f"process {pid} is {wanted}, and called {found}")
check("pagewalk" in [record["name"] for record in spaces.values()], f"pagewalk does not list itself: {list(spaces)}")

pages = dict(line.split() for line in parts.get("pagemap", []))
said = {record["va"]: record for record in records("translate")}
check(len(pages) >= 16, "the pagemap is too short")
for va, frame in pages.items():
    pa = said.get(va, {}).get("pa")
    check(pa is not None and int(pa, 16) == int(frame, 16) << 12, f"{va} leads to {pa}, and by the pagemap to frame {frame}")
own = {record["va"]: record for record in records("own")}
for va, frame in (line.split() for line in parts.get("own-pagemap", [])):
    pa = own.get(va, {}).get("pa")
    check(pa is not None and int(pa, 16) == int(frame, 16) << 12, f"pagewalk's own {va} leads to {pa}, and by its pagemap to frame {frame}")
check(len(own) > 0, "pagewalk translates no address of its own")
torn = " ".join(parts.get("explore", []))
check("may be torn" in torn and "kcore" in torn, f"the title says nothing of torn moments: {torn[:200]}")
checks.end()
