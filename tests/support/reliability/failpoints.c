/* Kills or holds the process of a job at a chosen system call. The workers of a test load this library
 * with LD_PRELOAD, and hand it on to the processes of their jobs; the product knows nothing of it.
 *
 * The file /failpoints/NAME arms the process of the job ingest-NAME-xxxxxx. It has one line:
 *
 *     WHO ACTION CALL TEXT N
 *
 * WHO is a part of the process's command line. ACTION is kill or hold. CALL is open, write, close,
 * fsync, rename or send, with - (before it) or + (after it). TEXT is a part of the path, of what is
 * sent, or of the new name, or with $ behind it their end; N counts the calls that match, from 1.
 * With the CALL time, N is the
 * number of milliseconds after which the process is killed. Whoever meets the failpoint renames the
 * file to NAME.fired first, so that a later process of the same job is left alone; but if there is a
 * file NAME.next, it becomes NAME and arms the next process. A process on hold goes on when
 * NAME.fired is removed.
 *
 * Only system calls and old functions of the C library are used, so that the library loads in any
 * container, whichever machine compiled it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef FOLDER
#define FOLDER "/failpoints/"
#endif

static char armed[512], fired[512], next[512]; /* paths; "" if this process is not armed */
static char action[8], wanted[16], text[128];
static long number;
static int met;

static long read_text(const char *path, char *out, long size) {
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return -1;
  long got = syscall(SYS_read, fd, out, size - 1);
  syscall(SYS_close, fd);
  if (got < 0) return -1;
  out[got] = 0;
  return got;
}

static long to_number(const char *digits) {
  long value = 0;
  while (*digits >= '0' && *digits <= '9') value = 10 * value + (*digits++ - '0');
  return value;
}

/* Return whether this process is the one that met the failpoint. */
static int fire(void) {
  if (syscall(SYS_renameat2, AT_FDCWD, armed, AT_FDCWD, fired, 0)) return 0;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, fired, O_WRONLY | O_TRUNC | O_CLOEXEC, 0666);
  syscall(SYS_write, fd, "x", 1); /* the time of the file is the time of the kill */
  syscall(SYS_close, fd);
  syscall(SYS_renameat2, AT_FDCWD, next, AT_FDCWD, armed, 0);
  return 1;
}

static void kill_later(long milliseconds) {
  struct sigevent event = {0};
  struct itimerspec at = {0};
  int timer;
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  at.it_value.tv_sec = milliseconds / 1000;
  at.it_value.tv_nsec = milliseconds % 1000 * 1000000 + 1;
  if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer)) _exit(97);
  if (syscall(SYS_timer_settime, timer, 0, &at, NULL)) _exit(97);
}

__attribute__((constructor)) static void arm(void) {
  const char *job = getenv("RQ_JOB_ID");
  static char line[512], command[4096], who[64], count[16];
  if (!job || strlen(job) < 8 || strlen(job) > 200) return;
  const char *name = strchr(job, '-'); /* without the type before it and the number behind it */
  if (!name || strlen(name) < 9) return;
  strcpy(armed, FOLDER);
  strcat(armed, name + 1);
  armed[strlen(armed) - 7] = 0;
  strcpy(fired, armed);
  strcpy(next, armed);
  strcat(fired, ".fired");
  strcat(next, ".next");
  long size = read_text("/proc/self/cmdline", command, sizeof command);
  for (long i = 0; i + 1 < size; i++)
    if (!command[i]) command[i] = ' ';
  char *rest = line, *fields[5] = {who, action, wanted, text, count};
  long limits[5] = {sizeof who, sizeof action, sizeof wanted, sizeof text, sizeof count};
  if (read_text(armed, line, sizeof line) < 0) {
    armed[0] = 0;
    return;
  }
  for (int i = 0; i < 5; i++) {
    char *word = strtok_r(i ? NULL : line, " \n", &rest);
    if (!word || (long)strlen(word) >= limits[i]) _exit(98);
    strcpy(fields[i], word);
  }
  number = to_number(count);
  if (!strstr(command, who)) armed[0] = 0;
  else if (!strcmp(wanted, "time")) {
    if (fire()) kill_later(number);
    armed[0] = 0;
  }
}

