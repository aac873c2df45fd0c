#!/usr/bin/env python3
"""Builds the kernels, boots each in QEMU, and leaves its memory, and the truth about it, in a folder.

usage: make.py WORK [KERNEL...]     leaves WORK/KERNEL/{dump.elf,dump.raw,truth.json}
"""

import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "Samples"))

import boot
import truth

# Name in variants.h, and MiB of memory.
KERNELS = {
    "own-tables-32": ("OWN_TABLES_32", 32),
    "own-tables-64": ("OWN_TABLES_64", 64),
    "recursive-32": ("RECURSIVE_32", 32),
    "recursive-64": ("RECURSIVE_64", 32),
    "identity-64": ("IDENTITY_64", 32),
    "pae-flags": ("PAE_FLAGS", 32),
    "direct-64": ("DIRECT_64", 64),
    "gibibyte-64": ("GIBIBYTE_64", 32),
    "windows-32": ("WINDOWS_32", 32),
}
SCHEMES = {2: "x86-32", 3: "x86-pae", 4: "x86-64"}
HUGE_SIZES = {2: [1 << 22], 3: [1 << 21], 4: [1 << 30, 1 << 21]}  # by levels, as the schemes
COMPILER = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-pie", "-fno-stack-protector",
            "-fno-asynchronous-unwind-tables", "-fno-tree-loop-distribute-patterns", "-fcf-protection=none",
            "-mgeneral-regs-only", "-nostdlib", "-static", "-no-pie",
            "-Wl,--build-id=none,-z,noexecstack,--no-warn-rwx-segments"]


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=HERE).stdout


def build(folder, variant, mebibytes):
    """Leaves kernel.elf, with symbols, and kernel.bin, which QEMU boots. Returns variants.h's numbers."""
    def path(name):
        return os.path.join(folder, name)

    defines = [f"-D{variant}", f"-DMEMORY_BYTES={mebibytes << 20:#x}"]
    macros = run("gcc", *defines, "-E", "-dM", "variants.h")
    values = dict(re.findall(r"^#define (\w+) (0x[0-9a-f]+|\d+)$", macros, re.MULTILINE))
    values = {key: int(value, 0) for key, value in values.items()}
    word = ["-m64", "-mcmodel=kernel", "-mno-red-zone"] if values["PAGING"] == 4 else ["-m32"]
    if values["KERNEL_BASE"] == 0:
        word.remove("-mcmodel=kernel")
    run("gcc", *defines, "-E", "-P", "-x", "assembler-with-cpp", "kernel.ld.S", "-o", path("kernel.ld"))
    run(*COMPILER, *word, *defines, "-T", path("kernel.ld"), "entry.S", "kernel.c", "-o", path("kernel.elf"))
    run("objcopy", "-O", "binary", path("kernel.elf"), path("kernel.bin"))
    return values


def reported_roots(guest, seen):
    """Addresses by name and by what they are, as the kernel reported them; `seen` is what the CPU had."""
    roots = {"live": {}, "freed": {}, "boot": {}}
    for line in truth.lines(guest.path("report.txt")):
        state, name, root = re.fullmatch(r"(\w+) (\w+)=(0x[0-9a-f]+)", line).groups()
        roots[state][name] = int(root, 16)
    said = {int(name.removeprefix("process")): root
            for name, root in roots["live"].items() if name != "kernel"}
    if {name: [root] for name, root in said.items()} != seen:
        raise SystemExit(f"make.py: the kernel says {said}, the CPU had {seen}")
    return roots


def tables_of(guest, root, levels):
    """QEMU's `info tlb`, folded into runs, and `info mem`."""
    guest.x86_tables_of(root, HUGE_SIZES[levels], True)
    leaves = [truth.Guest.leaf(line) for line in truth.lines(guest.path("tlb", f"{root:#x}.txt"))]
    ranges = [truth.Guest.range(line) for line in truth.lines(guest.path("mem", f"{root:#x}.txt"))]
    return ([(f"{va:#x}", f"{pa:#x}", pages, size, flags)
             for va, pa, pages, size, flags in truth.fold(leaves)],
            # Of 48 bits, the end is no address, and QEMU does not extend its sign.
            [(f"{start:#x}", f"{1 << 64 if end == 1 << 48 else end:#x}", flags)
             for start, end, flags in ranges])


def capture(name, folder):
    variant, mebibytes = KERNELS[name]
    values = build(folder, variant, mebibytes)
    levels = values["PAGING"]
    machine, cpu = ("qemu-system-x86_64", "max,la57=off") if levels == 4 else ("qemu-system-i386", "max")
    guest = boot.Guest(folder, os.path.join(folder, "kernel.elf"), [
        machine, "-accel", "tcg", "-cpu", cpu, "-m", f"{mebibytes}M",
        "-kernel", os.path.join(folder, "kernel.bin")])
    try:
        seen = guest.run()
        guest.dump()
        guest.monitor.run("pmemsave", val=0, size=mebibytes << 20, filename=guest.path("dump.raw"))
        os.chmod(guest.path("dump.raw"), 0o644)
        roots = reported_roots(guest, seen)
        tables = {f"{root:#x}": tables_of(guest, root, levels) for root in sorted(roots["live"].values())}
    finally:
        guest.stop()
    known = {
        "scheme": SCHEMES[levels],
        **{state: {key: f"{root:#x}" for key, root in named.items()} for state, named in roots.items()},
        "user": [f"{values[key]:#x}" for key in ("USER_CODE", "USER_STACK_TOP")],
        "directMap": values.get("MEMORY_BASE", values["KERNEL_BASE"]) if values["DIRECT_MAP"] else None,
        "tlb": {root: leaves for root, (leaves, _) in tables.items()},
        "mem": {root: ranges for root, (_, ranges) in tables.items()},
    }
    with open(guest.path("truth.json"), "w") as file:
        json.dump(known, file, indent=0)


def main():
    work = os.path.realpath(sys.argv[1])
    for name in sys.argv[2:] or KERNELS:
        folder = os.path.join(work, name)
        os.makedirs(folder, exist_ok=True)
        capture(name, folder)
        print(f"{name}: booted", flush=True)


if __name__ == "__main__":
    main()
