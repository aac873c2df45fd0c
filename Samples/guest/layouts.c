/* The processes of the workload. Each is named after what its page tables show, touches its pages, stops
   once at the checkpoint in user mode, and then sleeps for good. */
#define _GNU_SOURCE
#include "workload.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { read_only = PROT_READ, read_write = PROT_READ | PROT_WRITE };

static int done[2]; /* a pipe: one byte for each process that is ready to sleep */
static int shared_memory, file, huge_memory;
static size_t huge_page;
static char *program_name; /* the first of the arguments, as the kernel laid them out */

/* ---- pages -------------------------------------------------------------------------------------- */

/* Without `at`, the kernel chooses the address. */
static char *map(char *at, size_t length, int access, int flags, int fd, off_t offset) {
  char *result = mmap(at, length, access, flags | (at ? MAP_FIXED_NOREPLACE : 0), fd, offset);
  if (result != MAP_FAILED) return result;
  cannot("map a region");
  return NULL;
}

static char *map_anonymous(char *at, size_t length) {
  return map(at, length, read_write, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Writes at the start of every step-th page. */
static void write_pages(char *at, size_t pages, size_t step) {
  for (size_t i = 0; at && i < pages; i += step) *(volatile uintptr_t *)(at + i * page) = (uintptr_t)at + i;
}

static void read_pages(const char *at, size_t pages) {
  for (size_t i = 0; at && i < pages; i++) (void)*(volatile const char *)(at + i * page);
}

/* ---- starting ----------------------------------------------------------------------------------- */

__attribute__((noreturn)) static void finish(void) {
  checkpoint(event_root, syscall(SYS_getpid), NULL, 0);
  syscall(SYS_write, done[1], "", 1);
  for (;;) syscall(SYS_rt_sigsuspend, &(uint64_t){0}, sizeof(uint64_t));
}

static void await(void) {
  char byte;
  if (read(done[0], &byte, 1) != 1) cannot("wait for a process");
}

static void start(const char *name, void (*layout)(void)) {
  if (fork() == 0) {
    prctl(PR_SET_NAME, name);
    layout();
    finish();
  }
  await();
}

/* ---- ordinary memory ---------------------------------------------------------------------------- */

static void anonymous(void) {
  write_pages(map_anonymous(place(0), 32 * page), 32, 1);
  write_pages(map_anonymous(place(1), 64 * page), 64, 16);
  read_pages(map_anonymous(place(2), 8 * page), 8); /* only read: the kernel's page of zeroes */
}

static void share_a(void) {
  write_pages(map(place(3), 16 * page, read_write, MAP_SHARED, shared_memory, 0), 16, 1);
}

static void share_b(void) {
  read_pages(map(place(3), 16 * page, read_write, MAP_SHARED, shared_memory, 0), 16);
}

static void share_elsewhere(void) {
  read_pages(map(place(5), 16 * page, read_only, MAP_SHARED, shared_memory, 0), 16);
}

static void share_twice(void) {
  read_pages(map(place(3), 16 * page, read_write, MAP_SHARED, shared_memory, 0), 16);
  read_pages(map(place(6), 8 * page, read_only, MAP_SHARED, shared_memory, 8 * page), 8);
}

static void file_pages(void) {
  read_pages(map(place(0), 8 * page, read_only, MAP_PRIVATE, file, 0), 8);
  char *copied = map(place(1), 8 * page, read_write, MAP_PRIVATE, file, 0);
  read_pages(copied, 8);
  write_pages(copied, 4, 1); /* these four become private copies */
  write_pages(map(place(2), 8 * page, read_write, MAP_SHARED, file, 8 * page), 8, 1);
}

/* All pages stay present for the kernel; the last four of place(0) are not present for the CPU. */
static void protect(void) {
  char *data = map_anonymous(place(0), 12 * page);
  write_pages(data, 12, 1);
  mprotect(data + 4 * page, 4 * page, PROT_READ);
  mprotect(data + 8 * page, 4 * page, PROT_NONE);
  char *code = map_anonymous(place(1), 4 * page);
  write_pages(code, 4, 1);
  mprotect(code, 4 * page, PROT_READ | PROT_EXEC);
}

static void cow_child(void) { write_pages(place(0), 16, 2); }

static void cow_parent(void) {
  write_pages(map_anonymous(place(0), 16 * page), 16, 1);
  start("cow_child", cow_child);
}

static void swapped(void) {
  char *at = map_anonymous(place(0), 16 * page);
  write_pages(at, 16, 1);
  if (madvise(at, 8 * page, MADV_PAGEOUT)) cannot("page out");
}

/* Equal pages, merged by the kernel later on: one frame at sixteen addresses. */
static void merged(void) {
  char *at = map_anonymous(place(0), 16 * page);
  memset(at, 'm', 16 * page);
  if (madvise(at, 16 * page, MADV_MERGEABLE)) cannot("merge equal pages");
}

/* The last two need 5 levels. */
static void far_apart(void) {
  static const uint64_t addresses[] = {
      0x10000,        0x3fc00000,     0x7fc00000,       0xbf000000,
      0x5555aaaa0000, 0x7fe000000000, 0x80000000000000, 0xffff0000000000,
  };
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    char *at = (char *)(uintptr_t)addresses[i];
    if ((uintptr_t)at != addresses[i]) break;
    if (at == mmap(at, page, read_write, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0))
      write_pages(at, 1, 1);
  }
}

/* ---- huge pages --------------------------------------------------------------------------------- */

static void transparent_huge(void) {
  char *whole = map_anonymous(place(0), huge_page), *split = map_anonymous(place(1), huge_page),
       *zero = map_anonymous(place(2), huge_page);
  if (!whole || !split || !zero) return;
  madvise(whole, huge_page, MADV_HUGEPAGE);
  madvise(split, huge_page, MADV_HUGEPAGE);
  madvise(zero, huge_page, MADV_HUGEPAGE);
  write_pages(whole, 1, 1);
  write_pages(split, 1, 1);
  mprotect(split + 8 * page, page, PROT_READ); /* one page differs: small entries for the same frames */
  read_pages(zero, 1);
}

/* A whole, aligned GiB lets the 64-bit kernel share the table of the huge pages among processes. */
static void hugetlb(void) {
  size_t length = sizeof(void *) == 8 ? (size_t)1 << 30 : 4 * huge_page;
  char *at = map(place(256), length, read_write, MAP_SHARED | MAP_NORESERVE, huge_memory, 0);
  for (size_t i = 0; at && i < 4; i++) write_pages(at + i * huge_page, 1, 1);
}

/* ---- memory that the kernel maps too, or more than one process, or not the usual way -------------- */

static int bpf_map(uint32_t type, uint32_t key, uint32_t value, uint32_t entries, uint32_t flags) {
  union bpf_attr attributes = {
      .map_type = type, .key_size = key, .value_size = value, .max_entries = entries, .map_flags = flags};
  int fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes);
  if (fd < 0) cannot("make a BPF map");
  return fd;
}

