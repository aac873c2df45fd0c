/* The only program of a guest whose tables change step by step, and only when it is told so: it reads the number of a
 * step from its second serial port, does it, and answers with the pages of its processes as the kernel tells them:
 *
 *   page PID VA FRAME P|N RIGHTS     P: present; N: the region forbids all access
 *   done
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "port.h"

#define PAGE 4096UL
static char *const first = (char *)0x100000000000, *const second = (char *)0x200000000000;
static char *const shared = (char *)0x300000000000, *const moved = (char *)0x400000000000;
static FILE *port;

static void map(char *at, size_t pages, int sharing) {
  int flags = sharing | MAP_ANONYMOUS | MAP_FIXED;
  if (mmap(at, pages * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) != at) _exit(2);
  for (size_t page = 0; page < pages; page++) at[page * PAGE] = 1;
}

static void report(pid_t pid) {
  char path[64], line[512];
  snprintf(path, sizeof path, "/proc/%d/maps", pid);
  FILE *maps = fopen(path, "r");
  snprintf(path, sizeof path, "/proc/%d/pagemap", pid);
  int pagemap = open(path, O_RDONLY);
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    uint64_t start, end;
    char rights[8];
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &start, &end, rights) != 3 || start >> 63 != 0) continue;
    for (uint64_t va = start; va < end; va += PAGE) {
      uint64_t entry = 0;
      if (pread(pagemap, &entry, sizeof entry, (off_t)(va / PAGE * sizeof entry)) != sizeof entry) break;
      if (entry >> 63 == 0) continue;
      char kind = strncmp(rights, "---", 3) == 0 ? 'N' : 'P';
      fprintf(port, "page %d %#" PRIx64 " %#" PRIx64 " %c %s\n", pid, va, entry & ((1UL << 55) - 1), kind, rights);
    }
  }
  if (maps != NULL) fclose(maps);
  close(pagemap);
}

static void end(pid_t *pid) {
  kill(*pid, SIGKILL);
  while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR) continue;
  *pid = 0;
}

/* Processes come and go without end: each writes pages, some start another one, and at most eight live at a time. */
static void storm(void) {
  prctl(PR_SET_NAME, "steps_storm");
  map(second, 16, MAP_PRIVATE);
  for (unsigned round = 0, alive = 0;; round++) {
    pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_NAME, "steps_short");
      for (size_t page = 0; page < 64; page += 1 + round % 3) first[page * PAGE] = 3;
      if (round % 4 == 0) munmap(second, 16 * PAGE);
      if (round % 8 == 0 && fork() == 0) map(moved, 8, MAP_PRIVATE);
      _exit(0);
    }
    if (pid > 0) alive++;
    while (alive > 0 && (alive == 8 || pid < 0) && wait(NULL) > 0) alive--;
  }
}

/* Processes that only are there, with tables of their own. */
static void crowd(unsigned processes) {
  while (processes-- > 0) {
    if (fork() != 0) continue;
    prctl(PR_SET_NAME, "steps_crowd");
    for (size_t page = 0; page < 64; page += 8) first[page * PAGE] = 4;
    for (;;) pause();
  }
  sleep(2);
}

int main(void) {
  port = open_port("r+");
  if (port == NULL) return 1;
  prctl(PR_SET_NAME, "steps");
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  map(first, 64, MAP_PRIVATE);
  map(shared, 16, MAP_SHARED);
  pid_t child = 0, stormy = 0;
  char line[32];
  fputs("ready\n", port);
  fflush(port);
  while (read(fileno(port), line, 1) == 1) {
    switch (line[0]) {
      case '1': map(second, 16, MAP_PRIVATE); break;                        /* pages, and a table for them */
      case '2': munmap(first, 8 * PAGE); break;                             /* pages go */
      case '3': mprotect(first + 8 * PAGE, 8 * PAGE, PROT_READ); break;     /* a right goes */
      case '4': mprotect(first + 16 * PAGE, 4 * PAGE, PROT_NONE); break;    /* pages are marked */
      case '5':                                                             /* a space comes; both lose W */
        if ((child = fork()) == 0) {
          prctl(PR_SET_NAME, "steps_child");
          for (;;) pause();
        }
        usleep(300000);
        break;
      case '6': for (size_t page = 24; page < 32; page++) first[page * PAGE] = 2; break; /* frames move */
      case '7': end(&child); break;                                         /* the space goes */
      case '8': mremap(second, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, moved); break; /* frames stay */
      case '9': madvise(first + 40 * PAGE, 8 * PAGE, MADV_DONTNEED); break; /* pages go, their region stays */
      case 'a': munmap(second + 4 * PAGE, 12 * PAGE); break;                /* a table goes */
      case 's':
        if ((stormy = fork()) == 0) storm();
        break;
      case 'c': crowd(45); break;
      case 'C': crowd(450); break;
      case 'e': end(&stormy); break;
      default: break;
    }
    report(getpid());
    if (child != 0) report(child);
    fputs("done\n", port);
    fflush(port);
  }
  return 0;
}
