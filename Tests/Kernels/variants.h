// What the kernels differ in. The build defines one of the names, and MEMORY_BYTES.
//
//   PAGING        levels of the page tables; 3 is PAE
//   KERNEL_BASE   virtual minus physical address of the kernel's image, which is loaded at 1 MiB
//   MEMORY_BASE   virtual minus physical address at which the kernel reaches all memory; where DIRECT_MAP is
//                 0, only while it starts, on its first tables
//   KERNEL_SLOTS  first and last slot of a root that are the kernel's
//   KERNEL_MAP    what is mapped there: virtual, physical, bytes, flags, depth of the leaves
//   OWN_TABLES    1: each process has its own tables for the kernel's part
//   FREE_FILL     the byte that fills a free page, or -1
//   FREE_LINKS_IN_PAGES    0: the list of free pages is kept beside them, so that they stay whole
#ifndef VARIANTS_H
#define VARIANTS_H

#define NO_SLOT -1
#define OWN_TABLES 0
#define DIRECT_MAP 1
#define SELF_SLOT NO_SLOT
#define SELF_FLAGS WRITABLE
#define FREE_FILL -1
#define FREE_LINKS_IN_PAGES 1
#define PDPT_FLAGS PRESENT
#define NO_EXECUTE_ENABLED 0

#ifdef OWN_TABLES_32
// As xv6 does: pages of 4 KiB, free pages full of ones, devices at their physical addresses.
#define PAGING 2
#define KERNEL_BASE 0x80000000
#define MEMORY_BASE KERNEL_BASE
#define KERNEL_SLOTS 512, 1023
#undef OWN_TABLES
#define OWN_TABLES 1
#undef FREE_FILL
#define FREE_FILL 1
#define USER_CODE 0
#define USER_STACK_TOP 0x80000000
#define KERNEL_MAP \
  { KERNEL_BASE, 0, 0x100000, WRITABLE, 1 }, \
  { KERNEL_BASE + 0x100000, 0x100000, TEXT_BYTES, 0, 1 }, \
  { KERNEL_BASE + 0x100000 + TEXT_BYTES, 0x100000 + TEXT_BYTES, MEMORY_BYTES - 0x100000 - TEXT_BYTES, \
    WRITABLE, 1 }, \
  { 0xfe000000, 0xfe000000, 0x2000000, WRITABLE, 1 }

#elif defined OWN_TABLES_64
// The image by pages of 4 KiB, all memory by pages of 2 MiB; no root shares a table with another one.
#define PAGING 4
#define KERNEL_BASE 0xffffffff80000000
#define MEMORY_BASE 0xffff800000000000
#define KERNEL_SLOTS 256, 511
#undef OWN_TABLES
#define OWN_TABLES 1
#undef NO_EXECUTE_ENABLED
#define NO_EXECUTE_ENABLED 1
#define USER_CODE 0x400000
#define USER_STACK_TOP 0x7ffffffff000
#define KERNEL_MAP \
  { KERNEL_BASE + 0x100000, 0x100000, TEXT_BYTES, GLOBAL, 3 }, \
  { KERNEL_BASE + 0x100000 + TEXT_BYTES, 0x100000 + TEXT_BYTES, IMAGE_BYTES - TEXT_BYTES, \
    GLOBAL | WRITABLE | NO_EXECUTE, 3 }, \
  { MEMORY_BASE, 0, MEMORY_BYTES, GLOBAL | WRITABLE | NO_EXECUTE, 2 }

#elif defined RECURSIVE_32
// The last slot of a directory points at the directory; memory is not mapped beyond the image.
#define PAGING 2
#define KERNEL_BASE 0xc0000000
#define MEMORY_BASE KERNEL_BASE
#undef DIRECT_MAP
#define DIRECT_MAP 0
#define KERNEL_SLOTS 768, 1023
#undef SELF_SLOT
#define SELF_SLOT 1023
#define USER_CODE 0x400000
#define USER_STACK_TOP 0xbffff000
#define KERNEL_MAP \
  { KERNEL_BASE + 0x100000, 0x100000, TEXT_BYTES, 0, 1 }, \
  { KERNEL_BASE + 0x100000 + TEXT_BYTES, 0x100000 + TEXT_BYTES, IMAGE_BYTES - TEXT_BYTES, WRITABLE, 1 }, \
  { KERNEL_BASE + 0xb8000, 0xb8000, 0x1000, WRITABLE | CACHE_DISABLED, 1 }

#elif defined RECURSIVE_64
#define PAGING 4
#define KERNEL_BASE 0xffffffff80000000
#define MEMORY_BASE KERNEL_BASE
#undef DIRECT_MAP
#define DIRECT_MAP 0
#define KERNEL_SLOTS 256, 511
#undef SELF_SLOT
#define SELF_SLOT 510
#undef SELF_FLAGS
#define SELF_FLAGS (WRITABLE | NO_EXECUTE)
#undef NO_EXECUTE_ENABLED
#define NO_EXECUTE_ENABLED 1
#define USER_CODE 0x400000
#define USER_STACK_TOP 0x7ffffffff000
#define KERNEL_MAP \
  { KERNEL_BASE + 0x100000, 0x100000, TEXT_BYTES, 0, 3 }, \
  { KERNEL_BASE + 0x100000 + TEXT_BYTES, 0x100000 + TEXT_BYTES, IMAGE_BYTES - TEXT_BYTES, \
    WRITABLE | NO_EXECUTE, 3 }, \
  { KERNEL_BASE + 0xb8000, 0xb8000, 0x1000, WRITABLE | NO_EXECUTE | CACHE_DISABLED, 3 }

