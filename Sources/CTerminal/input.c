#include "internal.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <wchar.h>

// Input is read through a pad: reading through a window would also refresh that window.
static WINDOW *input;
static int shown_width;
static int shown_height;

// Two presses on one cell within this time are a double click.
static const int64_t double_click_ms = 400;
static int64_t last_press_ms;
static int last_press_x = -1;
static int last_press_y = -1;

// Whether the last key was an Escape that nothing followed in time, and when it came.
static bool came_alone;
static int64_t alone_ms;
static const int64_t late_ms = 1000;
// How long to wait for the rest of a control sequence that has begun: a slow line may tear it apart.
static const int sequence_wait_ms = 200;

int64_t pw_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Terminals send one of these or another for the same key, depending on modes that terminfo gets wrong.
static void define_common_keys(void) {
  static const struct {
    const char *sequence;
    int code;
  } keys[] = {
      {"\033[A", KEY_UP},    {"\033[B", KEY_DOWN}, {"\033[C", KEY_RIGHT},  {"\033[D", KEY_LEFT},
      {"\033OA", KEY_UP},    {"\033OB", KEY_DOWN}, {"\033OC", KEY_RIGHT},  {"\033OD", KEY_LEFT},
      {"\033[H", KEY_HOME},  {"\033[F", KEY_END},  {"\033OH", KEY_HOME},   {"\033OF", KEY_END},
      {"\033[1~", KEY_HOME}, {"\033[4~", KEY_END}, {"\033[7~", KEY_HOME},  {"\033[8~", KEY_END},
      {"\033[2~", KEY_IC},   {"\033[3~", KEY_DC},  {"\033[5~", KEY_PPAGE}, {"\033[6~", KEY_NPAGE},
      {"\033[Z", KEY_BTAB},
  };
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    if (key_defined(keys[i].sequence) == 0) define_key(keys[i].sequence, keys[i].code);
  }
}

bool pw_input_open(void) {
  input = newpad(1, 1);
  if (input == NULL) return false;
  keypad(input, TRUE);
  nodelay(input, TRUE);
  define_common_keys();
  pw_paste_open();
  came_alone = false;
  last_press_x = -1;
  shown_width = getmaxx(stdscr);
  shown_height = getmaxy(stdscr);
  return true;
}

void pw_input_close(void) {
  if (input != NULL) delwin(input);
  input = NULL;
}

static uint32_t key_of_code(wint_t code) {
  switch (code) {
    case KEY_UP:
    case KEY_SR: return PW_KEY_UP;
    case KEY_DOWN:
    case KEY_SF: return PW_KEY_DOWN;
    case KEY_LEFT:
    case KEY_SLEFT: return PW_KEY_LEFT;
    case KEY_RIGHT:
    case KEY_SRIGHT: return PW_KEY_RIGHT;
    case KEY_HOME:
    case KEY_FIND:
    case KEY_SHOME:
    case KEY_A1: return PW_KEY_HOME;
    case KEY_END:
    case KEY_SELECT:
    case KEY_SEND:
    case KEY_LL:
    case KEY_C1: return PW_KEY_END;
    case KEY_PPAGE:
    case KEY_A3: return PW_KEY_PAGE_UP;
    case KEY_NPAGE:
    case KEY_C3: return PW_KEY_PAGE_DOWN;
    case KEY_IC:
    case KEY_SIC: return PW_KEY_INSERT;
    case KEY_DC:
    case KEY_SDC: return PW_KEY_DELETE;
    case KEY_BACKSPACE: return PW_KEY_BACKSPACE;
    case KEY_ENTER: return PW_KEY_ENTER;
    case KEY_BTAB: return PW_KEY_BACK_TAB;
    default:
      if (code > KEY_F0 && code <= KEY_F(63)) return PW_KEY_FUNCTION + (uint32_t)(code - KEY_F0);
      return 0;
  }
}

static bool read_mouse(pw_event *event) {
  MEVENT mouse;
  if (getmouse(&mouse) != OK) return false;
  mmask_t state = mouse.bstate;
  uint32_t value = 0;
  if (state & BUTTON4_PRESSED) {
    value = PW_MOUSE_WHEEL_UP;
  } else if (state & BUTTON5_PRESSED) {
    value = PW_MOUSE_WHEEL_DOWN;
  } else if (state & BUTTON1_PRESSED) {
    int64_t now = pw_now_ms();
    bool again = mouse.x == last_press_x && mouse.y == last_press_y && now - last_press_ms <= double_click_ms;
    value = again ? PW_MOUSE_DOUBLE_CLICK : PW_MOUSE_PRESS_LEFT;
    last_press_ms = now;
    // A third press starts afresh.
    last_press_x = again ? -1 : mouse.x;
    last_press_y = mouse.y;
  } else if (state & BUTTON2_PRESSED) {
    value = PW_MOUSE_PRESS_MIDDLE;
  } else if (state & BUTTON3_PRESSED) {
    value = PW_MOUSE_PRESS_RIGHT;
  } else if (state & (BUTTON1_RELEASED | BUTTON2_RELEASED | BUTTON3_RELEASED)) {
    value = PW_MOUSE_RELEASE;
  } else {
    return false;
  }
  *event = (pw_event){
      .kind = PW_EVENT_MOUSE,
      .value = value,
      .x = mouse.x,
      .y = mouse.y,
      .shift = (state & BUTTON_SHIFT) != 0,
      .control = (state & BUTTON_CTRL) != 0,
  };
  return true;
}

