/// The Python file that gdb reads: the command `pw`.
enum GdbScript {
  /// - Parameter program: the path of this program.
  static func text(program: String) -> String {
    let quoted = program.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    return source.replacing("@PROGRAM@", with: quoted)
  }

  private static let source = #"""
    # pagewalk beside gdb: "source" this file, or put that line into .gdbinit.
    import glob
    import os
    import re
    import select
    import shlex
    import socket
    import subprocess

    import gdb

    PROGRAM = "@PROGRAM@"


    class PageWalk(gdb.Command):
        """Show the page tables of the QEMU or KVM guest that gdb debugs.

    pw [EXPR]     open the explorer at an address (default: $pc), in the space that this CPU runs
    pw -p [EXPR]  print the walk of the address
    pw -t [EXPR]  open the explorer in a tmux split, where it refreshes by itself: each step shows what it changed"""

        def __init__(self, name):
            super().__init__(name, gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)
            self.pane = ""

        def invoke(self, text, from_tty):
            # An empty line in gdb would do it once more, and put another explorer in place of this one.
            self.dont_repeat()
            option, _, rest = text.strip().partition(" ")
            if option not in ("-p", "-t"):
                if re.fullmatch("-[A-Za-z]+", option):
                    raise gdb.GdbError("pw: no option %s; there are -p, to print the walk, and -t, for a tmux split" % option)
                option, rest = "", text
            if not gdb.selected_inferior().pid:
                raise gdb.GdbError("pw: gdb debugs no guest now; connect it first, by 'target remote'")
            place = address(rest.strip() or "$pc")
            try:
                source = guest()
            except gdb.GdbError as error:
                if option == "-t":
                    raise
                # On another machine: all that is read goes through gdb's connection.
                gdb.write("%s; its memory is read through gdb's connection\n" % error)
                source = None
            # What gdb has no number for is a symbol of the guest's kernel, which AArch64 has in a space of its own.
            is_symbol = not place.startswith("0x")
            root, obstacle = table_root(0 if is_symbol else int(place, 16))
            space = "kernel" if is_symbol and register("TTBR0_EL1") is not None else "%#x" % root
            goal = ["--space", space] if not obstacle else []
            if obstacle:
                # Right after the start there are no tables: the explorer waits for them.
                gdb.write("paging is off on this CPU (%s): it uses no page tables yet\n" % obstacle)
            if option == "-p":
                if goal:
                    gdb.write(run("translate", source, goal + [place], subprocess.PIPE) or "")
                return
            beginning = goal + ["--goto", place] if goal else []
            if option == "":
                run("explore", source, beginning, None)
                return
            going = ":goto " + ":".join(beginning[1::2])
            if "TMUX" not in os.environ:
                raise gdb.GdbError("pw -t: gdb does not run in tmux; pw opens the explorer in gdb's place")
            # To watch comes first: an address that leads nowhere ends the script.
            lines = [":watch 0.5"] + (["wait", going] if beginning else [])
            words = ["printf", "%s\\n"] + lines, [PROGRAM, "explore", source, "--script", "-"]
            command = " | ".join(" ".join(shlex.quote(word) for word in part) for part in words)
            panes = tmux("list-panes", "-a", "-F", "#{pane_id}").split()
            if self.pane in panes:
                # The explorer that is there goes there: what it keeps stays.
                tmux("send-keys", "-t", self.pane, "Escape")
                tmux("send-keys", "-t", self.pane, "-l", going if beginning else ":refresh")
                tmux("send-keys", "-t", self.pane, "Enter")
            else:
                # Beside gdb, whichever window is shown; below it where two would be too narrow.
                own = os.environ.get("TMUX_PANE")
                target = ["-t", own] if own else []
                width = int(tmux("display-message", *target, "-p", "#{pane_width}"))
                self.pane = tmux(
                    "split-window", *target, "-h" if width >= 160 else "-v", "-d", "-P", "-F", "#{pane_id}", "sh", "-c",
                    command).strip()


    def run(command, source, options, output):
        """Runs pagewalk in gdb's place; gives what it wrote to a pipe."""
        relay = None if source else Relay()
        program = subprocess.Popen(
            [PROGRAM, command, source or relay.source] + options, stdout=output,
            stderr=output and subprocess.STDOUT, universal_newlines=True)
        if relay:
            relay.serve(program)
        return program.communicate()[0]


    class Relay:
        """A gdbstub that passes on what it is asked, by gdb's own connection. The guest stands still meanwhile."""

        def __init__(self):
            self.connection = gdb.selected_inferior().connection
            if not hasattr(self.connection, "send_packet"):
                raise gdb.GdbError("pw: this needs a connection to a stub, and gdb 12 or later")
            self.server = socket.create_server(("127.0.0.1", 0))
            self.source = "gdb:127.0.0.1:%d" % self.server.getsockname()[1]
            self.is_physical = False

        def serve(self, program):
            client, data, acknowledges = None, b"", True
            try:
                while program.poll() is None:
                    if not select.select([client or self.server], [], [], 0.1)[0]:
                        continue
                    if client is None:
                        client = self.server.accept()[0]
                        continue
                    more = client.recv(1 << 16)
                    if not more:
                        client.close()
                        client, data, acknowledges = None, b"", True
                        continue
                    data += more
                    while True:
                        data = data.lstrip(b"+-")
                        if data[:1] == b"\x03":
                            data = data[1:]
                            client.sendall(packet(b"T02thread:01;"))
                            continue
                        end = data.find(b"#")
                        if end < 0 or len(data) < end + 3:
                            break
                        request, data = data[1:end], data[end + 3:]
                        if acknowledges:
                            client.sendall(b"+")
                        acknowledges = acknowledges and request != b"QStartNoAckMode"
                        for answer in self.answers(request):
                            client.sendall(packet(answer))
            except OSError:
                pass
            finally:
                if client:
                    client.close()
                self.server.close()
                if self.is_physical:
                    self.connection.send_packet(b"Qqemu.PhyMemMode:0")

