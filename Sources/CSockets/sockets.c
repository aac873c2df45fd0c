#define _GNU_SOURCE 1

#include "pw_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int64_t pw_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// 0 as soon as one of `events` can be done, or the negated errno.
static int wait_for(int descriptor, short events, int64_t end) {
  for (;;) {
    int64_t left = end - pw_milliseconds();
    struct pollfd waited = {.fd = descriptor, .events = events};
    int ready = poll(&waited, 1, left < 0 ? 0 : (int)left);
    if (ready > 0) return 0;
    if (ready == 0) return -ETIMEDOUT;
    if (errno != EINTR) return -errno;
  }
}

static int connect_to(
    int family, const struct sockaddr *address, socklen_t length, int milliseconds, pw_preparation prepare,
    void *context) {
  int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -errno;
  if (prepare != NULL) prepare(descriptor, context);
  int64_t end = pw_milliseconds() + milliseconds;
  int reason = 0;
  // A Unix socket whose queue is full says EAGAIN, and poll() cannot wait for it.
  while (connect(descriptor, address, length) != 0) {
    reason = errno;
    if (reason == EINPROGRESS || reason == EINTR) {
      reason = -wait_for(descriptor, POLLOUT, end);
      socklen_t size = sizeof reason;
      if (reason == 0 && getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &reason, &size) != 0) reason = errno;
      break;
    }
    if (reason != EAGAIN || pw_milliseconds() >= end) break;
    poll(NULL, 0, 10);
    reason = 0;
  }
  if (reason == 0) return descriptor;
  close(descriptor);
  return -reason;
}

int pw_connect_unix(const char *path, int milliseconds, pw_preparation prepare, void *context) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  return connect_to(AF_UNIX, (const struct sockaddr *)&address, sizeof address, milliseconds, prepare, context);
}

int pw_connect_tcp(
    const char *host, const char *port, int milliseconds, pw_preparation prepare, void *context) {
  struct addrinfo wanted = {.ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo(host, port, &wanted, &found) != 0) return -ENOENT;
  int result = -ENOENT;
  for (struct addrinfo *each = found; each != NULL && result < 0; each = each->ai_next) {
    result = connect_to(each->ai_family, each->ai_addr, each->ai_addrlen, milliseconds, prepare, context);
  }
  freeaddrinfo(found);
  int on = 1;
  // Requests are small, and each waits for its answer.
  if (result >= 0) setsockopt(result, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return result;
}

pid_t pw_peer_process(int descriptor) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0 ? peer.pid : 0;
}

int pw_send(int descriptor, const void *bytes, size_t count, int passed, int milliseconds) {
  int64_t end = pw_milliseconds() + milliseconds;
  const char *next = bytes;
  while (count > 0) {
    struct iovec part = {.iov_base = (void *)next, .iov_len = count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof passed)] = {0};
    if (passed >= 0) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      struct cmsghdr *header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof passed);
      memcpy(CMSG_DATA(header), &passed, sizeof passed);
    }
    ssize_t sent = sendmsg(descriptor, &message, MSG_NOSIGNAL);
    if (sent >= 0) {
      next += sent;
      count -= (size_t)sent;
      passed = -1;
    } else if (errno == EAGAIN) {
      int reason = wait_for(descriptor, POLLOUT, end);
      if (reason != 0) return reason;
    } else if (errno != EINTR) {
      return -errno;
    }
  }
  return 0;
}

ssize_t pw_receive(int descriptor, void *bytes, size_t count, int milliseconds) {
  int64_t end = pw_milliseconds() + milliseconds;
  for (;;) {
    ssize_t received = recv(descriptor, bytes, count, 0);
    if (received >= 0) return received;
    if (errno != EAGAIN && errno != EINTR) return -errno;
    // The other side sends an answer in pieces, and may hold one back until those before are acknowledged; the system
    // forgets that again and again. No Unix socket knows it, which is no harm.
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    int reason = wait_for(descriptor, POLLIN, end);
    if (reason != 0) return reason;
  }
}

int pw_memory_file(void) {
  int descriptor = memfd_create("pagewalk", MFD_CLOEXEC);
  return descriptor >= 0 ? descriptor : -errno;
}
