"""A guest that runs (Samples/live/steps.c), and the program in a terminal of its own: what the tests of machines that run have in common."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

here = os.path.dirname(os.path.abspath(__file__))
samples = here + "/../../Samples"
sys.path.insert(0, samples)
import boot  # noqa: E402

# A shell that runs this in the background has the interrupt ignored, and so would have the program.
signal.signal(signal.SIGINT, signal.default_int_handler)

LISTEN = "{},server=on,wait=off"


def initramfs(work, root):
    """Packs a folder."""
    names = subprocess.run(["find", "."], cwd=root, capture_output=True, check=True).stdout
    path = work + "/initramfs.cpio"
    with open(path, "wb") as archive:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], input=names, cwd=root, stdout=archive, check=True)
    return path


class Monitor(boot.Monitor):
    """May be used from several threads."""

    def __init__(self, path):
        self.lock = threading.RLock()
        self.events = []
        super().__init__(path)

    def run(self, command, **arguments):
        """As the one of boot.py, but that events are kept: their names, and when they were, in seconds."""
        with self.lock:
            print(json.dumps({"execute": command, "arguments": arguments}), file=self.stream, flush=True)
            for line in self.stream:
                answer = json.loads(line)
                if "event" in answer:
                    when = answer["timestamp"]
                    self.events.append((answer["event"], when["seconds"] + when["microseconds"] / 1e6))
                elif "error" in answer:
                    raise SystemExit(f"{command}: {answer['error']['desc']}")
                else:
                    return answer["return"]
            raise SystemExit(f"QEMU ended during {command}")

    @property
    def is_running(self):
        return self.run("query-status")["running"]

    def comes_to(self, is_running, seconds=3):
        """Whether it runs, or stands, in time."""
        end = time.time() + seconds
        while self.is_running != is_running and time.time() < end:
            time.sleep(0.02)
        return self.is_running == is_running

    def dump(self, path):
        if os.path.exists(path):
            os.unlink(path)
        self.run("dump-guest-memory", paging=False, protocol="file:" + path)


class LiveGuest:
    """The guest, its memory in a file that others can map ("file"), or as QEMU has it by itself ("plain")."""

    def __init__(self, kernel, work, ram="file", processors=1):
        os.makedirs(work + "/root", exist_ok=True)
        self.work, self.ram = work, ram
        subprocess.run(
            ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", work + "/root/init", samples + "/live/steps.c"],
            check=True)
        self.sockets = {name: f"{work}/{name}.sock" for name in ("steps", "qmp", "qmp2", "gdb")}
        for path in self.sockets.values():
            if os.path.exists(path):
                os.unlink(path)
        backend = ["-machine", "q35"] if ram == "plain" else [
            "-machine", "q35,memory-backend=ram", "-object", f"memory-backend-file,id=ram,size=256M,share=on,mem-path={work}/ram"]
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", *backend, "-accel", "tcg", "-cpu", "max,la57=off", "-smp", str(processors), "-m", "256M",
             "-device", "vmcoreinfo", "-kernel", kernel, "-initrd", initramfs(work, work + "/root"),
             "-append", "console=ttyS0 panic=-1", "-nodefaults", "-display", "none", "-no-reboot",
             "-serial", f"file:{work}/serial.log", "-chardev", "socket,id=steps,path=" + LISTEN.format(self.sockets["steps"]),
             "-serial", "chardev:steps", "-qmp", "unix:" + LISTEN.format(self.sockets["qmp"]),
             "-qmp", "unix:" + LISTEN.format(self.sockets["qmp2"]), "-gdb", "unix:" + LISTEN.format(self.sockets["gdb"])],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(work + "/qemu.log", "w"))
        try:
            self.monitor = Monitor(self.sockets["qmp"])
            self.port = boot.connect(self.sockets["steps"]).makefile("rw")
            self.answer("ready")
        except BaseException:
            self.end()
            raise

    @property
    def sources(self):
        """The ways to it, by their names."""
        return {"qmp": "qmp:" + self.sockets["qmp2"], "gdb": "gdb:" + self.sockets["gdb"], "pid": f"pid:{self.process.pid}"}

    def answer(self, end):
        """The lines of the guest until that one, as words."""
        lines = []
        for line in self.port:
            if line.strip() == end:
                return lines
            lines.append(line.split())
        raise SystemExit("the guest ended; see serial.log and qemu.log")

    def step(self, letter):
        """Does a step; gives the pages of its processes after it: {(pid, va): (frame, kind)}."""
        self.port.write(letter)
        self.port.flush()
        return {(int(line[1]), int(line[2], 16)): (int(line[3], 16), line[4])
                for line in self.answer("done") if line and line[0] == "page"}

    def end(self):
        self.process.kill()
        self.process.wait()


class Terminal:
    """A program in a tmux of its own."""

    def __init__(self, command, width=100, height=30):
        self.name = f"pagewalk-live-{os.getpid()}-{id(self)}"
        self.tmux("new-session", "-d", "-x", str(width), "-y", str(height), command, check=True)
        self.pid = int(self.tmux("display", "-p", "#{pane_pid}", check=True).stdout)

    def tmux(self, *words, check=False):
        return subprocess.run(["tmux", "-L", self.name, "-f", "/dev/null", *words], capture_output=True, text=True, check=check)

    @property
    def text(self):
        return self.tmux("capture-pane", "-p").stdout

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def wait_for(self, *texts, seconds=60):
        """Whether one of the texts appears in time."""
        end = time.time() + seconds
        while time.time() < end:
            screen = self.text
            if any(text in screen for text in texts):
                return True
            time.sleep(0.1)
        return False

    def close(self):
        """As a person closes the window."""
        self.tmux("kill-server")


class Checks:
    def __init__(self, name, program):
        self.name, self.program = name, program
        self.count = self.problems = 0

    def check(self, is_right, text):
        self.count += 1
        if not is_right:
            self.problems += 1
            print(f"{self.name}: {text}", file=sys.stderr, flush=True)
        return is_right

    def run(self, *arguments, seconds=120):
        return subprocess.run(
            [self.program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)

    def end(self):
        print(f"{self.name}: {self.count} checks, {self.problems} problems")
        sys.exit(1 if self.problems else 0)


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def without_registers(text):
    """A process alone has no registers: which space a CPU runs is not known, and what is known comes in another order."""
    return sorted(re.sub(r'"foundBy":"cpu \d+"', '"foundBy":"task list"', text).splitlines())
