#include "demo.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char sample[] = {
#embed "../../Samples/linux-x86_64.elf"
};

static const unsigned char tour[] = {
#embed "../../Samples/tour.script"
};

static const unsigned char live_tour[] = {
#embed "../../Samples/live.script"
};

const unsigned char *pw_demo_sample(void) { return sample; }

size_t pw_demo_sample_size(void) { return sizeof sample; }

const unsigned char *pw_demo_tour(void) { return tour; }

size_t pw_demo_tour_size(void) { return sizeof tour; }

const unsigned char *pw_demo_live_tour(void) { return live_tour; }

size_t pw_demo_live_tour_size(void) { return sizeof live_tour; }
