// A kernel that makes page tables in one of the ways of variants.h, runs a few processes on them, and reports
// its roots. entry.S calls main once, and scheduled whenever a process has done its work.
#include "variants.h"

typedef unsigned long address;
#if PAGING == 2
typedef unsigned int entry;
#else
typedef unsigned long long entry;
#endif

enum {
  PRESENT = 1, WRITABLE = 2, USER = 4, WRITE_THROUGH = 8, CACHE_DISABLED = 16, HUGE_PAGE = 128, GLOBAL = 256,
  PAGE = 4096, LEAF = PAGING - 1, PROCESSES = 10,
};
#if PAGING != 2
#define NO_EXECUTE (NO_EXECUTE_ENABLED ? 1ull << 63 : 0)
#define FRAME 0x000ffffffffff000
#else
#define NO_EXECUTE 0
#define FRAME 0xfffff000
#endif

static const struct { int shift, bits; } levels[] = {
#if PAGING == 2
  {22, 10}, {12, 10}
#elif PAGING == 3
  {30, 2}, {21, 9}, {12, 9}
#else
  {39, 9}, {30, 9}, {21, 9}, {12, 9}
#endif
};

struct process {
  char name[16];
  int pid;
  void *root;
  address stack_top;
  int exists;
};

extern char image_start[], image_data[], image_end[], stack[], boot_root[];
extern char user_program[], user_program_end[];
extern unsigned long long segment_table[];
void enter_user(address code, address stack);
void system_call(void);
void fault(void);
void checkpoint(address event, address pid, address text, address length);

static struct process processes[PROCESSES] __attribute__((aligned(4096)));
static struct page { struct page *next; unsigned short uses; } pages[MEMORY_BYTES / PAGE]
  __attribute__((aligned(4096)));
#if !DIRECT_MAP
static char kernel_stacks[PROCESSES][1024] __attribute__((aligned(16)));
#endif
static char report[2048];
static address report_length;
static void *free_pages; // the first: itself, or its struct page
static void *kernel_root;
static int current;

#define PHYSICAL(object) ((address)(object) - KERNEL_BASE)
#define TEXT_BYTES ((address)image_data - (address)image_start)
#define IMAGE_BYTES ((address)image_end - (address)image_start)

void *memset(void *to, int byte, unsigned long length) {
  for (char *at = to; length--; at++) *at = byte;
  return to;
}

void *memcpy(void *to, const void *from, unsigned long length) {
  for (char *at = to; length--; at++, from = (const char *)from + 1) *at = *(const char *)from;
  return to;
}

static void *at(address physical) { return (void *)(physical + MEMORY_BASE); }

// What the kernel keeps of a place in memory: a pointer; the physical address where no pointer will reach it.
static void *kept(address place) { return DIRECT_MAP ? at(place) : (void *)place; }

static address physical(void *kept) { return DIRECT_MAP ? (address)kept - MEMORY_BASE : (address)kept; }

// --- Memory: a list of free pages. The link is in the page's first word, or beside the pages.

static void release(address page, int fill) {
  pages[page / PAGE].uses = 0;
  if (fill >= 0) memset(at(page), fill, PAGE);
#if FREE_LINKS_IN_PAGES
  *(void **)at(page) = free_pages;
  free_pages = kept(page);
#else
  pages[page / PAGE].next = free_pages;
  free_pages = &pages[page / PAGE];
#endif
}

static address allocate(void) {
  if (!free_pages) fault();
#if FREE_LINKS_IN_PAGES
  address page = physical(free_pages);
  free_pages = *(void **)at(page);
#else
  struct page *first = free_pages;
  address page = (first - pages) * PAGE;
  free_pages = first->next;
#endif
  pages[page / PAGE].uses++;
  memset(at(page), 0, PAGE);
  return page;
}

// What was in memory before: text, numbers, and words that could be entries.
static void litter(void) {
  unsigned seed = 12345;
  for (address page = 0x100000 + IMAGE_BYTES; page < MEMORY_BYTES; page += PAGE)
    for (address word = 0; page / PAGE % 8 == 0 && word < PAGE; word += 4) {
      seed = seed * 1664525 + 1013904223;
      unsigned kind = page / PAGE / 8 % 4;
      *(unsigned *)at(page + word) = kind == 0 ? seed
        : kind == 1 ? 0x20202020 + (seed >> 8 & 0x3f3f3f3f)
        : kind == 2 ? (seed % MEMORY_BYTES & ~0xfffu) | (seed >> 20 & 0x67)
        : word;
    }
}

