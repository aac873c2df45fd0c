/* The first program of a guest that looks at itself: it runs pagewalk on the guest's /proc/kcore, and says on the second serial port what
 * pagewalk answered, and what the kernel says of the same:
 *
 *   @@ NAME             what follows is the answer of a command, or the kernel's
 *   @@ ended STATUS     of a command
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "port.h"

#define PAGE 4096UL
enum { pages = 16, own_pages = 64, most_words = 32 };
static const uint64_t place = 0x100000000000;
/* Where a program of independent position lies when nothing is random. */
static const uint64_t own_place = 0x555555554000;
static FILE *port;

static uint64_t frame_of(pid_t pid, uint64_t va) {
  char path[64];
  uint64_t entry = 0;
  snprintf(path, sizeof path, "/proc/%d/pagemap", pid);
  int pagemap = open(path, O_RDONLY);
  if (pread(pagemap, &entry, sizeof entry, (off_t)(va / PAGE * sizeof entry)) != sizeof entry) entry = 0;
  close(pagemap);
  return entry >> 63 ? entry & ((1UL << 55) - 1) : 0;
}

static void name_of(pid_t pid, char *name, size_t size) {
  char path[64];
  name[0] = 0;
  snprintf(path, sizeof path, "/proc/%d/comm", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) return;
  if (fgets(name, (int)size, file) == NULL) name[0] = 0;
  name[strcspn(name, "\n")] = 0;
  fclose(file);
}

static pid_t process(const char *name) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_NAME, name);
  char *at = mmap((void *)place, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  for (size_t page = 0; page < pages; page++) at[page * PAGE] = name[0];
  for (;;) pause();
}

/* Runs pagewalk, and passes on what it says. In `own`, words of the command that are "SELF" become the number of its process, and
 * `frames` the frames of its first pages, as its pagemap has them while it runs. */
static void run(const char *title, uint64_t *frames, ...) __attribute__((sentinel));
static void run(const char *title, uint64_t *frames, ...) {
  char *words[most_words + 1] = {"/bin/pagewalk"};
  __builtin_va_list list;
  __builtin_va_start(list, frames);
  int count = 1;
  while (count < most_words && (words[count] = __builtin_va_arg(list, char *)) != NULL) count++;
  __builtin_va_end(list);
  fprintf(port, "@@ %s\n", title);
  fflush(port);
  int ends[2];
  if (pipe(ends) != 0) exit(2);
  pid_t pid = fork();
  if (pid == 0) {
    char self[16];
    snprintf(self, sizeof self, "%d", getpid());
    for (int i = 1; i < count; i++) {
      if (strcmp(words[i], "SELF") == 0) words[i] = self;
    }
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    close(ends[0]);
    close(ends[1]);
    setenv("PATH", "/bin", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    personality(ADDR_NO_RANDOMIZE);
    execv(words[0], words);
    _exit(127);
  }
  close(ends[1]);
  char text[4096], name[32];
  ssize_t length;
  do {
    for (int page = 0; frames != NULL && page < own_pages; page++) {
      name_of(pid, name, sizeof name);
      uint64_t frame = strcmp(name, "pagewalk") == 0 ? frame_of(pid, own_place + page * PAGE) : 0;
      if (frame != 0) frames[page] = frame;
    }
    length = read(ends[0], text, sizeof text);
    if (length > 0) fwrite(text, 1, (size_t)length, port);
  } while (length > 0);
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  fprintf(port, "\n@@ ended %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  fflush(port);
}

int main(void) {
  mkdir("/tmp", 01777);
  port = open_port("w");
  if (port == NULL) return 1;
  prctl(PR_SET_NAME, "kcore_init");
  pid_t keeper = process("kcore_keeper"), other = process("kcore_other");
  sleep(1);

  run("spaces", NULL, "spaces", "/proc/kcore", "--json", NULL);
  fprintf(port, "@@ processes\n");
  for (pid_t pid = 1; pid <= other; pid++) {
    /* Threads of the kernel have no command line. */
    char path[64], name[32];
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    int file = open(path, O_RDONLY);
    char byte;
    if (file < 0 || read(file, &byte, 1) != 1) continue;
    close(file);
    name_of(pid, name, sizeof name);
    fprintf(port, "%d %s\n", pid, name);
  }
  char range[pages][24], number[16];
  snprintf(number, sizeof number, "%d", keeper);
  for (int page = 0; page < pages; page++) snprintf(range[page], sizeof range[page], "%" PRIx64, place + (uint64_t)page * PAGE);
  fprintf(port, "@@ pagemap\n");
  for (int page = 0; page < pages; page++) fprintf(port, "0x%s %#" PRIx64 "\n", range[page], frame_of(keeper, place + (uint64_t)page * PAGE));
  run("translate", NULL, "translate", "/proc/kcore", "--json", "--space", number, range[0], range[1], range[2], range[3], range[4], range[5],
      range[6], range[7], range[8], range[9], range[10], range[11], range[12], range[13], range[14], range[15], NULL);
  uint64_t frames[own_pages] = {0};
  run("own", frames, "translate", "/proc/kcore", "--json", "--space", "SELF", "555555554000", "555555555000", "555555556000", NULL);
  fprintf(port, "@@ own-pagemap\n");
  for (int page = 0; page < 3; page++) {
    if (frames[page] != 0) fprintf(port, "%#" PRIx64 " %#" PRIx64 "\n", own_place + (uint64_t)page * PAGE, frames[page]);
  }
  run("explore", NULL, "explore", "/proc/kcore", "--headless", "--size", "120x20", NULL);
  fflush(port);
  tcdrain(fileno(port));
  reboot(RB_POWER_OFF);
  return 0;
}
