/* The guest kernel's own words about its processes, its symbols and the pages of every user process, as one
   text in memory. The host takes it from there, so that nothing in the guest runs between the report and the
   dump. */
#define _GNU_SOURCE
#include "workload.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { capacity = 1 << 20, names = 256 };

static char *text;
static size_t used;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text + used, capacity - used, format, arguments);
  va_end(arguments);
  if (length < 0 || used + length >= capacity) {
    cannot("hold the whole report");
    exit(1);
  }
  used += length;
}

/* Consecutive pages with the same flags, and consecutive frames. */
struct run {
  uint64_t va, pages, entry;
};

/* Bits of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst of the kernel). */
enum { present = 63, swapped = 62, file_or_shared = 61, exclusive = 56 };
static const uint64_t frame_mask = ((uint64_t)1 << 55) - 1;
static const uint64_t flag_mask = (uint64_t)1 << present | (uint64_t)1 << swapped |
                                  (uint64_t)1 << file_or_shared | (uint64_t)1 << exclusive;

static void say_run(int pid, const struct run *run) {
  if (!run->pages) return;
  say("pages\t%d\t0x%" PRIx64 "\t%" PRIu64 "\t0x%" PRIx64 "\t%s%s%s%s\n", pid, run->va, run->pages,
      run->entry & frame_mask, run->entry >> present & 1 ? "P" : "", run->entry >> swapped & 1 ? "S" : "",
      run->entry >> file_or_shared & 1 ? "F" : "", run->entry >> exclusive & 1 ? "X" : "");
}

static void report_range(int pid, int pagemap, uint64_t start, uint64_t end) {
  static uint64_t entries[512];
  struct run run = {0};
  for (uint64_t va = start; va < end;) {
    uint64_t wanted = (end - va) / page;
    if (wanted > 512) wanted = 512;
    ssize_t got = pread64(pagemap, entries, wanted * 8, va / page * 8);
    if (got < 8) break;
    for (ssize_t i = 0; i < got / 8; i++, va += page) {
      uint64_t next = (run.entry & (flag_mask | frame_mask)) + run.pages;
      if (run.pages && run.entry >> present & 1 && (entries[i] & (flag_mask | frame_mask)) == next) {
        run.pages++;
        continue;
      }
      say_run(pid, &run);
      run = (struct run){va, entries[i] >> present & 1 || entries[i] >> swapped & 1, entries[i]};
    }
  }
  say_run(pid, &run);
}

/* Every so-many-th line of a file, as it stands. */
static void report_lines(const char *kind, const char *path, int every) {
  char line[512];
  FILE *file = fopen(path, "r");
  for (int number = 0; file && fgets(line, sizeof line, file); number++)
    if (number % every == 0) say("%s\t%s%s", kind, line, strchr(line, '\n') ? "" : "\n");
  if (file) fclose(file);
}

/* The arguments, a field each; kernel threads have none. */
static void report_command(int pid) {
  char path[64], words[names];
  snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
  int fd = open(path, O_RDONLY);
  ssize_t length = fd < 0 ? 0 : read(fd, words, sizeof words - 1);
  if (fd >= 0) close(fd);
  if (length <= 0) return;
  if (!words[length - 1]) length--;
  words[length] = 0;
  for (ssize_t i = 0; i < length; i++)
    if (!words[i]) words[i] = '\t';
  say("command\t%d\t%s\n", pid, words);
}

static int last_thread(int pid) {
  char path[64];
  int last = pid;
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *threads = opendir(path);
  struct dirent *entry;
  while (threads && (entry = readdir(threads)))
    if (atoi(entry->d_name) > last) last = atoi(entry->d_name);
  if (threads) closedir(threads);
  return last;
}

/* What the kernel says a process uses, in kilobytes. Its own process is being counted while it changes. */
static void report_memory(int pid, int thread) {
  char path[64], line[128];
  unsigned long kilobytes, rss = 0, pss = 0, private = 0, swap = 0;
  snprintf(path, sizeof path, "/proc/%d/task/%d/smaps_rollup", pid, thread);
  /* Only the process has the file. */
  if (access(path, R_OK)) snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
  FILE *file = fopen(path, "r");
  int found = 0; /* kernel threads have none */
  while (file && fgets(line, sizeof line, file)) {
    if (sscanf(line, "Rss: %lu kB", &kilobytes) == 1) rss = kilobytes, found = 1;
    if (sscanf(line, "Pss: %lu kB", &kilobytes) == 1) pss = kilobytes;
    if (sscanf(line, "Private_Clean: %lu kB", &kilobytes) == 1) private += kilobytes;
    if (sscanf(line, "Private_Dirty: %lu kB", &kilobytes) == 1) private += kilobytes;
    if (sscanf(line, "Swap: %lu kB", &kilobytes) == 1) swap = kilobytes;
  }
  if (file) fclose(file);
  if (found) say("memory\t%d\t%lu\t%lu\t%lu\t%lu\n", pid, rss, pss, private, swap);
}

static void report_process(int pid) {
  char path[64], line[512], name[names] = "?";
  snprintf(path, sizeof path, "/proc/%d/comm", pid);
  FILE *comm = fopen(path, "r");
  if (comm && fgets(name, sizeof name, comm)) name[strcspn(name, "\n")] = 0;
  if (comm) fclose(comm);
  say("task\t%d\t%s\n", pid, name);
  report_command(pid);

  /* Of a process whose main thread has ended, another thread's files have the memory. */
  int thread = last_thread(pid);
  report_memory(pid, thread);
  snprintf(path, sizeof path, "/proc/%d/task/%d/maps", pid, thread);
  FILE *maps = fopen(path, "r");
  snprintf(path, sizeof path, "/proc/%d/task/%d/pagemap", pid, thread);
  int pagemap = open(path, O_RDONLY);
  int found = 0; /* kernel threads have no maps */
  while (maps && pagemap >= 0 && fgets(line, sizeof line, maps)) {
    uint64_t start, end;
    char access[8], what[names] = "";
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %*s %255[^\n]", &start, &end, access, what) < 3)
      continue;
    if (!found++) say("process\t%d\t%s\n", pid, name);
    say("maps\t%d\t0x%" PRIx64 "\t0x%" PRIx64 "\t%s\t%s\n", pid, start, end, access, what);
    if (strcmp(what, "[vsyscall]")) report_range(pid, pagemap, start, end);
  }
  if (maps) fclose(maps);
  if (pagemap >= 0) close(pagemap);
}

void report(void) {
  /* Present before the first line is written, so that the reporter's own pages stay as reported. */
  text = mmap(place(0), capacity, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);
  if (text == MAP_FAILED) return cannot("hold a report");
  say("page\t%zu\n", page);
  report_lines("symbol", "/proc/kallsyms", 401); /* a few hundred of them */
  report_lines("vmalloc", "/proc/vmallocinfo", 1);
  DIR *processes = opendir("/proc");
  struct dirent *entry;
  while (processes && (entry = readdir(processes)))
    if (atoi(entry->d_name) > 1) report_process(atoi(entry->d_name));
  if (processes) closedir(processes);
  report_process(getpid());
  checkpoint(event_report, getpid(), text, used);
}
