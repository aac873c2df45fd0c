#define _GNU_SOURCE 1

#include "internal.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum { unused, changing, in_use };
enum { most_words = 16, most_bytes = 256 };

// A signal may come at any time: only what is marked in use is complete.
struct words {
  atomic_int state;
  int descriptor;
  size_t count;
  char bytes[most_bytes];
};
// Shared with the guards, which are processes of their own.
static struct words *words;
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static void say(struct words *said) {
  // Another thread may be saying them, or putting others in their place: two farewells would be one too many.
  for (int i = 0; i < 20 && atomic_load(&said->state) == changing; i++) poll(NULL, 0, 1);
  int expected = in_use;
  if (!atomic_compare_exchange_strong(&said->state, &expected, unused)) return;
  // Whoever does not listen must not keep the program from ending.
  ssize_t sent = send(said->descriptor, said->bytes, said->count, MSG_NOSIGNAL | MSG_DONTWAIT);
  (void)sent;
}

void pw_say_last_words(void) {
  for (int i = 0; words != NULL && i < most_words; i++) say(&words[i]);
}

void pw_say_last_words_of(int descriptor) {
  for (int i = 0; words != NULL && i < most_words; i++) {
    if (words[i].descriptor == descriptor) say(&words[i]);
  }
}

static void prepare(void) {
  void *place =
      mmap(NULL, most_words * sizeof *words, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return;
  words = place;
  atexit(pw_say_last_words);
}

void pw_prepare_last_words(void) { pthread_once(&prepared, prepare); }

int pw_say_when_ended(int descriptor, const void *bytes, size_t count) {
  pw_prepare_last_words();
  if (words == NULL || count > most_bytes) return -1;
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

// Whether the words are this thread's to change. Its signals are blocked until `give_back`: a handler would wait for it.
static bool take(int number, sigset_t *signals) {
  if (words == NULL || number < 0 || number >= most_words) return false;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, signals);
  int expected = in_use;
  if (atomic_compare_exchange_strong(&words[number].state, &expected, changing)) return true;
  pthread_sigmask(SIG_SETMASK, signals, NULL);
  return false;
}

static void give_back(int number, int state, const sigset_t *signals) {
  atomic_store(&words[number].state, state);
  pthread_sigmask(SIG_SETMASK, signals, NULL);
}

void pw_say_instead(int number, const void *bytes, size_t count) {
  sigset_t signals;
  if (count > most_bytes || !take(number, &signals)) return;
  words[number].count = count;
  memcpy(words[number].bytes, bytes, count);
  give_back(number, in_use, &signals);
}

void pw_say_now(int number) {
  sigset_t signals;
  if (!take(number, &signals)) return;
  ssize_t sent =
      send(words[number].descriptor, words[number].bytes, words[number].count, MSG_NOSIGNAL | MSG_DONTWAIT);
  (void)sent;
  give_back(number, unused, &signals);
}

void pw_say_no_more(int number) {
  if (words == NULL || number < 0 || number >= most_words) return;
  int expected = in_use;
  atomic_compare_exchange_strong(&words[number].state, &expected, unused);
}
