/* What the guests' first programs have in common: the file systems that they need, and the second serial port, on which they talk. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <termios.h>

/* The port as bytes, without echo; NULL where there is none. */
static FILE *open_port(const char *mode) {
  mkdir("/proc", 0755);
  mkdir("/dev", 0755);
  mount("proc", "/proc", "proc", 0, NULL);
  mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
  int descriptor = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
  struct termios settings;
  if (descriptor < 0 || tcgetattr(descriptor, &settings) != 0) return NULL;
  cfmakeraw(&settings);
  tcsetattr(descriptor, TCSANOW, &settings);
  return fdopen(descriptor, mode);
}
