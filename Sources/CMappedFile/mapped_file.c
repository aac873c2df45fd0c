#define _GNU_SOURCE 1

#include "mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Only ever grows at its head: the handler may be looking through it at any time. What is not used any more is used again.
static pw_mapping *mappings;
static struct sigaction previous;
static pthread_once_t installed = PTHREAD_ONCE_INIT;
static uint64_t page_size;

enum { unused, changing, in_use };

// Notes that nothing from `end` on can be read any more.
static void lower(pw_mapping *mapping, uint64_t end) {
  uint64_t known = __atomic_load_n(&mapping->readable, __ATOMIC_RELAXED);
  while (end < known &&
         !__atomic_compare_exchange_n(&mapping->readable, &known, end, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
  }
}

// All that is called here may be called in a signal handler.
static bool repair(pw_mapping *mapping, const unsigned char *address) {
  uint64_t offset = (uint64_t)(address - mapping->start) & ~(page_size - 1);
  struct stat status;
  bool is_shorter = fstat(mapping->descriptor, &status) == 0 && (uint64_t)status.st_size < offset;
  lower(mapping, is_shorter ? (uint64_t)status.st_size : offset);
  // To the end at once: a mapping for each page would be more than a process may have.
  return mmap((void *)(mapping->start + offset), mapping->size - offset, PROT_READ,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED;
}

// Whether a SIGBUS came from a mapped file: then zeroes are there now, and the instruction may run again.
static bool is_repaired(int signal, const siginfo_t *info) {
  // A signal that somebody sent has no address.
  if (signal != SIGBUS || info->si_code <= 0) return false;
  const unsigned char *address = info->si_addr;
  int saved_errno = errno;
  bool repaired = false;
  for (pw_mapping *each = __atomic_load_n(&mappings, __ATOMIC_ACQUIRE); each != NULL && !repaired; each = each->next) {
    if (__atomic_load_n(&each->state, __ATOMIC_ACQUIRE) != in_use) continue;
    if (address >= each->start && address < each->start + each->size) repaired = repair(each, address);
  }
  errno = saved_errno;
  return repaired;
}

static void on_bus_error(int signal, siginfo_t *info, void *context) {
  if (is_repaired(signal, info)) return;
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
    // The failing instruction runs again, and the signal does what it does by default; one that was sent is sent again.
    struct sigaction fatal = {.sa_handler = SIG_DFL};
    sigaction(signal, &fatal, NULL);
    if (info->si_code <= 0) raise(signal);
  } else {
    previous.sa_handler(signal);
  }
}

static void install(void) {
  page_size = (uint64_t)sysconf(_SC_PAGESIZE);
  // On the stack that is there for signals, where there is one: what comes before us may need it.
  struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  sigaction(SIGBUS, &action, &previous);
}

// A node that nothing uses, marked as being filled.
static pw_mapping *free_mapping(void) {
  for (pw_mapping *each = __atomic_load_n(&mappings, __ATOMIC_ACQUIRE); each != NULL; each = each->next) {
    int expected = unused;
    if (__atomic_compare_exchange_n(&each->state, &expected, changing, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
      return each;
    }
  }
  pw_mapping *fresh = calloc(1, sizeof *fresh);
  if (fresh == NULL) return NULL;
  fresh->state = changing;
  fresh->next = __atomic_load_n(&mappings, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(&mappings, &fresh->next, fresh, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
  }
  return fresh;
}

pw_mapping *pw_map_file(int descriptor, uint64_t size) {
  pthread_once(&installed, install);
  pw_mapping *mapping = free_mapping();
  if (mapping == NULL) return NULL;
  mapping->descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  void *start = mapping->descriptor < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ, MAP_SHARED, descriptor, 0);
  if (start == MAP_FAILED) {
    int reason = errno;
    if (mapping->descriptor >= 0) close(mapping->descriptor);
    __atomic_store_n(&mapping->state, unused, __ATOMIC_SEQ_CST);
    errno = reason;
    return NULL;
  }
  mapping->start = start;
  mapping->size = size;
  __atomic_store_n(&mapping->readable, size, __ATOMIC_RELAXED);
  __atomic_store_n(&mapping->state, in_use, __ATOMIC_SEQ_CST);
  return mapping;
}

void pw_unmap_file(pw_mapping *mapping) {
  __atomic_store_n(&mapping->state, changing, __ATOMIC_SEQ_CST);
  munmap((void *)mapping->start, mapping->size);
  close(mapping->descriptor);
  __atomic_store_n(&mapping->state, unused, __ATOMIC_SEQ_CST);
}

bool pw_file_is_shorter(pw_mapping *mapping) {
  struct stat status;
  if (fstat(mapping->descriptor, &status) != 0 || (uint64_t)status.st_size >= mapping->size) return false;
  lower(mapping, (uint64_t)status.st_size);
  return true;
}

bool pw_next_data(const pw_mapping *mapping, uint64_t offset, uint64_t *start, uint64_t *end) {
  off_t data = lseek(mapping->descriptor, (off_t)offset, SEEK_DATA);
  if (data < 0 && errno == ENXIO) return false;
  off_t hole = data < 0 ? -1 : lseek(mapping->descriptor, data, SEEK_HOLE);
  *start = data < 0 ? offset : (uint64_t)data;
  // A file that is changed meanwhile may answer anything.
  *end = hole <= data || (uint64_t)hole > mapping->size ? mapping->size : (uint64_t)hole;
  return *start < mapping->size;
}
