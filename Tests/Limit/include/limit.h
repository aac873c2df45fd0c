#ifndef LIMIT_H
#define LIMIT_H

#include <stddef.h>
#include <stdint.h>

/// A piece of physical memory, mapped.
struct limit_segment {
    uint64_t start, end;
    const uint8_t *_Nonnull bytes;
};

/// What one pass read.
struct limit_result {
    uint64_t tables, leaves;
    double milliseconds;
};

/// Reads every entry of every distinct x86-64 table that the roots reach once, storing nothing but which tables
/// were seen: the least that any index of them must do. `levels` is 4 or 5. The best of `repeats` passes.
struct limit_result limit_read_tables(
    const struct limit_segment *_Nonnull segments, size_t segment_count, const uint64_t *_Nonnull roots,
    size_t root_count, int levels, int repeats);

/// Bytes that the process has allocated and not freed.
size_t limit_allocated_bytes(void);

#endif
