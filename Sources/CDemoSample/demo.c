#include "demo.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char sample[] = {
#embed "../../Samples/linux-x86_64.elf"
};

const unsigned char *pw_demo_sample(void) { return sample; }

size_t pw_demo_sample_size(void) { return sizeof sample; }