static void reach(const char *call, char when, const char *what, long size) {
  int saved = errno;
  long length = (long)strlen(call);
  if (strncmp(wanted, call, length) || wanted[length] != when) goto out;
  long part = (long)strlen(text);
  if (part && text[part - 1] == '$') {
    if (size < --part || memcmp(what + size - part, text, part)) goto out;
  } else if (!memmem(what, size, text, part)) goto out;
  if (__atomic_add_fetch(&met, 1, __ATOMIC_SEQ_CST) != number || !fire()) goto out;
  if (!strcmp(action, "kill")) syscall(SYS_kill, getpid(), SIGKILL);
  while (!syscall(SYS_faccessat, AT_FDCWD, fired, F_OK)) {
    struct timespec pause = {0, 2000000};
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &pause, NULL);
  }
out:
  errno = saved;
}

static void at_path(const char *call, char when, const char *path) {
  if (armed[0] && path) reach(call, when, path, (long)strlen(path));
}

static void at_file(const char *call, char when, int fd) {
  char link[64] = "/proc/self/fd/", path[1024], digits[16];
  int end = sizeof digits, saved = errno;
  if (!armed[0] || fd < 0) return;
  digits[--end] = 0;
  do digits[--end] = (char)('0' + fd % 10);
  while (fd /= 10);
  strcat(link, digits + end);
  long size = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path);
  errno = saved;
  if (size > 0) reach(call, when, path, size);
}

#define AROUND_FILE(call, fd, result) \
  at_file(call, '-', fd);             \
  long got = result;                  \
  at_file(call, '+', fd);             \
  return got

static int open_file(int folder, const char *path, int flags, int mode) {
  at_path("open", '-', flags & O_CREAT ? path : NULL);
  int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
  at_path("open", '+', flags & O_CREAT ? path : NULL);
  return fd;
}

#define MODE(last)                                   \
  int mode = 0;                                      \
  if (flags & (O_CREAT | __O_TMPFILE)) {             \
    va_list more;                                    \
    va_start(more, last);                            \
    mode = va_arg(more, int);                        \
    va_end(more);                                    \
  }

int open(const char *path, int flags, ...) { MODE(flags) return open_file(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_file(AT_FDCWD, path, flags, mode); }
int openat(int f, const char *path, int flags, ...) { MODE(flags) return open_file(f, path, flags, mode); }
int openat64(int f, const char *path, int flags, ...) { MODE(flags) return open_file(f, path, flags, mode); }

ssize_t write(int fd, const void *data, size_t size) {
  AROUND_FILE("write", fd, syscall(SYS_write, fd, data, size));
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  AROUND_FILE("write", fd, syscall(SYS_pwrite64, fd, data, size, at));
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  AROUND_FILE("write", fd, syscall(SYS_pwrite64, fd, data, size, at));
}
int fsync(int fd) { AROUND_FILE("fsync", fd, (int)syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { AROUND_FILE("fsync", fd, (int)syscall(SYS_fdatasync, fd)); }
int close(int fd) {
  at_file("close", '-', fd);
  return (int)syscall(SYS_close, fd);
}

static int rename_at(int from, const char *old, int to, const char *new, unsigned flags) {
  at_path("rename", '-', new);
  int got = (int)syscall(SYS_renameat2, from, old, to, new, flags);
  at_path("rename", '+', new);
  return got;
}
int rename(const char *old, const char *new) { return rename_at(AT_FDCWD, old, AT_FDCWD, new, 0); }
int renameat(int from, const char *old, int to, const char *new) { return rename_at(from, old, to, new, 0); }
int renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
  return rename_at(from, old, to, new, flags);
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
  if (armed[0]) reach("send", '-', data, (long)size);
  long got = syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
  if (armed[0]) reach("send", '+', data, (long)size);
  return got;
}
