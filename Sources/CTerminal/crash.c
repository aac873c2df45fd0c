#include "internal.h"

#include <mapped_file.h>
#include <stdlib.h>
#include <unistd.h>

static const int crashes[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
enum { crash_count = sizeof crashes / sizeof crashes[0] };

static struct sigaction previous[crash_count];
static bool user_chose_backtrace;
static char stack[64 * 1024];

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
  // No crash: the explorer goes on, without the bytes that a file has lost.
  if (pw_mapping_repaired(signal, info)) return;
  pw_restore_now();
  answer_backtracer();
  // On return the failing instruction runs again and finds the handlers that were there before us.
  pw_crash_close();
  // A signal that was sent does not come back by itself.
  if (info->si_code <= 0) raise(signal);
}

void pw_crash_open(void) {
  user_chose_backtrace = getenv("SWIFT_BACKTRACE") != NULL;
  stack_t current;
  if (sigaltstack(NULL, &current) == 0 && (current.ss_flags & SS_DISABLE) != 0) {
    stack_t ours = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&ours, NULL);
  }
  struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  // Everything is blocked meanwhile, SIGTTOU above all: it would stop us while we set the modes.
  sigfillset(&action.sa_mask);
  for (int i = 0; i < crash_count; i++) sigaction(crashes[i], &action, &previous[i]);
}

void pw_crash_close(void) {
  for (int i = 0; i < crash_count; i++) sigaction(crashes[i], &previous[i], NULL);
}
