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
    import shlex
    import subprocess

    import gdb

    PROGRAM = "@PROGRAM@"


    class PageWalk(gdb.Command):
        """Show the page tables of the QEMU or KVM guest that gdb debugs.

    pw [EXPR]     open the explorer at an address (default: $pc), in the space of $cr3
    pw -p [EXPR]  print the walk of the address
    pw -t [EXPR]  open the explorer in a tmux split, where it refreshes by itself: each step shows what it changed"""

        def __init__(self, name):
            super().__init__(name, gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)
            self.pane = ""

        def invoke(self, text, from_tty):
            option, _, rest = text.strip().partition(" ")
            if option not in ("-p", "-t"):
                option, rest = "", text
            place = address(rest.strip() or "$pc")
            source = guest()
            goal = ["--space", "%#x" % (number("$cr3") & 0x000FFFFFFFFFF000)]
            if not has_paging():
                # Right after the start there are no tables: the explorer waits for them.
                gdb.write("paging is off on this CPU (CR0.PG): it uses no page tables yet\n")
                goal = []
            if option == "-p":
                if goal:
                    result = subprocess.run(
                        [PROGRAM, "translate", source] + goal + [place],
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
                    gdb.write(result.stdout)
                return
            explore = [PROGRAM, "explore", source] + (goal + ["--goto", place] if goal else [])
            if option == "":
                subprocess.run(explore)
                return
            if "TMUX" not in os.environ:
                raise gdb.GdbError("pw -t: gdb does not run in tmux; pw opens the explorer in gdb's place")
            words = " ".join(shlex.quote(word) for word in explore)
            command = "echo ':watch 0.5' | " + words + " --script -"
            # A second one takes the place of the first.
            panes = tmux("list-panes", "-a", "-F", "#{pane_id}").split()
            if self.pane in panes:
                tmux("respawn-pane", "-k", "-t", self.pane, "sh", "-c", command)
            else:
                self.pane = tmux(
                    "split-window", "-h", "-d", "-P", "-F", "#{pane_id}", "sh", "-c", command).strip()


    def tmux(*words):
        return subprocess.run(
            ("tmux",) + words, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout


    def has_paging():
        try:
            return bool(int(gdb.parse_and_eval("(unsigned long)$cr0")) & 1 << 31)
        except gdb.error:
            return True


    def address(expression):
        """The value of an expression; what gdb has no symbol for, pagewalk may know by the guest's own."""
        try:
            return "%#x" % number(expression)
        except gdb.GdbError:
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
                "pw: %s; the guest must run on this machine, in a process that you may read"
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
