// From the boot loader (multiboot, 32 bit, no paging) to main, into user mode, and back by int 0x40.
#include "variants.h"

#define PHYSICAL(symbol) ((symbol) - KERNEL_BASE)
#define MAGIC 0x1badb002
#define ADDRESSES_ARE_GIVEN 0x10000
#define TABLE 7 /* present, writable, user */
#define BLOCK 0x83 /* present, writable, huge */
#define NO_EXECUTE_ENABLE (NO_EXECUTE_ENABLED * 0x800)
#if PAGING == 4
#define EXTENDED_FEATURES (NO_EXECUTE_ENABLE | 0x100) /* long mode */
#else
#define EXTENDED_FEATURES NO_EXECUTE_ENABLE
#endif

  .section .boot, "ax"
  .code32
  .balign 4
header:
  .long MAGIC, ADDRESSES_ARE_GIVEN, -(MAGIC + ADDRESSES_ARE_GIVEN)
  .long PHYSICAL(header), PHYSICAL(image_start), 0, 0, PHYSICAL(start)

  .globl start
start:
  cli
#if PAGING == 2
  // 64 MiB by pages of 4 MiB, at 0 and at KERNEL_BASE.
  mov $PHYSICAL(boot_root), %edi
  mov $BLOCK, %eax
  mov $16, %ecx
1:
  mov %eax, (%edi)
  mov %eax, KERNEL_BASE >> 20 (%edi)
  add $0x400000, %eax
  add $4, %edi
  loop 1b
  mov $0x90, %eax // PSE, PGE
#else
  // 64 MiB by pages of 2 MiB.
  mov $PHYSICAL(boot_directory), %edi
  mov $BLOCK, %eax
  mov $32, %ecx
1:
  mov %eax, (%edi)
  add $0x200000, %eax
  add $8, %edi
  loop 1b
#if PAGING == 3
  movl $PHYSICAL(boot_directory) + 1, PHYSICAL(boot_root)
  movl $PHYSICAL(boot_directory) + 1, PHYSICAL(boot_root) + (KERNEL_BASE >> 27)
#else
  movl $PHYSICAL(boot_low) + TABLE, PHYSICAL(boot_root)
  movl $PHYSICAL(boot_directory) + TABLE, PHYSICAL(boot_low)
  // MEMORY_BASE is at the beginning of a slot of the root, or in that of the image.
  movl $PHYSICAL(boot_low) + TABLE, PHYSICAL(boot_root) + (MEMORY_BASE >> 39 & 511) * 8
#if KERNEL_BASE
  movl $PHYSICAL(boot_high) + TABLE, PHYSICAL(boot_root) + (KERNEL_BASE >> 39 & 511) * 8
  movl $PHYSICAL(boot_directory) + TABLE, PHYSICAL(boot_high) + (KERNEL_BASE >> 30 & 511) * 8
#endif
#endif
#if PAGING == 4 || NO_EXECUTE_ENABLED
  mov $0xc0000080, %ecx // EFER
  rdmsr
  or $EXTENDED_FEATURES, %eax
  wrmsr
#endif
  mov $0xb0, %eax // PSE, PAE, PGE
#endif
  mov %eax, %cr4
  mov $PHYSICAL(boot_root), %eax
  mov %eax, %cr3
  mov $0x80010011, %eax // PG, WP, ET, PE
  mov %eax, %cr0
#if PAGING == 4
  lgdt PHYSICAL(boot_table_pointer)
  ljmp $KERNEL_CODE_SELECTOR, $PHYSICAL(1f)
  .code64
1:
  movabs $2f, %rax
  jmp *%rax
2:
  lgdt segment_table_pointer
#else
  mov $2f, %eax
  jmp *%eax
2:
  lgdt segment_table_pointer
  ljmp $KERNEL_CODE_SELECTOR, $3f
3:
#endif
  mov $KERNEL_DATA_SELECTOR, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
#if PAGING == 4
  mov $stack + STACK_BYTES, %rsp
#else
  mov $stack + STACK_BYTES, %esp
#endif
  call main

  .text
  .globl enter_user, system_call, fault, checkpoint, checkpoint_instruction
#if PAGING == 4
enter_user: // (code, stack)
  push $USER_DATA_SELECTOR
  push %rsi
  push $2
  push $USER_CODE_SELECTOR
  push %rdi
  iretq

system_call:
  call scheduled

checkpoint: // (event, pid, address, length): in the registers where the one who watches looks for them
  push %rbx
  mov %rdx, %r8
  mov %rcx, %rdx
  mov %r8, %rcx
  mov %rdi, %rax
  mov %rsi, %rbx
checkpoint_instruction:
  nop
  pop %rbx
  ret
#else
enter_user:
  mov 4(%esp), %ecx
  mov 8(%esp), %edx
  mov $USER_DATA_SELECTOR, %eax
  mov %eax, %ds
  mov %eax, %es
  push %eax
  push %edx
  push $2
  push $USER_CODE_SELECTOR
  push %ecx
  iret

system_call:
  mov $KERNEL_DATA_SELECTOR, %eax
  mov %eax, %ds
  mov %eax, %es
  call scheduled

checkpoint:
  push %ebx
  mov 8(%esp), %eax
  mov 12(%esp), %ebx
  mov 16(%esp), %ecx
  mov 20(%esp), %edx
checkpoint_instruction:
  nop
  pop %ebx
  ret
#endif

fault:
  cli
  hlt
  jmp fault

  // What processes run: it writes to the stack and to the first page of data, and reads the second.
  .globl user_program, user_program_end
user_program:
#if PAGING == 4
  push $1
  movabs $USER_DATA, %rax
  incl (%rax)
  mov 4096(%rax), %ecx
#else
  push $1
  mov $USER_DATA, %eax
  incl (%eax)
  mov 4096(%eax), %ecx
#endif
  int $0x40
  jmp user_program
user_program_end:

  .data
  .globl segment_table, stack, boot_root
  .balign 4096
boot_root: .fill 4096
#if PAGING != 2
boot_directory: .fill 4096
#endif
#if PAGING == 4
boot_low: .fill 4096
boot_high: .fill 4096
#endif
stack: .fill STACK_BYTES
segment_table:
#if PAGING == 4
  .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff, 0x00affa000000ffff, 0x00cff2000000ffff, 0, 0
#else
  .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00cffa000000ffff, 0x00cff2000000ffff, 0
#endif
segment_table_end:
segment_table_pointer:
  .word segment_table_end - segment_table - 1
#if PAGING == 4
  .quad segment_table
boot_table_pointer:
  .word segment_table_end - segment_table - 1
  .long PHYSICAL(segment_table)
#else
  .long segment_table
#endif
  .section .note.GNU-stack
