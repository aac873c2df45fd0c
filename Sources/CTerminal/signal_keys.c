#include "internal.h"
#include "pw_fatal_signals.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

// The keys that make signals (Ctrl-C, Ctrl-Z, Ctrl-\) come to us as bytes: in the middle of a paste they are no keys,
// and the terminal's driver could not tell. A hung program reads no bytes; so when the event loop does not come back
// for a while, the driver makes signals of them again, and whoever faces it gets out.
static const unsigned patience_seconds = 2;
static volatile sig_atomic_t driver_makes_signals;
static struct sigaction previous;

static void let_driver_make_signals(bool does) {
  if (!pw_on_screen || !pw_is_in_foreground()) return;
  struct termios modes = pw_our_modes;
  if (does) modes.c_lflag |= (tcflag_t)ISIG;
  tcsetattr(fileno(pw_tty), TCSANOW, &modes);
  driver_makes_signals = does;
}

static void on_alarm(int signal, siginfo_t *info, void *context) {
  (void)context;
  int saved_errno = errno;
  // Somebody else's, not that of our alarm().
  if (info->si_code != SI_KERNEL) pw_end_by_signal(signal);
  let_driver_make_signals(true);
  errno = saved_errno;
}

void pw_signal_keys_open(void) {
  driver_makes_signals = 0;
  struct sigaction action = {.sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigfillset(&action.sa_mask);
  sigaction(SIGALRM, &action, &previous);
}

void pw_signal_keys_close(void) {
  alarm(0);
  sigaction(SIGALRM, &previous, NULL);
}

void pw_loop_comes_back(void) {
  alarm(0);
  if (driver_makes_signals) let_driver_make_signals(false);
}

void pw_loop_leaves(void) { alarm(patience_seconds); }

bool pw_send_signal_of_key(unsigned value) {
  if ((pw_shell_modes.c_lflag & ISIG) == 0 || value == _POSIX_VDISABLE) return false;
  static const struct {
    int character;
    int signal;
  } keys[] = {{VINTR, SIGINT}, {VQUIT, SIGQUIT}, {VSUSP, SIGTSTP}};
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    // As the driver does: everybody at this terminal gets it.
    if (value == pw_shell_modes.c_cc[keys[i].character]) return kill(0, keys[i].signal) == 0;
  }
  return false;
}
