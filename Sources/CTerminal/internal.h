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

// The window that input is read through (input.c).
bool pw_input_open(void);
void pw_input_close(void);

// The way back without curses, safe in a signal handler (restore.c).
void pw_restore_remember_modes(int tty);
void pw_restore_prepare(bool mouse);
void pw_restore_now(void);

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
  PW_PENDING_WAKE = 64
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

// The handlers for crashes (crash.c).
void pw_crash_open(void);
void pw_crash_close(void);

#endif
