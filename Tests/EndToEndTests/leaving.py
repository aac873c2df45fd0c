#!/usr/bin/env python3
"""Every way out of the program leaves a guest as it was found.

usage: leaving.py PROGRAM KERNEL WORK [qmp|gdb]

The explorer and a command are ended by key, by signals, SIGKILL among them, and by closing the terminal: while they wait, and in the
very milliseconds in which the guest stands still for a moment (as soon as another client of QMP hears the event STOP). Afterwards
that client says whether the guest runs as before, and gdb reads the same bytes of the kernel as before: not so if the stub is still in
the mode in which addresses are physical ones.
"""

import os
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from live_guest import Checks, LiveGuest, Terminal  # noqa: E402

program, kernel, work = sys.argv[1:4]
checks = Checks("leaving.py", program)
check = checks.check
CLOSED = "closed terminal"
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGSEGV, signal.SIGILL, signal.SIGKILL]


def kernel_bytes():
    """What gdb reads of the kernel's code. It lets the guest run afterwards."""
    text = subprocess.run(
        ["gdb", "-nx", "-batch", "-ex", "set architecture i386:x86-64", "-ex", "target remote " + guest.sockets["gdb"],
         "-ex", f"x/16xb {code:#x}", "-ex", "detach"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60).stdout
    return re.findall(r"\t(0x[0-9a-f]{2})", text)


def look_afterwards(what, is_running):
    check(guest.monitor.comes_to(is_running), f"{what}: the guest {'stands' if is_running else 'runs'}")
    check(kernel_bytes() == code_bytes, f"{what}: gdb reads other bytes of the kernel")
    guest.monitor.run("cont")


def forget_stops():
    guest.monitor.run("query-status")
    guest.monitor.events.clear()


def stops(count=1, seconds=10):
    """Whether the guest is stopped so often in time; comes back at once then."""
    end = time.time() + seconds
    while time.time() < end:
        guest.monitor.run("query-status")
        if sum(name == "STOP" for name, _ in guest.monitor.events) >= count:
            return True
    return False


def leave_explorer(source, way, is_running, in_moment):
    what = f"{source.split(':')[0]}, explorer, {way}, {'runs' if is_running else 'stands'}{', in a moment' if in_moment else ''}"
    guest.monitor.run("cont" if is_running else "stop")
    terminal = Terminal(f"{program} explore --no-state {source}")
    try:
        if not check(terminal.wait_for(" steps 1 "), f"{what}: the explorer shows no process:\n{terminal.text}"):
            return
        check(guest.monitor.is_running == is_running, f"{what}: the explorer changed whether the guest runs")
        time.sleep(0.3)
        forget_stops()
        if in_moment:
            # On a busy machine a moment may be over before anybody looks.
            for _ in range(3):
                terminal.press("r")
                if stops(seconds=4):
                    break
            else:
                check(False, f"{what}: no moment is taken:\n{terminal.text}")
        if way is None:
            terminal.press("Q")
        elif way == CLOSED:
            terminal.close()
        else:
            os.kill(terminal.pid, way)
        end = time.time() + 5
        while os.path.exists(f"/proc/{terminal.pid}") and time.time() < end:
            time.sleep(0.02)
            if way == signal.SIGINT and in_moment and time.time() > end - 4:
                # As the key Ctrl-c, it ends what is being done first.
                terminal.press("C-c")
        check(not os.path.exists(f"/proc/{terminal.pid}"), f"{what}: still there after 5 seconds")
    finally:
        terminal.close()
    look_afterwards(what, is_running)


def capture(source):
    return subprocess.Popen(
        [program, "capture", source, "-o", work + "/moment.elf", "--force"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)


def stops_of_command(source):
    forget_stops()
    check(capture(source).wait() == 0, f"{source}: no capture")
    stops(count=1000, seconds=0.2)
    return sum(name == "STOP" for name, _ in guest.monitor.events)


def leave_command(source, way, number):
    """In one of its stops: the first, by a stub, is that of connecting; one of the last is that of the moment."""
    what = f"{source.split(':')[0]}, capture, {way}, stop {number}"
    forget_stops()
    command = capture(source)
    # How often it stops the guest differs by one or two: then it has ended by itself.
    stops(number, seconds=5)
    command.send_signal(way)
    command.wait()
    look_afterwards(what, True)


os.makedirs(work, exist_ok=True)
guest = LiveGuest(kernel, work)
try:
    guest.step("0")
    monitor = guest.monitor
    # Where the kernel waits for work.
    code = 0
    while code >> 47 != 0x1ffff:
        code = int(re.search(r"RIP=([0-9a-f]+)", monitor.human("info registers", 0))[1], 16)
    code_bytes = kernel_bytes()
    check(len(code_bytes) == 16 and set(code_bytes) != {"0x00"}, f"gdb reads nothing: {code_bytes}")
    for kind in sys.argv[4:] or ("qmp", "gdb"):
        source = guest.sources[kind]
        for way in [None, CLOSED, *SIGNALS]:
            leave_explorer(source, way, True, False)
            leave_explorer(source, way, False, False)
            if way is not None:
                leave_explorer(source, way, True, True)
        count = stops_of_command(source)
        check(count > 0, f"{kind}: a capture without a stop")
        for way in SIGNALS:
            for number in {1, max(1, count - 1), count}:
                leave_command(source, way, number)
        print(f"leaving.py: {kind}: a capture stops the guest {count} times", flush=True)
finally:
    guest.end()
checks.end()
