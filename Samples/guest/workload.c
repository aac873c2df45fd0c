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

size_t page;

/* noclone, because the label of the instruction must exist once. */
__attribute__((noinline, noclone)) void checkpoint(enum event event, int pid, const void *address,
                                                   size_t length) {
#if defined __x86_64__ || defined __i386__
  __asm__ volatile(".globl checkpoint_instruction\ncheckpoint_instruction: nop"
                   :
                   : "a"((long)event), "b"((long)pid), "c"(address), "d"(length)
                   : "memory");
#elif defined __aarch64__ || defined __riscv
#ifdef __aarch64__
  register long first __asm__("x0") = event, second __asm__("x1") = pid;
  register const void *third __asm__("x2") = address;
  register size_t fourth __asm__("x3") = length;
#else
  register long first __asm__("a0") = event, second __asm__("a1") = pid;
  register const void *third __asm__("a2") = address;
  register size_t fourth __asm__("a3") = length;
#endif
  /* Where RISC-V has compressed instructions it has them for this one, too: in full it is as long everywhere. */
  __asm__ volatile(
#ifdef __riscv
      ".option push\n.option norvc\n"
#endif
      ".globl checkpoint_instruction\ncheckpoint_instruction: nop\n"
#ifdef __riscv
      ".option pop\n"
#endif
      :
      : "r"(first), "r"(second), "r"(third), "r"(fourth)
      : "memory");
#else
#error "boot.py knows no registers of this architecture"
#endif
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
  page = sysconf(_SC_PAGESIZE);
  prepare_machine();
  prctl(PR_SET_NAME, "reporter");
  start_processes(arguments[0]);
  report();
  for (;;) pause();
}
