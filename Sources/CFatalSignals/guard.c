#define _GNU_SOURCE 1

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// How long the other side may take to hear what was said, before the connection is closed.
enum { patience = 300 };

static void close_others(int kept, int also_kept) {
  unsigned low = (unsigned)(kept < also_kept ? kept : also_kept);
  unsigned high = (unsigned)(kept < also_kept ? also_kept : kept);
  if (low > 0) syscall(SYS_close_range, 0, low - 1, 0);
  if (high > low + 1) syscall(SYS_close_range, low + 1, high - 1, 0);
  syscall(SYS_close_range, high + 1, ~0U, 0);
}

// Only what may be done in a signal handler: other threads of the program may have held any lock.
static _Noreturn void guard(int descriptor, int end) {
  setsid();
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  prctl(PR_SET_NAME, "pagewalk-guard");
  close_others(descriptor, end);
  char byte;
  while (read(end, &byte, 1) < 0 && errno == EINTR) continue;
  pw_say_last_words_of(descriptor);
  // The answers tell that all was heard. A connection that the program itself has shut ends at once.
  struct pollfd waited = {.fd = descriptor, .events = POLLIN};
  char answers[4096];
  while (poll(&waited, 1, patience) > 0) {
    if (recv(descriptor, answers, sizeof answers, MSG_DONTWAIT) <= 0) break;
  }
  _exit(0);
}

int pw_guard(int descriptor) {
  pw_prepare_last_words();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  pid_t child = fork();
  if (child == 0) {
    // A grandchild: nobody need wait for it.
    pid_t grandchild = fork();
    if (grandchild != 0) _exit(grandchild < 0);
    close(ends[1]);
    guard(descriptor, ends[0]);
  }
  close(ends[0]);
  int status = -1;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (child > 0 && status == 0) return ends[1];
  close(ends[1]);
  return -1;
}
