/* What an init script would do, without a shell: mounts, modules, swap in compressed memory, settings. */
#define _GNU_SOURCE
#include "workload.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

void put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) cannot("write %s", path);
  if (fd >= 0) close(fd);
}

long get(const char *path) {
  char text[32] = "";
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 0;
  if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
  close(fd);
  return atol(text);
}

static void mount_at(const char *kind, const char *where) {
  mkdir(where, 0755);
  if (mount(kind, where, kind, 0, NULL)) cannot("mount %s", where);
}

/* /modules/list names one module a line, each after those it needs. */
static void load_modules(void) {
  char name[256];
  FILE *list = fopen("/modules/list", "r");
  while (list && fscanf(list, "%255s", name) == 1) {
    int fd = open(name, O_RDONLY);
    if (fd < 0 || syscall(SYS_finit_module, fd, "", 0)) cannot("load %s", name);
    if (fd >= 0) close(fd);
  }
  if (list) fclose(list);
}

/* The header that mkswap writes: version and last page behind a boot block, the mark at the page's end. */
static void swap_on_zram(void) {
  static union {
    char bytes[largest_page];
    struct {
      char boot_block[1024];
      uint32_t version, last_page;
    } header;
  } first;
  put("/sys/block/zram0/disksize", "8M");
  first.header.version = 1;
  first.header.last_page = (8 << 20) / page - 1;
  memcpy(first.bytes + page - 10, "SWAPSPACE2", 10);
  int fd = open("/dev/zram0", O_RDWR);
  if (fd < 0 || write(fd, &first, page) != (ssize_t)page || fsync(fd)) cannot("prepare swap");
  if (fd >= 0) close(fd);
  if (swapon("/dev/zram0", 0)) cannot("use swap");
}

void prepare_machine(void) {
  mount_at("proc", "/proc");
  mount_at("sysfs", "/sys");
  mount_at("devtmpfs", "/dev");
  load_modules();
  swap_on_zram();
  put("/proc/sys/kernel/kptr_restrict", "1"); /* addresses as they are, for us */
  put("/proc/sys/vm/nr_hugepages", "6");
  put("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
  put("/sys/kernel/mm/transparent_hugepage/khugepaged/defrag", "0");
  put("/sys/kernel/mm/ksm/pages_to_scan", "10000");
}
