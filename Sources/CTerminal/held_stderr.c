#include "internal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t held_file = -1;
static volatile sig_atomic_t real_stderr = -1;

// A library that complains all day should not flood the shell afterwards.
static const off_t shown_at_most = 64 * 1024;

void pw_stderr_hold(void) {
  if (held_file >= 0 || !isatty(STDERR_FILENO)) return;
  int file = memfd_create("stderr", MFD_CLOEXEC);
  if (file < 0) return;
  int copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (copy < 0 || dup2(file, STDERR_FILENO) < 0) {
    if (copy >= 0) close(copy);
    close(file);
    return;
  }
  real_stderr = copy;
  held_file = file;
}

void pw_stderr_release(void) {
  int file = held_file;
  int target = real_stderr;
  if (file < 0) return;
  held_file = -1;
  real_stderr = -1;
  dup2(target, STDERR_FILENO);
  close(target);
  off_t end = lseek(file, 0, SEEK_END);
  off_t at = end > shown_at_most ? end - shown_at_most : 0;
  char buffer[1024];
  while (at < end) {
    ssize_t count = pread(file, buffer, sizeof buffer, at);
    if (count <= 0 || write(STDERR_FILENO, buffer, (size_t)count) != count) break;
    at += count;
  }
  close(file);
}
