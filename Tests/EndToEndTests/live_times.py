#!/usr/bin/env python3
"""Measures how long a guest stands still for a moment, and how long a refresh takes until the screen shows it.

usage: live_times.py PROGRAM KERNEL WORK [REFRESHES]     default: 20 with few tables, 20 with many

How long it stands is what QEMU says: the time between its events STOP and RESUME, as another client of QMP gets them. The time to the
screen is from the key `r` to the last byte that the explorer writes for it.
"""

import fcntl
import json
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import time

sys.dont_write_bytecode = True
from live_guest import Checks, LiveGuest  # noqa: E402

program, kernel, work = sys.argv[1:4]
refreshes = int(sys.argv[4]) if len(sys.argv) > 4 else 20
checks = Checks("live_times.py", program)


def events(monitor):
    """The events that came until now: name and seconds."""
    monitor.run("query-status")
    found, monitor.events = monitor.events, []
    return found


def times_of_standing(found):
    stopped, times = None, []
    for name, seconds in found:
        if name == "STOP":
            stopped = seconds
        elif name == "RESUME" and stopped is not None:
            times.append((seconds - stopped) * 1000)
            stopped = None
    return times


class Explorer:
    def __init__(self, source, width=200, height=60):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
            os.execv(program, [program, "explore", "--no-state", source])
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def settle(self, quiet):
        """Reads until nothing has come for a while; the times at which something came."""
        times = []
        while select.select([self.terminal], [], [], quiet)[0]:
            try:
                os.read(self.terminal, 1 << 20)
            except OSError:  # the program has ended
                break
            times.append(time.monotonic())
        return times

    def press(self, key):
        os.write(self.terminal, key)
        return time.monotonic()

    def end(self):
        os.write(self.terminal, b"Q")
        self.settle(1)
        os.waitpid(self.pid, 0)


def row(what, times, unit="ms"):
    times = sorted(times)
    if checks.check(len(times) > 0, f"{what}: nothing was measured"):
        print(f"  {what}: median {statistics.median(times):.1f} {unit}, 95th percentile "
              f"{times[min(len(times) - 1, len(times) * 95 // 100)]:.1f}, most {times[-1]:.1f}, of {len(times)}", flush=True)


def measure(source):
    tables = len(checks.run("tables", source, "--json").stdout.splitlines())
    spaces = len(checks.run("spaces", source, "--json").stdout.splitlines())
    events(guest.monitor)
    print(f"{source.split(':')[0]}, {guest.ram}: {spaces} spaces, {tables} tables")
    standing = []
    for _ in range(refreshes):
        checks.run("capture", source, "-o", work + "/moment.elf", "--force")
        # The last stop of a command is that for its moment; those before are for the notes.
        standing += times_of_standing(events(guest.monitor))[-1:]
    row("a command: the guest stands for", standing)
    explorer = Explorer(source)
    explorer.settle(5)
    events(guest.monitor)
    standing, shown, keys = [], [], []
    for _ in range(refreshes):
        begin = explorer.press(b"r")
        times = explorer.settle(1.2)
        if times:
            shown.append((times[-1] - begin) * 1000)
        standing += times_of_standing(events(guest.monitor))[-1:]
    for _ in range(refreshes):
        # A key while a moment is being taken.
        explorer.press(b"r")
        time.sleep(0.003)
        begin = explorer.press(b"j")
        times = explorer.settle(1.2)
        keys.append((times[0] - begin) * 1000)
    row("a refresh: the guest stands for", standing)
    row("a refresh: until the screen shows it", shown)
    row("a key meanwhile: until the terminal has something", keys)
    explorer.end()


os.makedirs(work, exist_ok=True)
for ram in ("file", "plain"):
    guest = LiveGuest(kernel, work, ram=ram)
    try:
        guest.step("0")
        for step in ("c", "C"):
            guest.step(step)
            time.sleep(2)
            for kind in ("qmp", "gdb") if ram == "file" else ("qmp",):
                measure(guest.sources[kind])
    finally:
        guest.end()
checks.end()