// --- Page tables

#if PAGING == 3
// Roots of 32 bytes, many in a page.
static void *free_roots;
#endif

static address new_root(void) {
#if PAGING == 3
  if (!free_roots)
    for (address page = allocate(), root = page; root < page + PAGE; root += 32) {
      *(void **)at(root) = free_roots;
      free_roots = kept(root);
    }
  address root = physical(free_roots);
  free_roots = *(void **)at(root);
  memset(at(root), 0, 32);
  return root;
#else
  return allocate();
#endif
}

static void release_root(address root, int fill) {
#if PAGING == 3
  if (fill >= 0) memset(at(root), fill, 32);
  *(void **)at(root) = free_roots;
  free_roots = kept(root);
#else
  release(root, fill);
#endif
}

static entry *slot(address table, int depth, address virtual) {
  return (entry *)at(table) + (virtual >> levels[depth].shift & ((1 << levels[depth].bits) - 1));
}

static void map(address root, address virtual, address physical, entry flags, int leaf) {
  address table = root;
  for (int depth = 0; depth < leaf; depth++) {
    entry *found = slot(table, depth, virtual);
    if (!(*found & PRESENT))
      *found = allocate() | (PAGING == 3 && depth == 0 ? PDPT_FLAGS : PRESENT | WRITABLE | USER);
    table = *found & FRAME;
  }
  *slot(table, leaf, virtual) = physical | flags | PRESENT | (leaf < LEAF ? HUGE_PAGE : 0);
}

static void map_kernel(address root) {
  const struct { address virtual, physical, bytes; entry flags; int leaf; } parts[] = { KERNEL_MAP };
  for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
    for (address done = 0; done < parts[i].bytes; done += 1ul << levels[parts[i].leaf].shift)
      map(root, parts[i].virtual + done, parts[i].physical + done, parts[i].flags, parts[i].leaf);
}

static const int kernel_slots[] = { KERNEL_SLOTS };

static address root_with_kernel(void) {
  address root = new_root();
  entry *entries = at(root);
  if (OWN_TABLES || !kernel_root)
    map_kernel(root);
  else
    memcpy(entries + kernel_slots[0], (entry *)at(physical(kernel_root)) + kernel_slots[0],
           (kernel_slots[1] - kernel_slots[0] + 1) * sizeof(entry));
  if (SELF_SLOT != NO_SLOT) entries[SELF_SLOT & 1023] = root | PRESENT | SELF_FLAGS;
  return root;
}

static void release_tables(address table, int depth, int from, int to, int with_frames, int fill) {
  for (int i = from; i <= to; i++) {
    entry value = ((entry *)at(table))[i];
    if (!(value & PRESENT)) continue;
    if (depth < LEAF && !(value & HUGE_PAGE)) {
      release_tables(value & FRAME, depth + 1, 0, (1 << levels[depth + 1].bits) - 1, with_frames, fill);
      release(value & FRAME, fill);
    } else if (with_frames)
      release(value & FRAME, fill);
  }
}

// --- Processes

static void say(const char *state, const char *name, address root) {
  char digits[20], *end = digits + sizeof digits;
  *--end = 0;
  do *--end = "0123456789abcdef"[root & 15];
  while (root >>= 4);
  const char *words[] = {state, " ", name, "=0x", end, "\n"};
  for (int i = 0; i < 6; i++)
    for (const char *letter = words[i]; *letter; letter++) report[report_length++] = *letter;
}

static void create(int pid) {
  struct process *process = &processes[pid];
  memcpy(process->name, "process0", 9);
  process->name[7] += pid;
  process->pid = pid;
  address root = root_with_kernel();
  process->root = kept(root);
  process->exists = 1;
#ifdef STACK_TOP
  process->stack_top = STACK_TOP;
#elif DIRECT_MAP
  process->stack_top = (address)at(allocate()) + PAGE;
#else
  process->stack_top = (address)kernel_stacks[pid + 1];
#endif
  address code = allocate();
  memcpy(at(code), user_program, user_program_end - user_program);
  map(root, USER_CODE, code, USER, LEAF);
  for (int i = 0; i < 2 + pid; i++) {
    address page = allocate();
    memset(at(page), 'a' + pid, PAGE / 2);
    map(root, USER_DATA + i * PAGE, page, USER | (i == 1 ? 0 : WRITABLE) | NO_EXECUTE, LEAF);
  }
  for (int i = 1; i <= 2; i++)
    map(root, USER_STACK_TOP - i * PAGE, allocate(), USER | WRITABLE | NO_EXECUTE, LEAF);
}

