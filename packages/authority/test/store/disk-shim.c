/* Stands between a process and the C library's file calls (LD_PRELOAD), for files whose name contains
 * $SHIM_FILES. It does two things:
 *
 * - $SHIM_LOG: records what is done to the files in its order, so that power-cut.ts can work out what a disk would
 *   hold after losing power at any point.
 * - Opening a path that ends in "/shim-fault/<calls>/<kind>/<errno>" arms a fault: of the calls of that kind (write or
 *   sync) that follow, the one after <calls> others fails with that errno; errno 0 makes a write short.
 *
 * A record: u8 kind, u8 0, u16 length of the name, i64 offset or size, u32 length of the data; name; data. Integers
 * have the byte order of the machine. Kinds: o(pened), w(ritten), t(runcated), s(ynced), u(nlinked), r(enamed, the data being the new name),
 * f(ailed on purpose).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { descriptors = 4096 };

static char *names[descriptors];
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int log_descriptor = -1;
static struct {
  int armed;
  char kind;
  long calls;
  int error;
} fault;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_ftruncate)(int, off64_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);

__attribute__((constructor)) static void start(void) {
  real_open = dlsym(RTLD_NEXT, "open64");
  real_close = dlsym(RTLD_NEXT, "close");
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_rename = dlsym(RTLD_NEXT, "rename");
  const char *path = getenv("SHIM_LOG");
  if (path != NULL) log_descriptor = real_open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

static const char *watched(const char *path) {
  const char *part = getenv("SHIM_FILES");
  if (part == NULL || path == NULL || strstr(path, part) == NULL) return NULL;
  /* Shared memory is not kept, and the lock holds nothing. */
  if (strstr(path, "-shm") != NULL || strstr(path, ".lock") != NULL) return NULL;
  const char *name = strrchr(path, '/');
  return name == NULL ? path : name + 1;
}

static const char *name_of(int descriptor) {
  return descriptor >= 0 && descriptor < descriptors ? names[descriptor] : NULL;
}

static void put(const void *bytes, size_t length) {
  if (real_write(log_descriptor, bytes, length) != (ssize_t)length) abort();
}

static void record(char kind, const char *name, int64_t offset, const void *data, uint32_t length) {
  if (log_descriptor < 0) return;
  unsigned char head[16];
  uint16_t name_length = (uint16_t)strlen(name);
  head[0] = (unsigned char)kind;
  head[1] = 0;
  memcpy(head + 2, &name_length, 2);
  memcpy(head + 4, &offset, 8);
  memcpy(head + 12, &length, 4);
  put(head, sizeof head);
  put(name, name_length);
  if (length > 0) put(data, length);
}

/* Whether this call is the one to fail. */
static int fails(char kind, const char *name) {
  if (!fault.armed || fault.kind != kind || fault.calls-- > 0) return 0;
  fault.armed = 0;
  if (fault.error != 0) record('f', name, 0, NULL, 0);
  errno = fault.error;
  return 1;
}

static void arm(const char *path) {
  const char *order_text = strstr(path, "/shim-fault/");
  char kind[8];
  if (order_text == NULL) return;
  if (sscanf(order_text, "/shim-fault/%ld/%7[a-z]/%d", &fault.calls, kind, &fault.error) != 3) abort();
  fault.kind = kind[0];
  fault.armed = 1;
}

static int note_open(int descriptor, const char *path) {
  arm(path);
  const char *name = watched(path);
  if (descriptor < 0 || descriptor >= descriptors || name == NULL) return descriptor;
  pthread_mutex_lock(&order);
  names[descriptor] = strdup(name);
  record('o', name, 0, NULL, 0);
  pthread_mutex_unlock(&order);
  return descriptor;
}

int open64(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = (flags & O_CREAT) ? va_arg(list, mode_t) : 0;
  va_end(list);
  return note_open(real_open(path, flags, mode), path);
}

int open(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = (flags & O_CREAT) ? va_arg(list, mode_t) : 0;
  va_end(list);
  return note_open(real_open(path, flags, mode), path);
}

int close(int descriptor) {
  if (name_of(descriptor) != NULL) {
    free(names[descriptor]);
    names[descriptor] = NULL;
  }
  return real_close(descriptor);
}

ssize_t pwrite64(int descriptor, const void *data, size_t length, off64_t offset) {
  const char *name = name_of(descriptor);
  if (name == NULL) return real_pwrite(descriptor, data, length, offset);
  pthread_mutex_lock(&order);
  ssize_t written = -1;
  if (!fails('w', name)) written = real_pwrite(descriptor, data, length, offset);
  else if (errno == 0) written = real_pwrite(descriptor, data, length / 2, offset);
  int error = errno;
  if (written > 0) record('w', name, offset, data, (uint32_t)written);
  pthread_mutex_unlock(&order);
  errno = error;
  return written;
}

/* Only the journal of acknowledgements is written without an offset; it is only ever appended to. */
ssize_t write(int descriptor, const void *data, size_t length) {
  const char *name = name_of(descriptor);
  if (name == NULL) return real_write(descriptor, data, length);
  pthread_mutex_lock(&order);
  ssize_t written = real_write(descriptor, data, length);
  if (written > 0) record('w', name, -1, data, (uint32_t)written);
  pthread_mutex_unlock(&order);
  return written;
}

int ftruncate64(int descriptor, off64_t size) {
  const char *name = name_of(descriptor);
  if (name == NULL) return real_ftruncate(descriptor, size);
  pthread_mutex_lock(&order);
  int result = real_ftruncate(descriptor, size);
  if (result == 0) record('t', name, size, NULL, 0);
  pthread_mutex_unlock(&order);
  return result;
}

static int sync_with(int (*sync)(int), int descriptor) {
  const char *name = name_of(descriptor);
  if (name == NULL) return sync(descriptor);
  pthread_mutex_lock(&order);
  int result = fails('s', name) ? -1 : sync(descriptor);
  int error = errno;
  if (result == 0) record('s', name, 0, NULL, 0);
  pthread_mutex_unlock(&order);
  errno = error;
  return result;
}

int fsync(int descriptor) { return sync_with(real_fsync, descriptor); }

int fdatasync(int descriptor) { return sync_with(real_fdatasync, descriptor); }

int unlink(const char *path) {
  const char *name = watched(path);
  pthread_mutex_lock(&order);
  int result = real_unlink(path);
  if (result == 0 && name != NULL) record('u', name, 0, NULL, 0);
  pthread_mutex_unlock(&order);
  return result;
}

int rename(const char *from, const char *to) {
  const char *old_name = watched(from);
  const char *new_name = watched(to);
  pthread_mutex_lock(&order);
  int result = real_rename(from, to);
  if (result == 0 && old_name != NULL && new_name != NULL)
    record('r', old_name, 0, new_name, (uint32_t)strlen(new_name));
  pthread_mutex_unlock(&order);
  return result;
}