/* Both live in the kernel's vmalloc area; the ring's data pages stand there, and here, twice in a row. */
static void bpf_memory(void) {
  int array = bpf_map(BPF_MAP_TYPE_ARRAY, 4, page, 8, BPF_F_MMAPABLE);
  if (array >= 0) write_pages(map(place(0), 8 * page, read_write, MAP_SHARED, array, 0), 8, 1);
  int ring = bpf_map(BPF_MAP_TYPE_RINGBUF, 0, 0, 4 * page, 0);
  if (ring < 0) return;
  read_pages(map(place(1), page, read_write, MAP_SHARED, ring, 0), 1);
  read_pages(map(place(1) + page, 9 * page, read_only, MAP_SHARED, ring, page), 9);
}

/* Pages of the kernel's direct map. It has to choose the addresses itself. */
static void io_ring(void) {
  struct io_uring_params parameters = {0};
  int fd = syscall(SYS_io_uring_setup, 64, &parameters);
  if (fd < 0) return cannot("make an I/O ring");
  read_pages(map(NULL, page, read_write, MAP_SHARED, fd, IORING_OFF_SQ_RING), 1);
  read_pages(map(NULL, page, read_write, MAP_SHARED, fd, IORING_OFF_SQES), 1);
}

/* The kernel takes these frames out of its own direct map. */
static void secret(void) {
  int fd = syscall(SYS_memfd_secret, 0);
  if (fd < 0 || ftruncate(fd, 4 * page)) return cannot("make secret memory");
  write_pages(map(place(0), 4 * page, read_write, MAP_SHARED, fd, 0), 4, 1);
}

