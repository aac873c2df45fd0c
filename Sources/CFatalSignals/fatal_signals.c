#include "internal.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

static char unfinished[PATH_MAX];
static volatile sig_atomic_t has_unfinished;
static void (*volatile give_terminal_back)(void);

// The default actions of signal(7).
static bool ends_process(int signal) {
  switch (signal) {
    case SIGCHLD:
    case SIGCONT:
    case SIGURG:
    case SIGWINCH:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU: return false;
    default: return true;
  }
}

void pw_clean_up(void) {
  // First: somebody else's machine may be standing still for us.
  pw_say_last_words();
  if (has_unfinished) unlink(unfinished);
  void (*give_back)(void) = give_terminal_back;
  if (give_back != NULL) give_back();
}

void pw_end_by_signal(int signal) {
  pw_clean_up();
  struct sigaction fatal = {.sa_handler = SIG_DFL};
  sigaction(signal, &fatal, NULL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  raise(signal);
  sigprocmask(SIG_UNBLOCK, &only, NULL);
  // The first process of a container is not ended by its own signals.
  _exit(128 + signal);
}

static void on_signal(int signal) { pw_end_by_signal(signal); }

void pw_watch_fatal_signals(void) {
  struct sigaction ending = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
  // Everything is blocked meanwhile, SIGTTOU above all: it would stop us while we set the terminal's modes.
  sigfillset(&ending.sa_mask);
  for (int signal = 1; signal <= SIGRTMAX; signal++) {
    struct sigaction now;
    if (!ends_process(signal) || pw_is_crash(signal)) continue;
    if (sigaction(signal, NULL, &now) != 0 || now.sa_handler == SIG_IGN) continue;
    // Swift's backtracer takes SIGQUIT for a crash; but Ctrl-\ makes it, and no fault.
    if (now.sa_handler == SIG_DFL || signal == SIGQUIT) sigaction(signal, &ending, NULL);
  }
  pw_watch_crashes();
}

void pw_remove_when_killed(const char *path) {
  has_unfinished = 0;
  if (path == NULL || strlen(path) >= sizeof unfinished) return;
  strcpy(unfinished, path);
  has_unfinished = 1;
}

void pw_give_back_when_killed(void (*give_back)(void)) { give_terminal_back = give_back; }
