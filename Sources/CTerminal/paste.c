#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

// What is pasted comes between two marks, where the terminal is asked for them: xterm's control sequences, "Bracketed
// Paste Mode". It is read as bytes: nothing in it is a key.
static const char start_mark[] = "\033[200~";
static const char end_mark[] = "\033[201~";

// No prompt takes more; what is beyond is dropped, and still no key.
static uint8_t text[16 * 1024];
static size_t text_length;
// How many bytes of the end mark have come.
static size_t matched;
static volatile sig_atomic_t is_coming;

// An end that never comes must not hold the keyboard, and a slow line must not turn the rest into keys.
static const int64_t silence_ms = 2000;
static int64_t last_byte_ms;

void pw_paste_open(void) {
  define_key(start_mark, PW_KEY_CODE_PASTE);
  is_coming = 0;
}

const char *pw_paste_request(bool marked) {
  char cup[] = "cup";
  const char *move = tigetstr(cup);
  // A terminal that knows control sequences ignores those that it does not have; others would print them.
  bool knows_sequences = move != NULL && move != (const char *)-1 && strncmp(move, "\033[", 2) == 0;
  if (!knows_sequences) return NULL;
  return marked ? "\033[?2004h" : "\033[?2004l";
}

void pw_paste_ask(bool marked) {
  const char *request = pw_paste_request(marked);
  if (request != NULL) pw_write((const uint8_t *)request, strlen(request));
}

void pw_paste_start(void) {
  text_length = 0;
  matched = 0;
}

static void keep(const char *bytes, size_t count) {
  for (size_t i = 0; i < count && text_length < sizeof text; i++) text[text_length++] = (uint8_t)bytes[i];
}

bool pw_paste_take(uint8_t byte) {
  if ((char)byte != end_mark[matched]) {
    keep(end_mark, matched);
    // Only the first byte of the mark is an Escape, so no other beginning is lost.
    matched = 0;
  }
  if ((char)byte == end_mark[matched]) {
    matched++;
  } else {
    keep((const char *)&byte, 1);
  }
  return end_mark[matched] == '\0';
}

const uint8_t *pw_pasted_text(size_t *length) {
  *length = text_length;
  return text;
}

void pw_paste_begin(void) {
  pw_paste_start();
  last_byte_ms = pw_now_ms();
  is_coming = 1;
}

bool pw_paste_is_coming(void) { return is_coming; }

int pw_paste_patience_ms(void) {
  int64_t left = last_byte_ms + silence_ms - pw_now_ms();
  return left > 0 ? (int)left : 0;
}

bool pw_paste_read(pw_event *event) {
  // Curses reads byte by byte, and takes no more than this back of what stands behind the end mark.
  uint8_t bytes[64];
  bool is_over = false;
  struct pollfd tty = {.fd = fileno(pw_tty), .events = POLLIN};
  while (!is_over && poll(&tty, 1, 0) > 0) {
    ssize_t count = read(tty.fd, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    last_byte_ms = pw_now_ms();
    ssize_t taken = 0;
    while (!is_over && taken < count) is_over = pw_paste_take(bytes[taken++]);
    while (taken < count) ungetch(bytes[--count]);
  }
  if (!is_over && pw_paste_patience_ms() > 0) return false;
  is_coming = 0;
  *event = (pw_event){.kind = PW_EVENT_PASTE};
  return true;
}

void pw_paste_abandon(void) {
  if (!is_coming) return;
  is_coming = 0;
  tcflush(fileno(pw_tty), TCIFLUSH);
}
