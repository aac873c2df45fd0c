#include "internal.h"

#include "pw_fatal_signals.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>
#include <wchar.h>

FILE *pw_tty;
volatile sig_atomic_t pw_on_screen;
struct termios pw_our_modes;

static SCREEN *screen;
static pthread_t owner;
static int colors;
static bool cursor_is_shown;

// Over ssh the locale's name often comes along and its data does not; the name still tells the encoding.
static void set_locale(void) {
  if (setlocale(LC_CTYPE, "") != NULL) return;
  const char *names[] = {getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG")};
  for (int i = 0; i < 3; i++) {
    if (names[i] == NULL || names[i][0] == '\0') continue;
    if (strcasestr(names[i], "utf-8") != NULL || strcasestr(names[i], "utf8") != NULL)
      setlocale(LC_CTYPE, "C.UTF-8");
    return;
  }
}

static int check_term(int tty) {
  const char *name = getenv("TERM");
  if (name == NULL || name[0] == '\0') return PW_TERM_UNSET;
  int found = 0;
  if (setupterm(NULL, tty, &found) != OK && found != 1) return PW_TERM_UNKNOWN;
  char cup[] = "cup";
  const char *move = found == 1 ? tigetstr(cup) : NULL;
  return move == NULL || move == (const char *)-1 ? PW_TERM_DUMB : PW_OK;
}

static bool start_mouse(void) {
  char kmous[] = "kmous";
  const char *report = tigetstr(kmous);
  if (report == NULL || report == (const char *)-1) return false;
  mousemask(ALL_MOUSE_EVENTS, NULL);
  // No waiting for a click to become a double click: that delays every press.
  mouseinterval(0);
  return true;
}

static void start_colors(bool wanted) {
  colors = 0;
  if (!wanted || !has_colors() || start_color() == ERR) return;
  // Without the terminal's own colors a theme made for them would paint over a light background.
  if (use_default_colors() == ERR) return;
  colors = COLORS;
}

static void set_modes(int tty) {
  // Ctrl-S may have stopped the terminal; with this it goes on, and nothing below waits for it.
  pw_our_modes = pw_shell_modes;
  pw_our_modes.c_iflag &= ~(tcflag_t)IXON;
  tcsetattr(tty, TCSANOW, &pw_our_modes);
  cbreak();
  noecho();
  nonl();
  // Ctrl-S must not freeze the screen, nor Ctrl-V swallow the next key; and the keys that make signals must not tear
  // a paste apart, nor drop what was typed before.
  if (tcgetattr(tty, &pw_our_modes) == 0) {
    pw_our_modes.c_iflag &= ~(tcflag_t)IXON;
    pw_our_modes.c_lflag &= ~(tcflag_t)(IEXTEN | ISIG);
    pw_our_modes.c_lflag |= (tcflag_t)NOFLSH;
    tcsetattr(tty, TCSADRAIN, &pw_our_modes);
  }
  def_prog_mode();
}

static void at_exit(void) {
  // Curses is for one thread only; another one that exits goes the short way.
  if (screen != NULL && pthread_equal(owner, pthread_self()))
    pw_close();
  else
    pw_restore_now();
}

int pw_open(bool want_color) {
  static bool registered;
  if (screen != NULL) return PW_BUSY;
  set_locale();
  pw_tty = fopen("/dev/tty", "r+e");
  if (pw_tty == NULL) return PW_NO_TERMINAL;
  int tty = fileno(pw_tty);
  // Before newterm, which already changes the modes.
  pw_restore_remember_modes(tty);
  int status = check_term(tty);
  if (status == PW_OK && !pw_signals_open()) status = PW_FAILED;
  if (status == PW_OK) {
    screen = newterm(NULL, pw_tty, pw_tty);
    if (screen == NULL) {
      pw_signals_close();
      status = PW_TERM_UNKNOWN;
    }
  }
  if (status != PW_OK) {
    fclose(pw_tty);
    pw_tty = NULL;
    return status;
  }
  owner = pthread_self();
  pw_on_screen = 1;
  pw_give_back_when_killed(pw_restore_now);
  if (!registered) registered = atexit(at_exit) == 0;
  // Before anything is written to it.
  set_modes(tty);
  pw_restore_prepare(start_mouse());
  set_escdelay(25);
  start_colors(want_color);
  curs_set(0);
  cursor_is_shown = false;
  pw_stderr_hold();
  if (!pw_input_open()) {
    pw_close();
    return PW_FAILED;
  }
  pw_signal_keys_open();
  pw_paste_ask(true);
  if (colors > 0) pw_background_ask();
  pw_fit_to_terminal();
  return PW_OK;
}

// Curses would set the modes of a terminal that the shell has taken back, and be stopped for it.
static void leave_screen(void) {
  if (!pw_is_in_foreground()) {
    pw_restore_now();
    return;
  }
  pw_paste_ask(false);
  pw_paste_abandon();
  pw_background_await();
  endwin();
  pw_on_screen = 0;
}

void pw_close(void) {
  if (screen == NULL) return;
  pw_signal_keys_close();
  if (pw_on_screen) leave_screen();
  pw_input_close();
  pw_signals_close();
  pw_stderr_release();
  delscreen(screen);
  screen = NULL;
  fclose(pw_tty);
  pw_tty = NULL;
}

int pw_colors(void) { return colors; }

bool pw_utf8(void) { return strcmp(nl_langinfo(CODESET), "UTF-8") == 0; }

void pw_size(int *width, int *height) {
  *width = screen == NULL ? 0 : getmaxx(stdscr);
  *height = screen == NULL ? 0 : getmaxy(stdscr);
}

enum { most_rows_or_columns = 1000 };

void pw_fit_to_terminal(void) {
  struct winsize size;
  // A serial line reports 0 x 0; then terminfo's size stands.
  if (ioctl(fileno(pw_tty), TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return;
  // No screen is larger; a terminal may say anything, and curses has 16 bits for it, and a line of cells for each row.
  int height = size.ws_row < most_rows_or_columns ? size.ws_row : most_rows_or_columns;
  int width = size.ws_col < most_rows_or_columns ? size.ws_col : most_rows_or_columns;
  if (height == getmaxy(stdscr) && width == getmaxx(stdscr)) return;
  resize_term(height, width);
  // Terminals move their content about when they are resized, each in its own way.
  clearok(curscr, TRUE);
}

int pw_width(uint32_t scalar) { return wcwidth((wchar_t)scalar); }

static int palette_color(int index, attr_t *attributes) {
  if (index < 0 || index < colors) return index;
  // The bright half of the palette, on terminals that make it from bold.
  if (index < 16 && colors >= 8) {
    *attributes |= A_BOLD;
    return index - 8;
  }
  return -1;
}

static void put_cell(int y, int x, const pw_cell *cell) {
  attr_t attributes = A_NORMAL;
  if (cell->attributes & PW_BOLD) attributes |= A_BOLD;
  if (cell->attributes & PW_DIM) attributes |= A_DIM;
  if (cell->attributes & PW_UNDERLINE) attributes |= A_UNDERLINE;
  if (cell->attributes & PW_REVERSE) attributes |= A_REVERSE;
  int pair = 0;
  if (colors > 0 && (cell->foreground >= 0 || cell->background >= 0)) {
    int foreground = palette_color(cell->foreground, &attributes);
    int background = palette_color(cell->background, &attributes);
    pair = alloc_pair(foreground, background);
    if (pair < 0) pair = 0;
  }
  wchar_t text[2] = {(wchar_t)cell->scalar, L'\0'};
  // The locale has the last word on what can be shown and how wide it is; else whole lines would shift.
  bool fits = (cell->scalar >= 0x20 && cell->scalar < 0x7F) || pw_width(cell->scalar) == cell->span;
  if (!fits) text[0] = L'?';
  cchar_t glyph;
  if (setcchar(&glyph, text, attributes, 0, &pair) != OK) return;
  mvadd_wch(y, x, &glyph);
  if (!fits && cell->span == 2) {
    text[0] = L' ';
    if (setcchar(&glyph, text, attributes, 0, &pair) == OK) mvadd_wch(y, x + 1, &glyph);
  }
}

void pw_put_cells(int y, int x, const pw_cell *cells, int count) {
  if (screen == NULL || y < 0 || y >= getmaxy(stdscr) || x < 0) return;
  int width = getmaxx(stdscr);
  for (int i = 0; i < count && i < width - x; i++) {
    if (cells[i].span == 0) continue;
    // A wide glyph that has lost its right half to the edge would wrap.
    if (cells[i].span == 2 && x + i + 1 >= width) {
      const pw_cell space = {' ', cells[i].foreground, cells[i].background, cells[i].attributes, 1};
      put_cell(y, x + i, &space);
    } else {
      put_cell(y, x + i, &cells[i]);
    }
  }
}

void pw_show(int cursor_x, int cursor_y) {
  if (screen == NULL || !pw_on_screen) return;
  bool visible = cursor_x >= 0 && cursor_x < getmaxx(stdscr) && cursor_y >= 0 && cursor_y < getmaxy(stdscr);
  if (visible != cursor_is_shown) curs_set(visible ? 1 : 0);
  cursor_is_shown = visible;
  if (visible) move(cursor_y, cursor_x);
  wnoutrefresh(stdscr);
  doupdate();
}

void pw_redraw(void) {
  if (screen == NULL || !pw_on_screen) return;
  clearok(curscr, TRUE);
  doupdate();
}

void pw_retake_screen(void) {
  pw_on_screen = 1;
  pw_stderr_hold();
  pw_fit_to_terminal();
  clearok(curscr, TRUE);
  doupdate();
  curs_set(cursor_is_shown ? 1 : 0);
  pw_paste_ask(true);
}

void pw_suspend(void) {
  if (screen == NULL || !pw_on_screen) return;
  leave_screen();
  pw_stderr_release();
  pw_stop_process();
  unsigned pending = pw_pending();
  pw_pending_take(PW_PENDING_STOP | PW_PENDING_CONTINUE);
  // Ended while it was stopped: the terminal is the shell's.
  if ((pending & PW_PENDING_END) == 0) pw_retake_screen();
}

bool pw_write(const uint8_t *bytes, size_t count) {
  if (screen == NULL || !pw_on_screen) return false;
  while (count > 0) {
    ssize_t written = write(fileno(pw_tty), bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes += written;
    count -= (size_t)written;
  }
  return true;
}
