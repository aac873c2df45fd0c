#include "limit.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PRESENT = 1, PAGE_SIZE_BIT = 0x80 };
static const uint64_t ADDRESS = 0x000ffffffffff000;

size_t limit_allocated_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

struct pass {
    const struct limit_segment *segments;
    size_t segment_count;
    uint64_t frames;
    uint8_t *seen[6]; /* by level and frame */
    uint64_t *stack;  /* frame << 3 | level */
    size_t depth;
    uint64_t tables, leaves;
};

static const uint64_t *table_at(const struct pass *pass, uint64_t frame) {
    uint64_t address = frame << 12;
    for (size_t i = 0; i < pass->segment_count; i++) {
        const struct limit_segment *segment = &pass->segments[i];
        if (address >= segment->start && address + 4096 <= segment->end)
            return (const uint64_t *)(segment->bytes + (address - segment->start));
    }
    return NULL;
}

static void push(struct pass *pass, uint64_t frame, int level) {
    if (frame >= pass->frames || pass->seen[level][frame]) return;
    pass->seen[level][frame] = 1;
    pass->stack[pass->depth++] = frame << 3 | (uint64_t)level;
}

static void read_all(struct pass *pass) {
    while (pass->depth) {
        uint64_t top = pass->stack[--pass->depth];
        int level = top & 7;
        const uint64_t *table = table_at(pass, top >> 3);
        if (!table) continue;
        pass->tables++;
        if (level == 1) {
            uint64_t count = 0;
            for (int i = 0; i < 512; i++) count += table[i] & PRESENT;
            pass->leaves += count;
            continue;
        }
        for (int i = 0; i < 512; i++) {
            uint64_t entry = table[i];
            if (!(entry & PRESENT)) continue;
            if (entry & PAGE_SIZE_BIT && level <= 3) {
                pass->leaves++;
                continue;
            }
            push(pass, (entry & ADDRESS) >> 12, level - 1);
        }
    }
}

struct limit_result limit_read_tables(
    const struct limit_segment *segments, size_t segment_count, const uint64_t *roots, size_t root_count,
    int levels, int repeats) {
    struct limit_result best = {0, 0, 0};
    struct pass pass = {.segments = segments, .segment_count = segment_count};
    for (size_t i = 0; i < segment_count; i++)
        if (segments[i].end >> 12 > pass.frames) pass.frames = segments[i].end >> 12;
    for (int level = 1; level <= levels; level++) pass.seen[level] = calloc(pass.frames, 1);
    pass.stack = malloc((pass.frames * (uint64_t)levels + 1) * sizeof *pass.stack);
    for (int repeat = 0; repeat < repeats; repeat++) {
        for (int level = 1; level <= levels; level++) memset(pass.seen[level], 0, pass.frames);
        pass.tables = pass.leaves = 0;
        double start = now();
        for (size_t i = 0; i < root_count; i++) {
            push(&pass, (roots[i] & ADDRESS) >> 12, levels);
            read_all(&pass);
        }
        double time = now() - start;
        if (repeat == 0 || time < best.milliseconds) best.milliseconds = time;
    }
    best.tables = pass.tables;
    best.leaves = pass.leaves;
    for (int level = 1; level <= levels; level++) free(pass.seen[level]);
    free(pass.stack);
    return best;
}
