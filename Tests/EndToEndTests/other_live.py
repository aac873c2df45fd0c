#!/usr/bin/env python3
"""Holds what the program says of a running AArch64 and RISC-V machine to that machine's dump and registers.

usage: other_live.py PROGRAM WORK      WORK is the work folder of Samples/make.sh; guests that are not there are left out

Boots the samples' guests once more and stops them when their processes sleep. Checked are, by QMP, by the gdbstub and by
the process:
- `spaces` and `map` say the same, as JSON, as of a dump of the same stop;
- the spaces that the CPUs run are marked where registers tell, and are those that QEMU's gdbstub has in its registers.
"""

import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from live_guest import LISTEN, Checks, Monitor, boot, records  # noqa: E402

program, work = sys.argv[1:3]
checks = Checks("other_live.py", program)
check, run = checks.check, checks.run

# The machine, as make.sh has it; the register with the root, the bits of it that are an address, and how far these are
# to be moved; and by which ways the program comes to know it. QEMU's monitor shows no TTBR0.
GUESTS = {
    "linux-aarch64": (
        ["qemu-system-aarch64", "-cpu", "max,pauth-impdef=on,sve=off,sme=off", "-device", "vmcoreinfo"],
        "ttyAMA0", ("TTBR0_EL1", 0xFFFFFFFFF000, 0), {"gdb"}),
    "linux-riscv64": (
        ["qemu-system-riscv64", "-cpu", "rv64"], "ttyS0", ("satp", 0xFFFFFFFFFFF, 12), {"gdb", "qmp"}),
}
PROCESSORS = 2


def start(folder, machine, console):
    sockets = {name: f"{folder}/live-{name}.sock" for name in ("qmp", "qmp2", "gdb")}
    for path in sockets.values():
        if os.path.exists(path):
            os.unlink(path)
    process = subprocess.Popen(
        [*machine, "-machine", "virt", "-accel", "tcg", "-smp", str(PROCESSORS), "-m", "256M",
         "-kernel", folder + "/kernel", "-initrd", folder + "/initramfs.cpio",
         "-append", f"console={console} quiet panic=-1 secretmem.enable=1", "-nodefaults", "-display", "none", "-no-reboot",
         "-serial", f"file:{folder}/live.log", "-qmp", "unix:" + LISTEN.format(sockets["qmp"]),
         "-qmp", "unix:" + LISTEN.format(sockets["qmp2"]), "-gdb", "unix:" + LISTEN.format(sockets["gdb"])],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return process, sockets


def without_origin(text):
    """What is known of a space at once, by registers, is not looked for: in a dump of these machines are none."""
    return sorted(re.sub(r'"foundBy":"[^"]*"', '"foundBy":""', text).splitlines())


def compare(name, process, sockets, root, marking):
    monitor = Monitor(sockets["qmp"])
    sources = {"qmp": "qmp:" + sockets["qmp2"], "gdb": "gdb:" + sockets["gdb"], "pid": f"pid:{process.pid}"}
    end = time.time() + 300
    # The last one that is started.
    while '"titled"' not in run("spaces", sources["qmp"], "--json").stdout:
        if time.time() > end or process.poll() is not None:
            raise SystemExit(f"{name} has not started its processes; see live.log")
        time.sleep(2)
    check(monitor.is_running, f"{name}: to look at it has stopped it")
    monitor.run("stop")
    dump = f"{os.path.dirname(sockets['qmp'])}/live.elf"
    monitor.dump(dump)

    register, mask, shift = root
    debugger = boot.Debugger(sockets["gdb"])
    values = [debugger.read(register, cpu) for cpu in range(PROCESSORS)]
    debugger.connection.close()
    time.sleep(0.5)  # QEMU takes one client after the other
    running = {(value & mask) << shift for value in values}

    expected = run("spaces", dump, "--json").stdout
    processes = [str(space["pid"]) for space in records(expected) if space["pid"]]
    check(len(processes) > 20, f"{name}: the dump has {len(processes)} processes")
    for kind, source in sources.items():
        said = run("spaces", source, "--json")
        check(without_origin(said.stdout) == without_origin(expected), f"{name}, {kind}: spaces differ; {said.stderr.strip()}")
        spaces = records(said.stdout)
        marked = {int(space["root"], 16) for space in spaces if space["foundBy"].startswith("cpu ")}
        # A CPU that runs the kernel alone may have none of these.
        wanted = running & {int(space["root"], 16) for space in spaces} if kind in marking else set()
        check(marked >= wanted and marked - wanted <= {int(space["root"], 16) for space in spaces if not space["pid"]},
              f"{name}, {kind}: {sorted(map(hex, marked))} are marked, the CPUs have {sorted(map(hex, running))}")
        for space in ("kernel", *processes[:3]):
            same = run("map", source, "--space", space, "--json").stdout == run("map", dump, "--space", space, "--json").stdout
            check(same, f"{name}, {kind}: map of {space} differs from the dump's")
        check(not monitor.is_running, f"{name}, {kind}: left the guest running")
    os.unlink(dump)


for name, (machine, console, root, marking) in GUESTS.items():
    folder = os.path.join(os.path.abspath(work), name)
    if not os.path.exists(folder + "/initramfs.cpio"):
        print(f"other_live.py: {name} is not there: left out")
        continue
    process, sockets = start(folder, machine, console)
    try:
        compare(name, process, sockets, root, marking)
    finally:
        process.kill()
        process.wait()
checks.end()
