#include "variants.h"

ENTRY(start)

SECTIONS
{
  . = KERNEL_BASE + 0x100000;
  image_start = .;
  .text : { *(.boot) *(.text*) *(.rodata*) . = ALIGN(4096); }
  image_data = .;
  .data : { *(.data*) *(.bss*) *(COMMON) . = ALIGN(4096); }
  image_end = .;
  /DISCARD/ : { *(.eh_frame*) *(.note*) *(.comment) }
}
