#ifndef PW_UNFINISHED_H
#define PW_UNFINISHED_H

/// Removes the file of that name when SIGINT, SIGTERM or SIGHUP ends the program; NULL: none any more. One file at a
/// time. Signals that somebody else handles or ignores stay theirs.
void pw_remove_when_killed(const char *path);

#endif
