// The terminal as pagewalk needs it: cells out, events in, and the screen given back on every way out.
//
// One screen at a time. Everything but pw_wake belongs to the thread that called pw_open.
#ifndef PW_TERMINAL_H
#define PW_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What pw_open answers.
enum {
  PW_OK = 0,
  PW_NO_TERMINAL,   // the process has no controlling terminal
  PW_TERM_UNSET,    // TERM is unset or empty
  PW_TERM_UNKNOWN,  // terminfo does not know TERM
  PW_TERM_DUMB,     // the terminal cannot move its cursor
  PW_BUSY,          // a screen is open already
  PW_FAILED         // out of memory or file descriptors
};

// Attributes of a cell; they add up.
enum { PW_BOLD = 1, PW_DIM = 2, PW_UNDERLINE = 4, PW_REVERSE = 8 };

// One cell. A color is a palette index, or -1 for the terminal's own. `span` is 1, 2 for a wide glyph and
// 0 for its right half, which is not written.
typedef struct pw_cell {
  uint32_t scalar;
  int16_t foreground;
  int16_t background;
  uint8_t attributes;
  uint8_t span;
} pw_cell;

// What an event is. PW_EVENT_NONE: the time is up. PW_EVENT_WAKE: pw_wake was called.
enum {
  PW_EVENT_NONE = 0,
  PW_EVENT_WAKE,
  PW_EVENT_CHARACTER,  // value: a Unicode scalar, control characters included
  PW_EVENT_ALT,        // value: the scalar that came right after Escape
  PW_EVENT_KEY,        // value: one of PW_KEY_...
  PW_EVENT_MOUSE,      // value: one of PW_MOUSE_...; x, y, shift, control
  PW_EVENT_RESIZE,     // x, y: the new width and height
  PW_EVENT_RESUMED,
  PW_EVENT_INTERRUPT,
  PW_EVENT_END,    // value: the signal that asks the program to end; SIGHUP also when the terminal is gone
  PW_EVENT_PASTE,  // pw_pasted_text gives the text
  PW_EVENT_BACKGROUND  // pw_background may give another color
};

enum {
  PW_KEY_UP = 1,
  PW_KEY_DOWN,
  PW_KEY_LEFT,
  PW_KEY_RIGHT,
  PW_KEY_HOME,
  PW_KEY_END,
  PW_KEY_PAGE_UP,
  PW_KEY_PAGE_DOWN,
  PW_KEY_INSERT,
  PW_KEY_DELETE,
  PW_KEY_BACKSPACE,
  PW_KEY_ENTER,
  PW_KEY_BACK_TAB,
  PW_KEY_FUNCTION = 100  // plus the number of the function key
};

enum {
  PW_MOUSE_PRESS_LEFT = 1,
  PW_MOUSE_PRESS_MIDDLE,
  PW_MOUSE_PRESS_RIGHT,
  PW_MOUSE_RELEASE,
  PW_MOUSE_DOUBLE_CLICK,
  PW_MOUSE_WHEEL_UP,
  PW_MOUSE_WHEEL_DOWN
};

typedef struct pw_event {
  int32_t kind;
  uint32_t value;
  int32_t x;
  int32_t y;
  bool shift;
  bool control;
} pw_event;

// Takes the terminal: the process's own, whatever standard input and output are. Never exits the process.
// With `want_color` false no color is ever set.
int pw_open(bool want_color);
// Gives the terminal back; harmless when it was given back already.
void pw_close(void);

// The number of colors: 0, 8, 16, 88, 256 or more.
int pw_colors(void);
// Whether the locale writes UTF-8.
bool pw_utf8(void);
void pw_size(int *width, int *height);

// The cells that the current locale gives a scalar, negative if it cannot show it. Needs no open screen.
int pw_width(uint32_t scalar);

// Changes `count` cells of row `y` from column `x` on; what lies outside the terminal is left out.
void pw_put_cells(int y, int x, const pw_cell *cells, int count);
// Shows what was put. The cursor is hidden when `cursor_x` is negative.
void pw_show(int cursor_x, int cursor_y);
// Paints every cell anew, for a screen that something else wrote on.
void pw_redraw(void);

// Waits for an event, for ever if `timeout_ms` is negative.
pw_event pw_next_event(int timeout_ms);
// The text of the last PW_EVENT_PASTE, as the terminal sent it, until the next call of pw_next_event. Of a long one
// the beginning.
const uint8_t *pw_pasted_text(size_t *length);
// How pasted text is put together: from its start byte by byte, until pw_paste_take says that its end mark was there.
void pw_paste_start(void);
bool pw_paste_take(uint8_t byte);
// The color of the terminal's background as 0xRRGGBB; negative as long as the terminal has not told it.
int32_t pw_background(void);
// How that answer is put together: from what follows ESC ] byte by byte, until it is whole; `pw_answered_color` is then
// the color, negative if it was another answer. A key may come in between; what is none is no answer at all.
enum { PW_ANSWER_PART, PW_ANSWER_WHOLE, PW_ANSWER_KEY, PW_ANSWER_NONE };
void pw_answer_start(void);
int pw_answer_take(uint8_t byte);
int32_t pw_answered_color(void);
// Makes pw_next_event return; from any thread, and harmless when no screen is open.
void pw_wake(void);
// Gives the terminal back and stops the process, as Ctrl-Z does; returns when it goes on.
void pw_suspend(void);
// Writes bytes to the terminal as they are; they must not move the cursor.
bool pw_write(const uint8_t *bytes, size_t count);

#endif
