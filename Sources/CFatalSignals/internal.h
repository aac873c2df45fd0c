// What the files of this target share; nothing here is for others.
#ifndef PW_FATAL_SIGNALS_INTERNAL_H
#define PW_FATAL_SIGNALS_INTERNAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <signal.h>
#include <stdbool.h>

#include "include/pw_fatal_signals.h"

// Removes the unfinished file and gives the terminal back (fatal_signals.c).
void pw_clean_up(void);

// Sends what was left to be said (last_words.c).
void pw_say_last_words(void);
// The same for one socket.
void pw_say_last_words_of(int descriptor);

// Makes the place for them, which processes that are forked afterwards share.
void pw_prepare_last_words(void);

// Signals that tell of a fault in the program (crash.c).
bool pw_is_crash(int signal);
void pw_watch_crashes(void);

#endif
