#include "internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

static int tty_fd = -1;
struct termios pw_shell_modes;
static char sequence[512];
static size_t sequence_length;

static void append(const char *text) {
  if (text == NULL || text == (const char *)-1) return;
  size_t start = sequence_length;
  for (const char *at = text; *at != '\0'; at++) {
    // Padding ("$<5>") is for curses to wait out, not for the terminal.
    if (at[0] == '$' && at[1] == '<') {
      const char *end = strchr(at, '>');
      if (end != NULL) {
        at = end;
        continue;
      }
    }
    if (sequence_length == sizeof sequence) {
      sequence_length = start;
      return;
    }
    sequence[sequence_length++] = *at;
  }
}

static const char *capability(const char *name) {
  char *copy = strdup(name);
  const char *text = copy == NULL ? NULL : tigetstr(copy);
  free(copy);
  return text == (const char *)-1 ? NULL : text;
}

void pw_restore_remember_modes(int tty) {
  tty_fd = tty;
  tcgetattr(tty, &pw_shell_modes);
}

void pw_restore_prepare(bool mouse) {
  sequence_length = 0;
  if (mouse) append("\033[?1006l\033[?1003l\033[?1002l\033[?1000l");
  append(pw_paste_request(false));
  append(capability("op"));
  append(capability("sgr0"));
  append(capability("rmkx"));
  append(capability("cnorm"));
  const char *leave = capability("rmcup");
  // Without a second screen, what follows must at least start on a line of its own.
  append(leave == NULL ? "\r\n" : leave);
}

bool pw_is_in_foreground(void) {
  pid_t group = tcgetpgrp(tty_fd);
  return group < 0 || group == getpgrp();
}

void pw_restore_now(void) {
  if (!pw_on_screen) return;
  pw_on_screen = 0;
  // Whoever ends us in the background would be stopped by the terminal for what follows, and not end.
  sigset_t output, before;
  sigemptyset(&output);
  sigaddset(&output, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &output, &before);
  // Nothing can be done about a terminal that is gone.
  ssize_t ignored = write(tty_fd, sequence, sequence_length);
  (void)ignored;
  // In the background, what is typed and how is somebody else's.
  if (pw_is_in_foreground()) {
    pw_paste_abandon();
    pw_background_abandon();
    tcsetattr(tty_fd, TCSANOW, &pw_shell_modes);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pw_stderr_release();
}