// Swallows the rest of a control sequence that terminfo does not know, or that came in pieces, so that it is not
// taken for typing.
static bool skip_sequence(wint_t introducer) {
  wint_t next;
  int count = 0;
  int number = 0;
  wtimeout(input, sequence_wait_ms);
  while (wget_wch(input, &next) == OK) {
    // The oldest kind of mouse report ends in three bytes of its own.
    if (count == 0 && introducer == L'[' && next == L'M') {
      for (int i = 0; i < 3; i++) wget_wch(input, &next);
      count = 4;
      break;
    }
    count++;
    if (introducer == L'[' && next == L'~' && number == 200) pw_paste_begin();
    number = next >= L'0' && next <= L'9' && number < 1000 ? number * 10 + (int)(next - L'0') : 1000;
    if (next >= 0x40 && next <= 0x7E) break;
    if (introducer == L'O') break;
  }
  nodelay(input, TRUE);
  return count > 0;
}

// After an Escape: the keys that came with it. Nothing came: it was the Escape key.
static bool read_after_escape(pw_event *event) {
  wint_t next;
  int code = wget_wch(input, &next);
  if (code == KEY_CODE_YES) {
    // Alt with a named key: the key counts.
    if (next == KEY_MOUSE) return read_mouse(event);
    if (next == PW_KEY_CODE_PASTE) {
      pw_paste_begin();
      *event = (pw_event){.kind = PW_EVENT_CHARACTER, .value = 27};
      return true;
    }
    *event = (pw_event){.kind = PW_EVENT_KEY, .value = key_of_code(next)};
    return event->value != 0;
  }
  if (code == OK && next == 27) {
    unget_wch(L'\033');
  } else if (code == OK) {
    if ((next == L'[' || next == L'O') && skip_sequence(next)) return false;
    *event = (pw_event){.kind = PW_EVENT_ALT, .value = next};
    if (next == L']') pw_background_begin(*event);
    return next != L']';
  }
  came_alone = code == ERR;
  alone_ms = pw_now_ms();
  *event = (pw_event){.kind = PW_EVENT_CHARACTER, .value = 27};
  return true;
}

// Whether the mark that starts a paste goes on here, after its Escape came too early to be taken for a part of it.
static bool starts_paste_late(wint_t first) {
  static const wint_t rest[] = {L'2', L'0', L'0', L'~'};
  enum { length = sizeof rest / sizeof rest[0] };
  if (!came_alone || first != L'[' || pw_now_ms() - alone_ms > late_ms) return false;
  wint_t got[length];
  int count = 0;
  bool is_same = true;
  wtimeout(input, sequence_wait_ms);
  while (is_same && count < length) {
    int code = wget_wch(input, &got[count]);
    if (code == KEY_CODE_YES) ungetch((int)got[count]);
    if (code != OK) break;
    is_same = got[count] == rest[count];
    count++;
  }
  nodelay(input, TRUE);
  if (is_same && count == length) return true;
  while (count > 0) unget_wch((wchar_t)got[--count]);
  return false;
}

// Whether the answer of a terminal goes on here, after its Escape came too early.
static bool starts_answer_late(wint_t first) {
  return came_alone && first == L']' && pw_now_ms() - alone_ms <= late_ms;
}

// Takes what has been typed; false if there is nothing (left) that means anything.
static bool read_key(pw_event *event) {
  wint_t value;
  for (;;) {
    int code = wget_wch(input, &value);
    if (code == ERR) return false;
    if (code == OK && pw_send_signal_of_key(value)) return false;
    if ((code == KEY_CODE_YES && value == PW_KEY_CODE_PASTE) || (code == OK && starts_paste_late(value))) {
      pw_paste_begin();
      return false;
    }
    if (code == OK && starts_answer_late(value)) {
      pw_background_begin((pw_event){.kind = PW_EVENT_CHARACTER, .value = value});
      return false;
    }
    came_alone = false;
    if (code == KEY_CODE_YES) {
      if (value == KEY_MOUSE) {
        if (read_mouse(event)) return true;
        continue;
      }
      *event = (pw_event){.kind = PW_EVENT_KEY, .value = key_of_code(value)};
      if (event->value != 0) return true;
      continue;
    }
    if (value == 27) {
      if (read_after_escape(event)) return true;
      if (pw_paste_is_coming() || pw_background_is_coming()) return false;
      continue;
    }
    *event = (pw_event){.kind = PW_EVENT_CHARACTER, .value = value};
    return true;
  }
}

