// What a signal that ends the program must still do: unfinished files go, a terminal is given back,
// and what runs elsewhere is told.
//
// After that the program ends by that very signal, as whoever waits for it expects.
#ifndef PW_FATAL_SIGNALS_H
#define PW_FATAL_SIGNALS_H

#include <stddef.h>

/// Takes every signal whose default action ends a process, crashes included. Signals that somebody else handles or
/// ignores stay theirs, but that crashes are handed on to who took them before.
void pw_watch_fatal_signals(void);

/// Removes the file of that name when a signal ends the program; NULL: none any more. One file at a time.
void pw_remove_when_killed(const char *path);

/// Calls `give_back`, which must be safe in a signal handler, when a signal ends the program.
void pw_give_back_when_killed(void (*give_back)(void));

/// Sends `count` bytes (at most 256) through a socket when the program ends, by a signal or by itself: so that what it
/// stopped runs on. The number to take them back by, or -1 where there is no room. The descriptor must stay open.
int pw_say_when_ended(int descriptor, const void *bytes, size_t count);

/// Starts a process that says a socket's bytes when the program ends in a way that lets it say nothing itself, as SIGKILL
/// does: a descriptor to be closed when it is not needed any more (the socket is to be shut down first), or -1.
int pw_guard(int descriptor);

/// Puts other bytes in their place: at any time, either these or those are sent.
void pw_say_instead(int number, const void *bytes, size_t count);

/// Sends them now, and never again.
void pw_say_now(int number);

/// Takes such bytes back.
void pw_say_no_more(int number);

/// Ends the program as the signal's default action does; safe in a signal handler.
_Noreturn void pw_end_by_signal(int signal);

#endif
