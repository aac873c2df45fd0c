// What the files of this target share; nothing here is for others.
#ifndef PW_INTERNAL_H
#define PW_INTERNAL_H

// Before any system header: without these, ncurses hides its wide-character functions and libc memfd_create.
#define NCURSES_WIDECHAR 1
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <curses.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <termios.h>

#include "include/pw_terminal.h"

// The terminal itself (screen.c).
extern FILE *pw_tty;
// Whether the terminal shows our screen now; cleared first by whatever gives it back.
extern volatile sig_atomic_t pw_on_screen;
// Takes the screen anew after it was given back, and reads its size.
void pw_retake_screen(void);
// Fits curses to the size that the kernel reports.
void pw_fit_to_terminal(void);

// The modes that the shell has, and those that our screen is used with (restore.c, screen.c).
extern struct termios pw_shell_modes;
extern struct termios pw_our_modes;

// The window that input is read through (input.c).
bool pw_input_open(void);
void pw_input_close(void);
int64_t pw_now_ms(void);

// The keys that make signals (signal_keys.c).
void pw_signal_keys_open(void);
void pw_signal_keys_close(void);
// The event loop asks for events again, or goes to work.
void pw_loop_comes_back(void);
void pw_loop_leaves(void);
// Sends the signal of a key that makes one; false if it makes none.
bool pw_send_signal_of_key(unsigned value);

// Pasted text, which the terminal tells apart from keys (paste.c).
enum { PW_KEY_CODE_PASTE = 2000 };
void pw_paste_open(void);
// Asks the terminal to mark what is pasted, or to do so no more; NULL if it is none of the kind.
const char *pw_paste_request(bool marked);
void pw_paste_ask(bool marked);
void pw_paste_begin(void);
bool pw_paste_is_coming(void);
// Takes what has come of a paste; true if that is all of it.
bool pw_paste_read(pw_event *event);
// How long the paste may still be silent before it counts as over.
int pw_paste_patience_ms(void);
// Drops what is still to come, so that no shell reads it; safe in a signal handler.
void pw_paste_abandon(void);

// The color of the background, which the terminal may tell (background.c).
// Asks for it, where that does no harm; the answer comes among the keys, or never.
void pw_background_ask(void);
// ESC ] has come: the beginning of the answer, or else of `event_if_none`.
void pw_background_begin(pw_event event_if_none);
bool pw_background_is_coming(void);
// Takes what has come of it; true if that makes an event.
bool pw_background_read(pw_event *event);
int pw_background_patience_ms(void);
// Takes an answer that is to come soon, so that no shell reads it.
void pw_background_await(void);
// Drops it; safe in a signal handler.
void pw_background_abandon(void);

// The way back without curses, safe in a signal handler (restore.c).
void pw_restore_remember_modes(int tty);
void pw_restore_prepare(bool mouse);
void pw_restore_now(void);
// Whether the terminal is ours to set the modes of: a shell may have it meanwhile. Safe in a signal handler.
bool pw_is_in_foreground(void);

// What is written to standard error while the screen is up is kept, and shown afterwards (held_stderr.c).
void pw_stderr_hold(void);
// Safe in a signal handler.
void pw_stderr_release(void);

// Signals become bits, taken one at a time (signals.c).
enum {
  PW_PENDING_HANG_UP = 1,
  PW_PENDING_TERMINATE = 2,
  PW_PENDING_INTERRUPT = 4,
  PW_PENDING_STOP = 8,
  PW_PENDING_CONTINUE = 16,
  PW_PENDING_RESIZE = 32,
  PW_PENDING_WAKE = 64,
  PW_PENDING_QUIT = 128,
  PW_PENDING_END = PW_PENDING_HANG_UP | PW_PENDING_TERMINATE | PW_PENDING_QUIT
};
bool pw_signals_open(void);
void pw_signals_close(void);
int pw_signals_fd(void);
// Empties the pipe and gives all that is pending, without taking it.
unsigned pw_pending(void);
void pw_pending_take(unsigned bits);
void pw_pending_add(unsigned bits);
// Stops the process the way the signal's default action does; false if it must not be stopped.
bool pw_stop_process(void);

#endif