/* Physical memory that is no RAM, so a dump does not hold it: the text screen of a PC, the flash memory of QEMU's other
   machines, which holds nothing here. */
static void device(void) {
#if defined __aarch64__
  const off_t address = 0x4000000;
#elif defined __riscv
  const off_t address = 0x20000000;
#else
  const off_t address = 0xb8000;
#endif
  int fd = open("/dev/mem", O_RDWR);
  if (fd < 0) return cannot("open /dev/mem");
  read_pages(map(place(0), page, read_only, MAP_SHARED, fd, address), 1);
}

static int second_of_pair(void *unused) {
  (void)unused;
  syscall(SYS_prctl, PR_SET_NAME, "one_space_b", 0, 0, 0);
  finish();
}

/* Two processes in one address space, each with a stack of its own. */
static void one_space(void) {
  char *stack = map_anonymous(place(0), 8 * page);
  if (!stack || clone(second_of_pair, stack + 8 * page, CLONE_VM | SIGCHLD, NULL) < 0)
    return cannot("clone into the same space");
  await();
}

/* ---- processes that are easily overlooked, or misread --------------------------------------------- */

static int main_thread_lives = 1;

static int thread_that_stays(void *unused) {
  (void)unused;
  while (*(volatile int *)&main_thread_lives) syscall(SYS_sched_yield);
  finish();
}

/* The main thread ends, and the process lives on in another one. */
static void main_ended(void) {
  char *stack = map_anonymous(place(0), 8 * page);
  write_pages(map_anonymous(place(1), 8 * page), 8, 1);
  /* The kernel sets it to 0 once the thread has given up its memory. */
  syscall(SYS_set_tid_address, &main_thread_lives);
  const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  if (!stack || clone(thread_that_stays, stack + 8 * page, flags, NULL) < 0) return cannot("start a thread");
  syscall(SYS_exit, 0);
}

static void no_name(void) { write_pages(map_anonymous(place(0), 8 * page), 8, 1); }

/* A title over the arguments, of which there is one, and on into the environment behind them. */
static void titled(void) {
  char *title = program_name;
  size_t room = 0;
  for (char **variable = environ; *variable; variable++) room = *variable + strlen(*variable) - title;
  static const char text[] = "titled: over all";
  if (room < sizeof text) return cannot("write a title");
  memcpy(title, text, sizeof text);
}

/* ---- all of them -------------------------------------------------------------------------------- */

static int memory_file(const char *name, size_t length, unsigned flags) {
  int fd = memfd_create(name, flags);
  if (fd < 0 || ftruncate(fd, length)) cannot("make memory \"%s\"", name);
  return fd;
}

void start_processes(char *name) {
  program_name = name;
  huge_page = get("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
  if (!huge_page) huge_page = 2 << 20;
  shared_memory = memory_file("shared", 16 * page, 0);
  huge_memory = memory_file("huge", sizeof(void *) == 8 ? (size_t)1 << 30 : 4 * huge_page, MFD_HUGETLB);
  file = open("/data", O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, 16 * page)) cannot("write a file");
  if (pipe(done)) cannot("make a pipe");

  static const struct {
    const char *name;
    void (*layout)(void);
  } processes[] = {
      {"anonymous", anonymous},
      {"share_a", share_a},
      {"share_b", share_b},
      {"share_elsewhere", share_elsewhere},
      {"share_twice", share_twice},
      {"file", file_pages},
      {"protect", protect},
      {"cow_parent", cow_parent},
      {"thp", transparent_huge},
      {"hugetlb_a", hugetlb},
      {"hugetlb_b", hugetlb},
      {"bpf", bpf_memory},
      {"io_uring", io_ring},
      {"secret", secret},
      {"device", device},
      {"far", far_apart},
      {"one_space_a", one_space},
      {"merged", merged},
      {"swap", swapped},
      {"main_ended", main_ended},
      {"", no_name},
      {"titled", titled},
  };
  for (size_t i = 0; i < sizeof processes / sizeof *processes; i++)
    start(processes[i].name, processes[i].layout);

  put("/sys/kernel/mm/ksm/run", "1");
  for (int i = 0; i < 100 && get("/sys/kernel/mm/ksm/pages_sharing") < 15; i++) usleep(50000);
  put("/sys/kernel/mm/ksm/run", "0");
}
