#include "internal.h"

#include <stdlib.h>
#include <unistd.h>

static const int crashes[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
enum { crash_count = sizeof crashes / sizeof crashes[0] };

static struct sigaction previous[crash_count];
static bool user_chose_backtrace;
static char stack[64 * 1024];

bool pw_is_crash(int signal) {
  for (int i = 0; i < crash_count; i++) {
    if (crashes[i] == signal) return true;
  }
  return false;
}

// Swift's backtracer asks "press space to interact" and holds a terminal for half a minute. It decides at the
// start of the process whether to ask, so it cannot be told otherwise any more; but it takes its answer from
// standard input, and any other key than those it offers makes it leave at once.
static void answer_backtracer(void) {
  int ends[2];
  if (user_chose_backtrace || !isatty(STDIN_FILENO) || pipe(ends) != 0) return;
  if (write(ends[1], "q", 1) == 1) dup2(ends[0], STDIN_FILENO);
  close(ends[0]);
  close(ends[1]);
}

static void on_crash(int signal, siginfo_t *info, void *context) {
  (void)context;
  bool is_sent = info->si_code <= 0;
  // What somebody else sent tells of no fault in the program, and no instruction fails again on return.
  if (is_sent && info->si_pid != getpid()) pw_end_by_signal(signal);
  pw_clean_up();
  answer_backtracer();
  // On return the failing instruction runs again and finds the handlers that were there before us.
  for (int i = 0; i < crash_count; i++) sigaction(crashes[i], &previous[i], NULL);
  // That of abort() does not come back by itself; it ends the process when the handlers have had their say.
  if (is_sent) raise(signal);
}

void pw_watch_crashes(void) {
  user_chose_backtrace = getenv("SWIFT_BACKTRACE") != NULL;
  stack_t current;
  if (sigaltstack(NULL, &current) == 0 && (current.ss_flags & SS_DISABLE) != 0) {
    stack_t ours = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&ours, NULL);
  }
  struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  for (int i = 0; i < crash_count; i++) {
    sigaction(crashes[i], NULL, &previous[i]);
    if (previous[i].sa_handler != SIG_IGN) sigaction(crashes[i], &action, NULL);
  }
}
