/* The first and only program of a sample's guest: prepares the machine, starts processes that sleep with
   known layouts, and reports what the kernel says about their pages. boot.py listens at the checkpoint. */
#define _GNU_SOURCE
#include "workload.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* noclone, because the label of the instruction must exist once. */
__attribute__((noinline, noclone)) void checkpoint(enum event event, int pid, const void *address,
                                                   size_t length) {
  __asm__ volatile(".globl checkpoint_instruction\ncheckpoint_instruction: nop"
                   :
                   : "a"((long)event), "b"((long)pid), "c"(address), "d"(length)
                   : "memory");
}

void cannot(const char *what, ...) {
  int error = errno;
  char name[16] = "", text[256];
  va_list arguments;
  va_start(arguments, what);
  vsnprintf(text, sizeof text, what, arguments);
  va_end(arguments);
  prctl(PR_GET_NAME, name);
  dprintf(2, "\nworkload: %s: cannot %s: %s\n", name, text, strerror(error));
}

int main(int count, char **arguments) {
  (void)count;
  prepare_machine();
  prctl(PR_SET_NAME, "reporter");
  start_processes(arguments[0]);
  report();
  for (;;) pause();
}
