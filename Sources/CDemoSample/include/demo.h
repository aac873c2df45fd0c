#ifndef PAGEWALK_DEMO_SAMPLE_H
#define PAGEWALK_DEMO_SAMPLE_H

#include <stddef.h>

/// The capture that `pagewalk demo` opens: constant for the life of the program.
const unsigned char *pw_demo_sample(void);

/// Its size in bytes.
size_t pw_demo_sample_size(void);

/// The script of the tour that `pagewalk demo` gives: constant for the life of the program.
const unsigned char *pw_demo_tour(void);

/// Its size in bytes.
size_t pw_demo_tour_size(void);

/// The script of the tour that `pagewalk demo --live` gives: constant for the life of the program.
const unsigned char *pw_demo_live_tour(void);

/// Its size in bytes.
size_t pw_demo_live_tour_size(void);

#endif
