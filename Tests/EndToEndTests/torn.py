#!/usr/bin/env python3
"""Holds moments of a guest whose processes come and go all the time to dumps made in the same stop.

usage: torn.py PROGRAM KERNEL WORK [REFRESHES]     default: 5 of each kind

Between the program and QEMU stands a proxy: when the program lets the guest go on, it makes a dump first. So the dump is of the very
stop in which the moment was copied. Checked are, by QMP and by the gdbstub:
- captures, each with a scan of the guest while it runs: `diff` finds nothing between them and the dump, and the spaces of all processes,
  the number of their tables, and their `map` are the same;
- the explorer, which begins each moment with what it copied in the one before: its tree and its list of spaces are the dump's.
A process alone cannot be stopped: there it must go on, and say that what it shows may be torn.
"""

import array
import os
import re
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from live_guest import Checks, LiveGuest, Terminal, boot, records  # noqa: E402

program, kernel, work = sys.argv[1:4]
refreshes = int(sys.argv[4]) if len(sys.argv) > 4 else 5
checks = Checks("torn.py", program)
check, run = checks.check, checks.run
WIDTH, HEIGHT = 160, 90


class Proxy:
    """Passes on what is said, and makes a dump before the guest is let go."""

    def __init__(self, guest, target, letting_go):
        self.guest, self.target, self.letting_go = guest, target, letting_go
        self.path, self.dump, self.stops = f"{work}/proxy.sock", f"{work}/stop.elf", 0
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def end(self):
        """Returns when the last client's farewell was passed on: the dump that is made for it keeps QEMU from answering others."""
        self.server.shutdown(socket.SHUT_RDWR)
        self.thread.join(60)
        check(not self.thread.is_alive(), "the last client has not left after a minute")
        self.server.close()

    def serve(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            qemu = boot.connect(self.target)
            back = threading.Thread(target=self.pass_on, args=(qemu, client, None), daemon=True)
            back.start()
            self.pass_on(client, qemu, self.letting_go)
            back.join()

    def pass_on(self, giver, taker, letting_go):
        try:
            while True:
                descriptors = array.array("i")
                data, extra, _, _ = giver.recvmsg(1 << 20, socket.CMSG_SPACE(4))
                for _, _, content in extra:
                    descriptors.frombytes(content)
                if not data:
                    break
                if letting_go is not None and letting_go in data:
                    check(not self.guest.monitor.is_running, "the guest is let go and runs already")
                    self.guest.monitor.dump(self.dump)
                    self.stops += 1
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)] if descriptors else []
                sent = taker.sendmsg([data], rights)
                taker.sendall(data[sent:])
                for descriptor in descriptors:
                    os.close(descriptor)
        except OSError:
            pass
        for end in (giver, taker):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def pause(kind, command):
    """Leaves the processors to the comparison. A gdbstub's client must not see others stop the guest, and let it go."""
    if kind == "qmp":
        guest.monitor.run(command)


def compare_capture(number, kind, source, proxy):
    """A capture, which is scanned while the guest runs, is what the dump is."""
    stops, path = proxy.stops, work + "/moment.elf"
    captured = run("capture", source, "-o", path, "--force")
    where = f"{kind}, capture {number}"
    if not check(captured.returncode == 0 and proxy.stops > stops, f"{where}: {captured.stderr.strip()}"):
        return
    check(guest.monitor.comes_to(True), f"{where}: the guest stands still")
    pause(kind, "stop")
    difference = run("diff", path, proxy.dump, "--bits")
    check(difference.returncode == 0, f"{where}: differs from its dump: {difference.stdout[:600]}{difference.stderr[:200]}")
    said, expected = (owned_spaces(file) for file in (path, proxy.dump))
    check(said == expected and len(said) > 2, f"{where}: other spaces: {said} and not {expected}")
    for pid in [pid for pid, _, _ in said if pid]:
        said, expected = (run("map", file, "--space", str(pid), "--json").stdout for file in (path, proxy.dump))
        said, expected = (text.replace('"inDump":false', '"inDump":true') for text in (said, expected))
        if not check(said == expected and expected, f"{where}: the map of {pid} differs from the dump's"):
            print("\n".join(sorted(set(said.splitlines()) ^ set(expected.splitlines()))[:6]), file=sys.stderr)
    pause(kind, "cont")


def owned_spaces(file):
    """Process, root and the number of tables of each space that somebody owns. Roots that were given back are found by scanning all of
    memory only: as many as there were when the scan was, before the machine stood."""
    return sorted((record["pid"] or 0, record["root"], record["tables"]) for record in records(run("spaces", file, "--json").stdout)
                  if record["processes"])


def storm_pid(file):
    return min(record["pid"] for record in records(run("spaces", file, "--json").stdout) if record.get("name") == "steps_storm")


def tree_rows(screen):
    """The rows of the open space's tables, without the signs of changes, and without the side that tells of the selected row."""
    # What stands behind rights and bits is a remark.
    lines = [line[1:65].split("│")[0].rstrip() for line in screen.splitlines()[3:-2]]
    return [line for line in lines if re.match(r"\s+[▸▾]?\s*\d+ [0-9a-f]{8}_", line)]


