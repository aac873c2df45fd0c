#!/usr/bin/env python3
"""Holds what the program says of a machine that runs to the machine itself.

usage: live.py PROGRAM KERNEL WORK

Boots a guest (Samples/live/steps.c) that changes its page tables one step at a time. Checked are:
- a guest that stands still: commands through QMP, the gdbstub and the process say the same, as JSON, as of its dump;
- a guest that runs: what `diff` says from one moment to the next is what its own pagemaps say;
- it runs, or stands, as before, after every way out;
- `spaces --watch` marks the process that comes and the one that goes, and leaves the guest as it was when a signal ends it.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time

program, kernel, work = sys.argv[1:4]
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here + "/../../Samples")
sys.dont_write_bytecode = True
import boot  # noqa: E402

os.makedirs(work + "/root", exist_ok=True)
problems = checks = 0


def check(is_right, text):
    global problems, checks
    checks += 1
    if not is_right:
        problems += 1
        print("live.py: " + text, file=sys.stderr)


def run(*arguments):
    return subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


subprocess.run(
    ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", work + "/root/init", here + "/../../Samples/live/steps.c"],
    check=True)
with open(work + "/initramfs.cpio", "wb") as archive:
    subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], input=b"init\n", cwd=work + "/root", stdout=archive, check=True)
sockets = {name: f"{work}/{name}.sock" for name in ("steps", "qmp", "qmp2", "gdb")}
for path in sockets.values():
    if os.path.exists(path):
        os.unlink(path)
listen = "{},server=on,wait=off"
qemu = subprocess.Popen(
    ["qemu-system-x86_64", "-machine", "q35,memory-backend=ram", "-accel", "tcg", "-cpu", "max,la57=off", "-m", "256M",
     "-object", f"memory-backend-file,id=ram,size=256M,share=on,mem-path={work}/ram", "-device", "vmcoreinfo", "-kernel", kernel,
     "-initrd", work + "/initramfs.cpio", "-append", "console=ttyS0 panic=-1", "-nodefaults", "-display", "none", "-no-reboot",
     "-serial", f"file:{work}/serial.log", "-chardev", f"socket,id=steps,path=" + listen.format(sockets["steps"]),
     "-serial", "chardev:steps", "-qmp", "unix:" + listen.format(sockets["qmp"]), "-qmp", "unix:" + listen.format(sockets["qmp2"]),
     "-gdb", "unix:" + listen.format(sockets["gdb"])],
    stdin=subprocess.DEVNULL, stderr=open(work + "/qemu.log", "w"))


class Machine(boot.Monitor):
    @property
    def is_running(self):
        return self.run("query-status")["running"]


def answer(stream, end):
    lines = []
    for line in stream:
        if line.strip() == end:
            return lines
        lines.append(line.split())
    raise SystemExit("live.py: the guest ended")


def pages(lines):
    return {(int(p), int(va, 16)): (int(frame, 16), kind) for _, p, va, frame, kind, _ in (x for x in lines if x and x[0] == "page")}


def compare_standing():
    """Every way to the guest's memory says what its dump says."""
    monitor.run("stop")
    if os.path.exists(work + "/dump.elf"):
        os.unlink(work + "/dump.elf")
    monitor.run("dump-guest-memory", paging=False, protocol=f"file:{work}/dump.elf")
    sources = ["qmp:" + sockets["qmp2"], "gdb:" + sockets["gdb"], f"pid:{qemu.pid}"]
    for command in (["spaces"], ["map", "--space", "steps"], ["tables"], ["mirrors"]):
        dumped = run(command[0], work + "/dump.elf", *command[1:], "--json").stdout
        for source in sources:
            said = run(command[0], source, *command[1:], "--json")
            expected = dumped
            if source.startswith("pid:"):
                # A process has no registers: which space a CPU runs is not known.
                said.stdout = re.sub(r'"foundBy":"task list"', '"foundBy":"cpu 0"', said.stdout)
                expected = re.sub(r'"foundBy":"task list"', '"foundBy":"cpu 0"', expected)
                said.stdout, expected = ("".join(sorted(x.splitlines())) for x in (said.stdout, expected))
                if command[0] == "mirrors":
                    continue
            check(dumped and said.stdout == expected, f"{source}: {command[0]} differs from the dump's; {said.stderr.strip()}")
            check(not monitor.is_running, f"{source}: {command[0]} left the guest running")
    monitor.run("cont")


