/* What the parts of the guest's only program share. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a page, as the kernel says. */
extern size_t page;

enum { largest_page = 64 << 10 };

/* What a process has to tell the host when it stops at the checkpoint. */
enum event { event_root = 1, event_report = 2 };

/* The host stops the machine in here and reads the four arguments from the CPU's registers (x86: A to
   D; others: those of a call's arguments), together with its page-table root. `address` and `length` are the finished report, or nothing. */
void checkpoint(enum event event, int pid, const void *address, size_t length);

/* Prints to the console what this guest cannot do, and why (errno). The workload goes on without it. */
__attribute__((format(printf, 1, 2))) void cannot(const char *what, ...);

/* Makes the kernel's file systems, modules, swap and huge pages available. */
void prepare_machine(void);

/* Writes `text` into an existing file, for example a setting below /proc or /sys. */
void put(const char *path, const char *text);

/* The number in a file below /proc or /sys, or 0. */
long get(const char *path);

/* Starts every process of the workload; each one sleeps when this returns. `name` is where the kernel put the first
   argument. */
void start_processes(char *name);

/* Collects the mappings of all processes and hands them to the host. */
void report(void);

/* Fixed addresses so far apart that every place needs a lowest-level table of its own: 8 MiB with pages of 4 KiB. */
static inline char *place(unsigned number) {
  /* A kernel that gives processes 38 bits of address has their stacks below that. */
  const int is_narrow = sizeof(void *) == 8 && !((uint64_t)(uintptr_t)__builtin_frame_address(0) >> 38);
  const uint64_t start = sizeof(void *) == 4 ? 0x20000000 : (uint64_t)0x2000 << (is_narrow ? 24 : 32);
  return (char *)(uintptr_t)(start + number * (uint64_t)page * page / 2);
}

#endif