#elif defined IDENTITY_64
// The kernel is where it was loaded; processes are above it.
#define PAGING 4
#define KERNEL_BASE 0
#define MEMORY_BASE 0
#define KERNEL_SLOTS 0, 0
#define USER_CODE 0x400000000000
#define USER_STACK_TOP 0x7ffffffff000
#define KERNEL_MAP \
  { 0, 0, MEMORY_BYTES, WRITABLE, 2 }, \
  { 0xfee00000, 0xfee00000, 0x200000, WRITABLE | CACHE_DISABLED, 2 }

#elif defined PAE_FLAGS
// W and U in the four entries of a root are reserved, and work nevertheless in emulators.
#define PAGING 3
#define KERNEL_BASE 0xc0000000
#define MEMORY_BASE KERNEL_BASE
#define KERNEL_SLOTS 3, 3
#undef PDPT_FLAGS
#define PDPT_FLAGS (PRESENT | WRITABLE | USER)
#undef NO_EXECUTE_ENABLED
#define NO_EXECUTE_ENABLED 1
#define USER_CODE 0x8048000
#define USER_STACK_TOP 0xbffff000
#define KERNEL_MAP { KERNEL_BASE, 0, MEMORY_BYTES, GLOBAL | WRITABLE, 1 }

#elif defined DIRECT_64
// As the BSDs do: the image in the last 2 GiB, all memory from 0 elsewhere, both by pages of 2 MiB.
#define PAGING 4
#define KERNEL_BASE 0xffffffff80000000
#define MEMORY_BASE 0xffff900000000000
#define KERNEL_SLOTS 256, 511
#undef NO_EXECUTE_ENABLED
#define NO_EXECUTE_ENABLED 1
#define USER_CODE 0x400000
#define USER_STACK_TOP 0x7ffffffff000
#define KERNEL_MAP \
  { KERNEL_BASE, 0, 0x400000, GLOBAL | WRITABLE, 2 }, \
  { MEMORY_BASE, 0, MEMORY_BYTES, GLOBAL | WRITABLE | NO_EXECUTE, 2 }

#elif defined GIBIBYTE_64
// As xv6 for x86-64 does: a whole GiB from physical 0 by pages of 2 MiB, however little memory there is.
#define PAGING 4
#define KERNEL_BASE 0xffffffff80000000
#define MEMORY_BASE KERNEL_BASE
#define KERNEL_SLOTS 256, 511
#undef FREE_FILL
#define FREE_FILL 1
#define USER_CODE 0
#define USER_STACK_TOP 0x7fffffff0000
#define KERNEL_MAP \
  { KERNEL_BASE, 0, 0x40000000, WRITABLE, 2 }, \
  { KERNEL_BASE + 0x7e000000, 0xfe000000, 0x2000000, WRITABLE | CACHE_DISABLED | WRITE_THROUGH, 2 }

#elif defined WINDOWS_32
// As JOS does: 256 MiB from physical 0 at the top, however little memory there is; below it the kernel's
// stack, a read-only self-map, and kernel data that user mode may read. The user's stack is above 0xc0000000.
// The tables of a process that has ended are free, its directory is whole but for the user's slots.
#define PAGING 2
#define KERNEL_BASE 0xf0000000
#define MEMORY_BASE KERNEL_BASE
#define KERNEL_SLOTS 955, 1023
#undef SELF_SLOT
#define SELF_SLOT 957
#undef SELF_FLAGS
#define SELF_FLAGS USER
#undef FREE_LINKS_IN_PAGES
#define FREE_LINKS_IN_PAGES 0
#define USER_CODE 0x800000
#define USER_STACK_TOP 0xeebfe000
#define STACK_TOP 0xf0000000
#define KERNEL_MAP \
  { 0xeec00000, PHYSICAL(processes), 0x1000, USER, 1 }, \
  { 0xef000000, PHYSICAL(pages), sizeof pages, USER, 1 }, \
  { STACK_TOP - STACK_BYTES, PHYSICAL(stack), STACK_BYTES, WRITABLE, 1 }, \
  { KERNEL_BASE, 0, 0x10000000, WRITABLE, 1 }
#endif

#define USER_DATA (USER_CODE + 0x1000)
#define STACK_BYTES 0x2000
#define ROOT_EVENT 1
#define REPORT_EVENT 2
#define KERNEL_CODE_SELECTOR 0x08
#define KERNEL_DATA_SELECTOR 0x10
#define USER_CODE_SELECTOR 0x1b
#define USER_DATA_SELECTOR 0x23
#define TASK_SELECTOR 0x28

#endif
