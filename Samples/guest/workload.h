/* What the parts of the guest's only program share. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

enum { page = 4096 };

/* What a process has to tell the host when it stops at the checkpoint. */
enum event { event_root = 1, event_report = 2 };

/* The host stops the machine in here and reads the four arguments from registers A to D, together with
   the CPU's page-table root. `address` and `length` are the finished report, or nothing. */
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

/* Fixed addresses, 8 MiB apart, so that every place needs a lowest-level table of its own. */
static inline char *place(unsigned number) {
  const uintptr_t start = sizeof(void *) == 8 ? (uintptr_t)0x2000 << 32 : 0x20000000;
  return (char *)(start + ((uintptr_t)number << 23));
}

#endif
