// Stream sockets to a running target. Every call that could wait takes a limit, and none raises SIGPIPE.
#ifndef PW_SOCKETS_H
#define PW_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Is called with each new socket before it is connected: whoever listens may act at once. NULL: nothing is called.
typedef void (*pw_preparation)(int descriptor, void *context);

/// Connects to a Unix socket; the descriptor, or the negated errno (ENAMETOOLONG where no address holds the path).
int pw_connect_unix(const char *path, int milliseconds, pw_preparation prepare, void *context);

/// Connects to `host` and `port`, one address after the other; the descriptor, or the negated errno. ENOENT: no such
/// host. The limit is for each address; looking the name up has the system's own.
int pw_connect_tcp(
    const char *host, const char *port, int milliseconds, pw_preparation prepare, void *context);

/// The process at the other end of a Unix socket; 0 where the system does not tell.
pid_t pw_peer_process(int descriptor);

/// Sends all bytes, together with `passed` (a descriptor, or -1); 0, or the negated errno.
int pw_send(int descriptor, const void *bytes, size_t count, int passed, int milliseconds);

/// Receives up to `count` bytes: how many, 0 at the end of the stream, -ETIMEDOUT, or the negated errno.
ssize_t pw_receive(int descriptor, void *bytes, size_t count, int milliseconds);

/// A file in memory without a name; the descriptor, or the negated errno.
int pw_memory_file(void);

/// Milliseconds of a clock that nobody sets.
int64_t pw_milliseconds(void);

#endif
