#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

// The color of the terminal's background: xterm's control sequences, "OSC 11". It is asked for once, and nobody waits
// for the answer; many terminals give none. The answer is ESC ] 11 ; rgb:RRRR/GGGG/BBBB, ended by BEL or ESC \.
static const char question[] = "\033]11;?\033\\";
static const char answer_start[] = "11;rgb";
enum { answer_start_length = sizeof answer_start - 1 };

static char text[64];
static size_t text_length;
static bool has_escape;
static int32_t color = -1;

// Whether the terminal still owes us an answer, and since when.
static volatile sig_atomic_t is_owed;
static int64_t asked_ms;
// Who leaves earlier than this waits so long for it: it would be typed into the shell.
static const int64_t leaving_wait_ms = 300;

// Whether an answer has begun, and how.
static volatile sig_atomic_t is_coming;
static pw_event if_none;
static int64_t last_byte_ms;
// The rest may be slow in coming; but what comes right behind ESC ] comes at once, or both were keys.
static const int64_t silence_ms = 2000;
static const int64_t start_silence_ms = 100;

void pw_answer_start(void) {
  text_length = 0;
  has_escape = false;
}

int pw_answer_take(uint8_t byte) {
  if (has_escape) return byte == '\\' ? PW_ANSWER_WHOLE : PW_ANSWER_NONE;
  if (text_length < answer_start_length) {
    if (byte != answer_start[text_length]) return PW_ANSWER_NONE;
  } else if (byte == '\a') {
    return PW_ANSWER_WHOLE;
  } else if (byte == 27) {
    has_escape = true;
    return PW_ANSWER_PART;
  } else if (byte == '\0' || strchr("0123456789abcdefABCDEF:/", byte) == NULL) {
    // Colors are written with these; what else comes in between is a key.
    return PW_ANSWER_KEY;
  }
  if (text_length < sizeof text - 1) text[text_length++] = (char)byte;
  return PW_ANSWER_PART;
}

// One to four hexadecimal digits, of which the first two tell enough.
static int component(const char **at) {
  char *end;
  size_t digits = strspn(*at, "0123456789abcdefABCDEF");
  if (digits < 1 || digits > 4) return -1;
  long value = strtol(*at, &end, 16);
  *at = end;
  return (int)(value * 255 / ((1L << (4 * digits)) - 1));
}

int32_t pw_answered_color(void) {
  text[text_length] = '\0';
  if (text_length < answer_start_length) return -1;
  const char *at = text + answer_start_length;
  if (*at == 'a') at++;
  int32_t result = 0;
  for (int i = 0; i < 3; i++) {
    if (*at++ != (i == 0 ? ':' : '/')) return -1;
    int value = component(&at);
    if (value < 0) return -1;
    result = result << 8 | value;
  }
  // What follows is the opacity of rgba.
  return *at == '\0' || *at == '/' ? result : -1;
}

int32_t pw_background(void) { return color; }

static bool has_capability(const char *name, const char *start) {
  char *copy = strdup(name);
  const char *value = copy == NULL ? NULL : tigetstr(copy);
  free(copy);
  return value != NULL && value != (const char *)-1 && strncmp(value, start, strlen(start)) == 0;
}

void pw_background_ask(void) {
  color = -1;
  is_coming = 0;
  is_owed = 0;
  // Consoles and serial terminals might print the question. A terminal that reports a mouse by control sequences is a
  // window, or a multiplexer, which at least passes over it; the Linux console does so only by the help of others.
  const char *name = getenv("TERM");
  if (name == NULL || strncmp(name, "linux", 5) == 0) return;
  if (!has_capability("cup", "\033[") || !has_capability("kmous", "\033[")) return;
  if (!pw_write((const uint8_t *)question, sizeof question - 1)) return;
  is_owed = 1;
  asked_ms = pw_now_ms();
}

void pw_background_begin(pw_event event_if_none) {
  pw_answer_start();
  if_none = event_if_none;
  last_byte_ms = pw_now_ms();
  is_coming = 1;
}

bool pw_background_is_coming(void) { return is_coming; }

static bool is_owed_since_less_than(int64_t milliseconds) {
  return is_owed && pw_now_ms() - asked_ms < milliseconds;
}

int pw_background_patience_ms(void) {
  int64_t patience = text_length > 0 ? silence_ms : start_silence_ms;
  int64_t left = last_byte_ms + patience - pw_now_ms();
  return left > 0 ? (int)left : 0;
}

// It was none; true if its beginning was a key. What came after that is read again, as keys.
static bool end_without_answer(pw_event *event) {
  is_coming = 0;
  if (text_length >= answer_start_length) return false;
  while (text_length > 0) ungetch(text[--text_length]);
  *event = if_none;
  return true;
}

// Takes one byte of an answer; true if an event has come of it.
static bool take(uint8_t byte, pw_event *event) {
  bool had_escape = has_escape;
  switch (pw_answer_take(byte)) {
    case PW_ANSWER_WHOLE:
      is_coming = 0;
      is_owed = 0;
      if (pw_answered_color() >= 0) color = pw_answered_color();
      *event = (pw_event){.kind = PW_EVENT_BACKGROUND};
      return true;
    case PW_ANSWER_KEY:
      if (pw_send_signal_of_key(byte)) return false;
      // The first byte of a longer character; curses puts it together.
      if (byte >= 0x80) {
        ungetch(byte);
        is_coming = 0;
        return false;
      }
      *event = (pw_event){.kind = PW_EVENT_CHARACTER, .value = byte};
      return true;
    case PW_ANSWER_NONE:
      ungetch(byte);
      if (had_escape) ungetch(27);
      return end_without_answer(event);
    default: return false;
  }
}

bool pw_background_read(pw_event *event) {
  struct pollfd tty = {.fd = fileno(pw_tty), .events = POLLIN};
  while (is_coming && poll(&tty, 1, 0) > 0) {
    // One at a time: what follows the answer is for curses.
    uint8_t byte;
    ssize_t count = read(tty.fd, &byte, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    last_byte_ms = pw_now_ms();
    if (take(byte, event)) return true;
  }
  return is_coming && pw_background_patience_ms() == 0 && end_without_answer(event);
}

void pw_background_await(void) {
  int64_t left;
  uint8_t byte = 0;
  struct pollfd tty = {.fd = fileno(pw_tty), .events = POLLIN};
  while (is_owed && (left = asked_ms + leaving_wait_ms - pw_now_ms()) > 0) {
    if (poll(&tty, 1, (int)left) <= 0 || read(tty.fd, &byte, 1) != 1) break;
    if (!is_coming && byte == ']') pw_background_begin((pw_event){.kind = PW_EVENT_NONE});
    else if (is_coming && pw_answer_take(byte) == PW_ANSWER_WHOLE) is_owed = 0;
  }
  is_coming = 0;
}

void pw_background_abandon(void) {
  if (!is_coming && !is_owed_since_less_than(leaving_wait_ms)) return;
  is_coming = 0;
  tcflush(fileno(pw_tty), TCIFLUSH);
}
