#include "internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { unused, changing, in_use };
enum { most_words = 16, most_bytes = 256 };

// A signal may come at any time: only what is marked in use is complete.
static struct {
  atomic_int state;
  int descriptor;
  size_t count;
  char bytes[most_bytes];
} words[most_words];
static pthread_once_t registered = PTHREAD_ONCE_INIT;

void pw_say_last_words(void) {
  for (int i = 0; i < most_words; i++) {
    int expected = in_use;
    if (!atomic_compare_exchange_strong(&words[i].state, &expected, unused)) continue;
    // Whoever does not listen must not keep the program from ending.
    ssize_t sent = send(words[i].descriptor, words[i].bytes, words[i].count, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent;
  }
}

static void say_at_exit(void) { atexit(pw_say_last_words); }

int pw_say_when_ended(int descriptor, const void *bytes, size_t count) {
  pthread_once(&registered, say_at_exit);
  if (count > most_bytes) return -1;
  for (int i = 0; i < most_words; i++) {
    int expected = unused;
    if (!atomic_compare_exchange_strong(&words[i].state, &expected, changing)) continue;
    words[i].descriptor = descriptor;
    words[i].count = count;
    memcpy(words[i].bytes, bytes, count);
    atomic_store(&words[i].state, in_use);
    return i;
  }
  return -1;
}

void pw_say_no_more(int number) {
  if (number < 0 || number >= most_words) return;
  int expected = in_use;
  atomic_compare_exchange_strong(&words[number].state, &expected, unused);
}