static bool take(unsigned pending, unsigned bit) {
  if ((pending & bit) == 0) return false;
  pw_pending_take(bit);
  return true;
}

static bool read_signal(pw_event *event) {
  unsigned pending = pw_pending();
  *event = (pw_event){.kind = PW_EVENT_NONE};
  if (take(pending, PW_PENDING_HANG_UP)) {
    *event = (pw_event){.kind = PW_EVENT_END, .value = SIGHUP};
  } else if (take(pending, PW_PENDING_TERMINATE)) {
    *event = (pw_event){.kind = PW_EVENT_END, .value = SIGTERM};
  } else if (take(pending, PW_PENDING_QUIT)) {
    *event = (pw_event){.kind = PW_EVENT_END, .value = SIGQUIT};
  } else if (take(pending, PW_PENDING_INTERRUPT)) {
    event->kind = PW_EVENT_INTERRUPT;
  } else if (take(pending, PW_PENDING_STOP)) {
    pw_suspend();
    pw_pending_add(PW_PENDING_RESIZE);
    event->kind = PW_EVENT_RESUMED;
  } else if (take(pending, PW_PENDING_CONTINUE)) {
    // Stopped by SIGSTOP: nobody asked us, and the terminal is as the shell left it.
    endwin();
    pw_retake_screen();
    pw_pending_add(PW_PENDING_RESIZE);
    event->kind = PW_EVENT_RESUMED;
  } else if (take(pending, PW_PENDING_RESIZE)) {
    pw_fit_to_terminal();
    int width = getmaxx(stdscr), height = getmaxy(stdscr);
    if (width == shown_width && height == shown_height) return false;
    shown_width = width;
    shown_height = height;
    *event = (pw_event){.kind = PW_EVENT_RESIZE, .x = width, .y = height};
  }
  return event->kind != PW_EVENT_NONE;
}

static bool is_gone(int tty, short revents) {
  if (revents & (POLLHUP | POLLERR | POLLNVAL)) return true;
  // Readable, and yet nothing there to read: the end.
  int count = 0;
  return (revents & POLLIN) != 0 && (ioctl(tty, FIONREAD, &count) != 0 || count == 0);
}

// What is no key: read as bytes until it is over.
static bool is_more_coming(void) { return pw_paste_is_coming() || pw_background_is_coming(); }

static int patience_ms(void) {
  return pw_paste_is_coming() ? pw_paste_patience_ms() : pw_background_patience_ms();
}

static pw_event next_event(int timeout_ms) {
  const pw_event gone = {.kind = PW_EVENT_END, .value = SIGHUP};
  int64_t deadline = timeout_ms < 0 ? 0 : pw_now_ms() + timeout_ms;
  for (;;) {
    pw_event event;
    if (read_signal(&event)) return event;
    if (!is_more_coming() && read_key(&event)) return event;
    if (pw_paste_is_coming() && pw_paste_read(&event)) return event;
    if (pw_background_is_coming()) {
      if (pw_background_read(&event)) return event;
      // It was none: what came may be a key.
      if (!pw_background_is_coming()) continue;
    }
    if (take(pw_pending(), PW_PENDING_WAKE)) return (pw_event){.kind = PW_EVENT_WAKE};
    // A signal may have come in while keys were read.
    if (pw_pending() != 0) continue;
    int64_t left = timeout_ms < 0 ? -1 : deadline - pw_now_ms();
    if (timeout_ms >= 0 && left <= 0) return (pw_event){.kind = PW_EVENT_NONE};
    if (is_more_coming() && (left < 0 || left > patience_ms())) left = patience_ms();
    struct pollfd files[2] = {
        {.fd = fileno(pw_tty), .events = POLLIN},
        {.fd = pw_signals_fd(), .events = POLLIN},
    };
    if (poll(files, 2, (int)left) > 0 && is_gone(files[0].fd, files[0].revents)) return gone;
  }
}

pw_event pw_next_event(int timeout_ms) {
  if (input == NULL) return (pw_event){.kind = PW_EVENT_END, .value = SIGHUP};
  pw_loop_comes_back();
  pw_event event = next_event(timeout_ms);
  pw_loop_leaves();
  return event;
}