def step(number):
    """One step, seen by the program from moment to moment, while the guest runs."""
    global before
    source = "qmp:" + sockets["qmp2"]
    old = work + "/old.elf"
    capture = run("capture", source, "-o", old, "--force")
    check(capture.returncode == 0, f"step {number}: capture: {capture.stderr.strip()}")
    port.write(str(number))
    port.flush()
    after = pages(answer(port, "done"))
    result = run("diff", old, source, "--json")
    check(result.returncode == 1, f"step {number}: diff ended with {result.returncode}: {result.stderr.strip()}")
    check(monitor.is_running, f"step {number}: the guest stands still")
    said, spaces = set(), {}
    for line in result.stdout.splitlines():
        record = json.loads(line)
        if record["change"].startswith("space-"):
            spaces[record["pid"]] = record["change"]
        elif record["spaceName"] == "steps" and int(record["va"], 16) >> 47 == 0 and record["change"] not in ("access", "bits"):
            for va in range(int(record["va"], 16), int(record["va"], 16) + record["length"], 4096):
                said.add(va)
    # The guest's own stack and buffers may move on between its report and the moment: only the regions of the steps count.
    wanted = {va for (pid, va) in before.keys() | after.keys() if pid == 1 and before.get((pid, va)) != after.get((pid, va)) and va < 0x7f0000000000 and va >= 0x100000000000}
    said = {va for va in said if 0x100000000000 <= va < 0x7f0000000000}
    check(said == wanted, f"step {number}: pages {sorted(map(hex, said ^ wanted))[:4]} differ, of {len(wanted)}")
    came = {pid for pid, _ in after} - {pid for pid, _ in before}
    went = {pid for pid, _ in before} - {pid for pid, _ in after}
    expected = {pid: "space-added" for pid in came} | {pid: "space-removed" for pid in went}
    check(spaces == expected, f"step {number}: spaces {spaces}, not {expected}")
    before = after


def leave(kind, source, is_running):
    """The explorer ends by a signal, or by its key, and leaves the guest as it was."""
    monitor.run("cont" if is_running else "stop")
    name = "pagewalk-live-%d" % os.getpid()
    subprocess.run(["tmux", "-L", name, "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30",
                    f"{program} explore --no-state {source}"], check=True)
    pane = lambda: subprocess.run(["tmux", "-L", name, "capture-pane", "-p"], capture_output=True, text=True).stdout
    end = time.time() + 60
    while "kernel half" not in pane() and " steps 1 " not in pane() and time.time() < end:
        time.sleep(0.2)
    check(" steps 1 " in pane(), f"{source}: the explorer shows no process:\n{pane()}")
    check(monitor.is_running == is_running, f"{source}: the explorer changed whether the guest runs")
    subprocess.run(["tmux", "-L", name, "send-keys", "r"])
    time.sleep(3)
    check("moment 2" in pane(), f"{source}: no second moment:\n{pane()}")
    process = int(subprocess.run(["tmux", "-L", name, "display", "-p", "#{pane_pid}"], capture_output=True, text=True).stdout)
    if kind is None:
        subprocess.run(["tmux", "-L", name, "send-keys", "Q"])
    else:
        os.kill(process, kind)
    time.sleep(2)
    subprocess.run(["tmux", "-L", name, "kill-server"], stderr=subprocess.DEVNULL)
    check(monitor.is_running == is_running, f"{source}: after {kind} the guest {'stands' if is_running else 'runs'}")


def do(number):
    port.write(str(number))
    port.flush()
    return pages(answer(port, "done"))


def watch(source):
    """The table of spaces again and again, while a process comes and goes; then an interrupt ends it."""
    output = work + "/watched.jsonl"
    watching = subprocess.Popen(
        [program, "spaces", source, "--watch", "0.3", "--json"], stdin=subprocess.DEVNULL, stdout=open(output, "w"), stderr=subprocess.PIPE,
        text=True)
    records = lambda: [json.loads(x) for x in open(output).read().splitlines(keepends=True) if x.endswith("\n")]

    def await_more(count):
        seen, end = max([x["moment"] for x in records()], default=0), time.time() + 60
        while max([x["moment"] for x in records()], default=0) < seen + count and time.time() < end:
            time.sleep(0.1)

    await_more(2)
    came = {pid for pid, _ in do(5)} - {1}
    await_more(2)
    do(7)
    await_more(2)
    watching.send_signal(signal.SIGINT)
    errors = watching.communicate(timeout=60)[1]
    check(watching.returncode == -signal.SIGINT, f"{source}: --watch ended with {watching.returncode}: {errors.strip()}")
    check(monitor.is_running, f"{source}: --watch left the guest standing")
    for change in ("new", "gone"):
        pids = [x["pid"] for x in records() if x.get("change") == change]
        check(set(pids) == came and len(pids) == 1, f"{source}: --watch: {change} {pids}, not {came}")


try:
    monitor = Machine(sockets["qmp"])
    port = boot.connect(sockets["steps"]).makefile("rw")
    answer(port, "ready")
    port.write("0")
    port.flush()
    before = pages(answer(port, "done"))
    check(len(before) > 64, "the guest reports too few pages")
    compare_standing()
    for number in range(1, 9):
        step(number)
    for source in ("qmp:" + sockets["qmp2"], "gdb:" + sockets["gdb"], f"pid:{qemu.pid}"):
        watch(source)
    for source in ("qmp:" + sockets["qmp2"], "gdb:" + sockets["gdb"]):
        for is_running in (True, False):
            for kind in (None, signal.SIGTERM, signal.SIGHUP):
                leave(kind, source, is_running)
finally:
    qemu.kill()
    qemu.wait()
print(f"live.py: {checks} checks, {problems} problems")
sys.exit(1 if problems else 0)
