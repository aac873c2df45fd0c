#include "unfinished.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static char unfinished[PATH_MAX];
static volatile sig_atomic_t is_set;

static void on_signal(int signal) {
  if (is_set) unlink(unfinished);
  struct sigaction fatal = {.sa_handler = SIG_DFL};
  sigaction(signal, &fatal, NULL);
  raise(signal);
}

void pw_remove_when_killed(const char *path) {
  is_set = 0;
  if (path == NULL || strlen(path) >= sizeof unfinished) return;
  strcpy(unfinished, path);
  is_set = 1;
  for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    struct sigaction now;
    if (sigaction(signals[i], NULL, &now) != 0 || now.sa_handler != SIG_DFL) continue;
    struct sigaction removing = {.sa_handler = on_signal};
    sigaction(signals[i], &removing, NULL);
  }
}
