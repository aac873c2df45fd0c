#include "internal.h"

#include "pw_fatal_signals.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static const struct {
  int signal;
  unsigned bit;
} handled[] = {
    {SIGHUP, PW_PENDING_HANG_UP},    {SIGTERM, PW_PENDING_TERMINATE}, {SIGQUIT, PW_PENDING_QUIT},
    {SIGINT, PW_PENDING_INTERRUPT},  {SIGTSTP, PW_PENDING_STOP},      {SIGCONT, PW_PENDING_CONTINUE},
    {SIGWINCH, PW_PENDING_RESIZE},
};
enum { handled_count = sizeof handled / sizeof handled[0] };

static struct sigaction previous[handled_count];
// Kept open for the life of the process, so that a late pw_wake never writes into a stranger's file.
static int pipe_ends[2] = {-1, -1};
static unsigned pending;
static volatile sig_atomic_t unanswered;

// Somebody who sends this many signals that nobody takes is facing a hung program, and must get out.
static const int patience = 3;

static void on_signal(int signal) {
  int saved_errno = errno;
  unsigned char byte = 0;
  for (int i = 0; i < handled_count; i++) {
    if (handled[i].signal == signal) byte = (unsigned char)handled[i].bit;
  }
  if ((byte & (PW_PENDING_INTERRUPT | PW_PENDING_END)) != 0 && ++unanswered > patience)
    pw_end_by_signal(signal);
  ssize_t ignored = write(pipe_ends[1], &byte, 1);
  (void)ignored;
  errno = saved_errno;
}

static void install(int index) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  sigaction(handled[index].signal, &action, NULL);
}

bool pw_signals_open(void) {
  if (pipe_ends[0] < 0 && pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC) != 0) return false;
  pw_pending();
  pending = 0;
  for (int i = 0; i < handled_count; i++) {
    sigaction(handled[i].signal, NULL, &previous[i]);
    // Who started us with a signal ignored (nohup, a shell without job control) wants it ignored.
    if (previous[i].sa_handler != SIG_IGN) install(i);
  }
  return true;
}

void pw_signals_close(void) {
  for (int i = 0; i < handled_count; i++) sigaction(handled[i].signal, &previous[i], NULL);
}

int pw_signals_fd(void) { return pipe_ends[0]; }

unsigned pw_pending(void) {
  unsigned char bytes[256];
  ssize_t count;
  while ((count = read(pipe_ends[0], bytes, sizeof bytes)) > 0) {
    for (ssize_t i = 0; i < count; i++) pending |= bytes[i];
  }
  unanswered = 0;
  return pending;
}

void pw_pending_take(unsigned bits) { pending &= ~bits; }

void pw_pending_add(unsigned bits) { pending |= bits; }

void pw_wake(void) {
  const unsigned char byte = PW_PENDING_WAKE;
  if (pipe_ends[1] < 0) return;
  // A full pipe wakes as well as another byte would.
  ssize_t ignored = write(pipe_ends[1], &byte, 1);
  (void)ignored;
}

bool pw_stop_process(void) {
  for (int i = 0; i < handled_count; i++) {
    if (handled[i].signal != SIGTSTP) continue;
    if (previous[i].sa_handler == SIG_IGN) return false;
    struct sigaction stop = {.sa_handler = SIG_DFL};
    sigaction(SIGTSTP, &stop, NULL);
    raise(SIGTSTP);
    install(i);
  }
  return true;
}
