#ifndef PW_MAPPED_FILE_H
#define PW_MAPPED_FILE_H

#include <stdbool.h>
#include <stdint.h>

/// A file that is mapped for reading, in a list that the handler of SIGBUS looks through.
///
/// Reading a page that lies past the end of its file raises SIGBUS; a file that somebody cuts short has such pages all of
/// a sudden, as has one on a disk that fails. The handler puts zeroes there, so that the instruction can go on, and
/// notes where the file ends now; whoever reads asks for that end before and after, and takes no zero for a byte.
typedef struct pw_mapping {
  const unsigned char *start;
  uint64_t size;
  /// Bytes that can still be read, `size` as long as all of them can; it only ever falls.
  uint64_t readable;
  int descriptor;
  int state;
  struct pw_mapping *next;
} pw_mapping;

/// Maps `size` bytes of a file; NULL, with errno, when that fails. The descriptor may be closed afterwards.
pw_mapping *pw_map_file(int descriptor, uint64_t size);

/// Takes the mapping away.
void pw_unmap_file(pw_mapping *mapping);

/// Asks the system whether the file has become shorter, which also tells of a page that is gone in part only.
bool pw_file_is_shorter(pw_mapping *mapping);

/// Finds the first part of the file that holds data and ends behind `offset`; what lies before it is a hole, which reads
/// as zeroes. False when there is none. Where the system knows of no holes, all is data.
bool pw_next_data(const pw_mapping *mapping, uint64_t offset, uint64_t *start, uint64_t *end);

/// The bytes of the file that can be read, as far as is known: one load.
static inline uint64_t pw_readable_bytes(const pw_mapping *mapping) {
  return __atomic_load_n(&mapping->readable, __ATOMIC_ACQUIRE);
}

/// Reads one of `length` bytes, so that what is gone is known to be before anybody makes sense of it: a file is cut from
/// its end. What is missing in the middle, as on a disk that fails, is told apart afterwards.
static inline void pw_touch(const void *start, uint64_t length) {
  const volatile unsigned char *first = start, *last = first + length - 1;
  // Within one page the first byte tells as much as the last, and is what will be read first: one wait for memory instead
  // of two.
  (void)*(((uintptr_t)first ^ (uintptr_t)last) < 4096 ? first : last);
  // The handler runs between the read and what follows it.
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/// Keeps reads of the bytes before the question whether they were there.
static inline void pw_have_read(void) { __atomic_thread_fence(__ATOMIC_ACQUIRE); }

#endif