        def answers(self, request):
            if request == b"c":
                return []
            if request == b"QStartNoAckMode" or request.startswith(b"D"):
                return [b"OK"]
            if request.startswith(b"qRcmd,"):
                command = bytes.fromhex(request[6:].decode()).decode()
                try:
                    text = gdb.execute("monitor " + command, to_string=True)
                except gdb.error as error:
                    text = str(error)
                digits = text.encode().hex().encode()
                return [b"O" + digits[at:at + 4000] for at in range(0, len(digits), 4000)] + [b"OK"]
            if request.startswith(b"Qqemu.PhyMemMode:"):
                self.is_physical = request.endswith(b"1")
            return [self.connection.send_packet(request) or b""]


    def packet(payload):
        return b"$" + payload + b"#%02x" % (sum(payload) & 0xFF)


    def tmux(*words):
        return subprocess.run(
            ("tmux",) + words, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout


    def register(name):
        """None where this machine has no such register, or the stub does not tell it."""
        try:
            value = gdb.parse_and_eval("$" + name)
            return None if value.type.code == gdb.TYPE_CODE_VOID else int(value) & 0xFFFFFFFFFFFFFFFF
        except gdb.error:
            return None


    def table_root(va):
        """Where the tables begin by which this CPU translates an address, and, where it translates none, the register that says so."""
        cr0, cr3, satp, lower = register("cr0"), register("cr3"), register("satp"), register("TTBR0_EL1")
        if cr3 is not None:
            is_pae = (register("cr4") or 0) >> 5 & 1 and not (register("efer") or 0) >> 10 & 1
            mask = 0xFFFFFFE0 if is_pae else 0x000FFFFFFFFFF000
            return cr3 & mask, "" if cr0 is None or cr0 >> 31 & 1 else "CR0.PG"
        if lower is not None:
            root = register("TTBR1_EL1") or 0 if va >> 55 & 1 else lower
            # With 52-bit addresses, bits 5:2 are the address' highest.
            control = register("TCR_EL1") or 0
            is_wide = control >> 59 & 1 or control >> 32 & 7 == 6
            root = root & 0x0000FFFFFFFFFFC0 | (root >> 2 & 0xF) << 48 if is_wide else root & 0x0000FFFFFFFFFFFE
            return root, "" if (register("SCTLR") or register("SCTLR_EL1") or 1) & 1 else "SCTLR_EL1.M"
        if satp is not None:
            if satp >> 32:
                return (satp & 0xFFFFFFFFFFF) << 12, "" if satp >> 60 else "satp.MODE"
            return (satp & 0x3FFFFF) << 12, "" if satp >> 31 else "satp.MODE"
        raise gdb.GdbError("pw: this connection tells none of cr3, TTBR0_EL1 and satp; is it a QEMU or KVM guest?")


    def address(expression):
        """The value of an expression; what gdb has no symbol for, pagewalk may know by the guest's own."""
        try:
            return "%#x" % number(expression)
        except gdb.GdbError:
            if re.fullmatch(r"[a-z][a-z0-9]*", expression) and register(expression) is not None:
                return "%#x" % register(expression)
            if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*(\+(0x)?[0-9a-fA-F]+)?", expression):
                return expression
            raise


    def number(expression):
        try:
            value = gdb.parse_and_eval(expression)
            if value.type.strip_typedefs().code == gdb.TYPE_CODE_FUNC:
                value = value.address
            return int(value) & 0xFFFFFFFFFFFFFFFF
        except gdb.error as error:
            raise gdb.GdbError("pw: %s: %s" % (expression, error))


    def guest():
        """The process of the guest: the one that holds the other end of gdb's connection, or the only one there is."""
        connection = getattr(gdb.selected_inferior(), "connection", None)
        details = getattr(connection, "details", None) or ""
        host = details.rsplit(":", 1)[0].split("/")[-1] if ":" in details else ""
        if host not in ("", "tcp", "tcp:", "localhost", "tcp:localhost", "127.0.0.1", "tcp:127.0.0.1", "[::1]", socket.gethostname()):
            raise gdb.GdbError("pw: the guest is on %s" % host)
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    words = file.read().decode(errors="replace").split("\0")
            except OSError:
                continue
            if words and "qemu" in os.path.basename(words[0]):
                found.append((path.split("/")[2], words))
        place = details.rsplit(":", 1)[-1] if details else ""
        named = [pid for pid, words in found if place and any(place in word for word in words)]
        if not named and place == "1234":
            named = [pid for pid, words in found if "-s" in words]
        chosen = named or [pid for pid, _ in found]
        if len(chosen) != 1:
            raise gdb.GdbError(
                "pw: %s"
                % ("no QEMU process found" if not chosen else "several QEMU processes: " + ", ".join(chosen)))
        return "pid:" + chosen[0]


    PageWalk("pw")
    # gef and pwndbg have a command of the long name.
    try:
        gdb.execute("help pagewalk", to_string=True)
    except gdb.error:
        PageWalk("pagewalk")
    """#
}