static void destroy(int pid, int fill) {
  struct process *process = &processes[pid];
  address root = physical(process->root);
  int last = (1 << levels[0].bits) - 1;
  for (int i = 0; i <= last; i++)
    if (i < kernel_slots[0] || i > kernel_slots[1]) {
      release_tables(root, 0, i, i, 1, fill);
      if (!FREE_LINKS_IN_PAGES) ((entry *)at(root))[i] = 0;
    } else if (OWN_TABLES)
      release_tables(root, 0, i, i, 0, fill);
  release_root(root, fill);
  memset(process, 0, sizeof *process);
  say("freed", fill < 0 ? "unfilled" : "filled", root);
}

// --- The CPU

#if PAGING == 4
struct gate { unsigned short low, selector, flags, middle; unsigned high, zero; };
static struct { unsigned reserved; address stacks[3], unused[8]; unsigned rest[3]; }
  __attribute__((packed, aligned(16))) task;
#else
struct gate { unsigned short low, selector, flags, middle; };
static struct { unsigned link, stack, stack_selector, rest[23]; } task;
#endif
static struct gate gates[256] __attribute__((aligned(16)));

static void set_gate(int vector, void handler(void), int flags) {
  address target = (address)handler;
  gates[vector] = (struct gate){
    .low = target, .selector = KERNEL_CODE_SELECTOR, .flags = flags, .middle = target >> 16,
#if PAGING == 4
    .high = target >> 32,
#endif
  };
}

static void set_up_cpu(void) {
  for (int vector = 0; vector < 256; vector++) set_gate(vector, fault, 0x8e00);
  set_gate(0x40, system_call, 0xee00);
  struct { unsigned short limit; address base; } __attribute__((packed))
    pointer = {sizeof gates - 1, (address)gates};
  asm volatile("lidt %0" : : "m"(pointer));
  unsigned long long base = (address)&task;
  segment_table[TASK_SELECTOR / 8] =
    (sizeof task - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
#if PAGING == 4
  segment_table[TASK_SELECTOR / 8 + 1] = base >> 32;
#else
  task.stack_selector = KERNEL_DATA_SELECTOR;
#endif
  asm volatile("ltr %w0" : : "r"(TASK_SELECTOR));
}

static void load_root(address root) { asm volatile("mov %0, %%cr3" : : "r"(root) : "memory"); }

static void run(int pid) {
  current = pid;
#if PAGING == 4
  task.stacks[0] = processes[pid].stack_top;
#else
  task.stack = processes[pid].stack_top;
#endif
  load_root(physical(processes[pid].root));
  enter_user(USER_CODE, USER_STACK_TOP);
}

void scheduled(void) {
  checkpoint(ROOT_EVENT, current, 0, 0);
  for (int pid = current + 1; pid < PROCESSES; pid++)
    if (processes[pid].exists) run(pid);
  // All have run. The machine stays in the space of the last one.
  checkpoint(REPORT_EVENT, current, (address)report, report_length);
  for (;;) asm volatile("hlt");
}

static __attribute__((noinline)) void set_up(void) {
  litter();
  for (address page = 0x100000 + IMAGE_BYTES; page < MEMORY_BYTES; page += PAGE) release(page, FREE_FILL);
  kernel_root = kept(root_with_kernel());
  set_up_cpu();
  for (int pid = 1; pid <= 4; pid++) create(pid);
  destroy(2, -1);
  report_length = 0; // others get its pages
  for (int pid = 5; pid <= 9; pid++) create(pid);
  address another = new_root();
  destroy(4, 1);
  destroy(7, -1);
  release_root(another, FREE_FILL);
  say("boot", "boot", PHYSICAL(boot_root));
  say("live", "kernel", physical(kernel_root));
  for (int pid = 1; pid < PROCESSES; pid++)
    if (processes[pid].exists) say("live", processes[pid].name, physical(processes[pid].root));
}

void main(void) {
  set_up();
  // What the stack held would not be there for long.
  for (volatile char *dead = stack; dead < (char *)__builtin_frame_address(0) - 64; dead++) *dead = 0;
  load_root(physical(kernel_root));
  run(1);
}