def list_rows(screen):
    """Name, process, memory, root and the number of its own tables of each process. Whose memory is shared with how many depends on
    roots that nobody owns, too: see owned_spaces."""
    found = set()
    header = next((line for line in screen.splitlines() if " own tables " in line), "")
    # Which columns there are depends on what all spaces have.
    end = header.find("own tables") + len("own tables")
    for line in screen.splitlines():
        match = re.match(r"..(steps\S*) +(\d+) +([\d.]+[KM]?) .* (0x[0-9a-f]+) ", line)
        own = re.search(r"(\d+)$", line[:end])
        if match and own:
            found.add((*match.groups(), own[1]))
    return sorted(found)


def screens_of(file, storm):
    """The tree and the list, as the program shows them of a file."""
    path = work + "/screen.txt"
    texts = []
    for more in ("", ' "s"'):
        with open(work + "/keys", "w") as script:
            script.write(f"wait\n:goto {storm}:100000000000\nwait\n{more}\nwait\n:screenshot --force {path}\n:quit\n")
        shown = run("explore", file, "--headless", "--size", f"{WIDTH}x{HEIGHT}", "--script", work + "/keys")
        check(shown.returncode == 0, f"the explorer of a dump: {shown.stderr.strip()}")
        texts.append(open(path).read())
    return texts


def compare_explorer(kind, source, proxy, count):
    """Moment after moment in one explorer, each built upon the one before, is what the dump is."""
    terminal = Terminal(f"env LC_ALL=C.UTF-8 {program} explore --no-state --no-color {source}", WIDTH, HEIGHT)
    try:
        if not check(terminal.wait_for("moment 1 ", " steps_storm"), f"{kind}: the explorer shows no process:\n{terminal.text}"):
            return
        time.sleep(1)
        storm = storm_pid(proxy.dump)
        terminal.press("g")
        terminal.press("-l", f"{storm}:100000000000")
        terminal.press("Enter")
        check(terminal.wait_for("PT[0] -> frame"), f"{kind}: the explorer does not go there:\n{terminal.text}")
        for number in range(2, count + 2):
            stops = proxy.stops
            terminal.press("r")
            where = f"{kind}, moment {number}"
            if not check(terminal.wait_for(f"moment {number} "), f"{where}: does not come:\n{terminal.text}"):
                return
            check(proxy.stops > stops and guest.monitor.comes_to(True), f"{where}: stopped {proxy.stops - stops} times, and stands")
            pause(kind, "stop")
            # The same instant of a person's eye: nothing on the screen is still being looked up.
            tree = settled(terminal)
            terminal.press("s")
            check(terminal.wait_for("proportional"), f"{where}: no list")
            spaces = settled(terminal)
            terminal.press("q")
            expected = screens_of(proxy.dump, storm)
            for what, rows, said, wanted in (("the tree", tree_rows, tree, expected[0]), ("the list", list_rows, spaces, expected[1])):
                said, wanted = rows(said), rows(wanted)
                if not check(said == wanted and len(said) > 1, f"{where}: {what} differs from the dump's"):
                    print("\n".join(sorted(map(str, set(said) ^ set(wanted)))[:12]), file=sys.stderr)
            pause(kind, "cont")
    finally:
        terminal.press("Q")
        time.sleep(0.5)
        terminal.close()


def settled(terminal):
    """The screen as soon as it stays the same."""
    before, end = None, time.time() + 10
    while time.time() < end:
        text = terminal.text
        if text == before:
            return text
        before = text
        time.sleep(0.25)
    return before


def look_at_process(count):
    """By the process alone: no crash, no hang, and it says that a moment may be torn."""
    source = guest.sources["pid"]
    script = work + "/keys"
    screen = work + "/torn.txt"
    with open(script, "w") as file:
        file.write("wait\n" + "r\nwait\n" * count + f":screenshot --force {screen}\n:quit\n")
    shown = run("explore", source, "--headless", "--size", "160x40", "--script", script, seconds=60 + 5 * count)
    check(shown.returncode == 0, f"pid: the explorer ended with {shown.returncode}: {shown.stderr.strip()}")
    text = open(screen).read() if os.path.exists(screen) else ""
    check(f"moment {count + 1} " in text and "may be torn" in text, f"pid: {text[:300]}")
    for number in range(count):
        for command in (["spaces"], ["map", "--space", "steps_storm"], ["tables"], ["capture", "-o", work + "/torn.elf", "--force"]):
            said = run(command[0], source, *command[1:])
            # A process may have gone before its table was read; but nothing may trap, or find no space at all.
            check(said.returncode == 0, f"pid, {number}: {command[0]} ended with {said.returncode}: {said.stderr.strip()[:200]}")
    check(guest.monitor.comes_to(True), "pid: the guest stands still")


os.makedirs(work, exist_ok=True)
guest = LiveGuest(kernel, work, processors=2)
try:
    guest.step("0")
    guest.step("s")
    for kind, letting_go in (("qmp", b'"execute":"cont"'), ("gdb", b"$c#63")):
        proxy = Proxy(guest, guest.sources[kind].split(":", 1)[1], letting_go)
        source = f"{kind}:{proxy.path}"
        begin = time.monotonic()
        for number in range(refreshes):
            compare_capture(number + 1, kind, source, proxy)
        compare_explorer(kind, source, proxy, refreshes)
        print(f"torn.py: {kind}: {refreshes} captures, {refreshes} refreshes, {time.monotonic() - begin:.0f} s", flush=True)
        proxy.end()
    look_at_process(refreshes)
finally:
    guest.end()
checks.end()
