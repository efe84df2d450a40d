/* Records every call by which a program changes the files below one folder.
 *
 * The library is loaded before the C library (LD_PRELOAD), so it sees the calls of Python, of HDF5
 * and of every other library. It does each call itself, as a bare system call, and appends a record
 * to a log when the call has succeeded:
 *
 *     <name> <process> <descriptor> <number> <offset> <bytes>\n<payload of so many bytes>
 *
 * recording.py reads the log. RECORDER_ROOT is the folder and RECORDER_LOG the log, both absolute
 * and without links. A lock makes the order of the records the order of the calls, for all threads
 * and processes. Calls that change a file without such a record (shared maps, sendfile,
 * copy_file_range, splice, fallocate, unnamed files) are refused as on a file system that lacks
 * them. Streams of the C library write through this library too. power_cuts.py compares the files
 * that the records make with those on the disk, so that no other way passes unnoticed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_DESCRIPTORS 65536

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_descriptor = -1;
static char root[PATH_MAX];
static size_t root_length;
static char recorded[MOST_DESCRIPTORS]; /* whether a descriptor is open below the root */

static void fail(const char *what) {
    dprintf(2, "recorder: %s: %s\n", what, strerror(errno));
    abort();
}

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("RECORDER_ROOT"), *path = getenv("RECORDER_LOG");
    if (folder == NULL || path == NULL || strlen(folder) >= sizeof root) fail("no root or no log");
    root_length = strlen(strcpy(root, folder));
    log_descriptor = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (log_descriptor < 0) fail(path);
}

static void enter(void) {
    pthread_mutex_lock(&lock);
    /* For other processes. Other libraries may begin before this one has opened its log. */
    if (log_descriptor >= 0 && flock(log_descriptor, LOCK_EX) != 0) fail("flock");
}

static void leave(void) {
    int error = errno;
    if (log_descriptor >= 0) flock(log_descriptor, LOCK_UN);
    pthread_mutex_unlock(&lock);
    errno = error;
}

static void append(const void *bytes, size_t count) {
    const char *next = bytes;
    while (count > 0) {
        ssize_t done = syscall(SYS_write, log_descriptor, next, count);
        if (done <= 0) fail("the log");
        next += done;
        count -= done;
    }
}

static void note(const char *name, int descriptor, long long number, long long offset,
                 const void *payload, size_t count) {
    int error = errno;
    char head[200];
    int length = snprintf(head, sizeof head, "%s %d %d %lld %lld %zu\n", name, (int)getpid(),
                          descriptor, number, offset, count);
    append(head, length);
    append(payload, count);
    errno = error;
}

static int is_below_root(const char *path) {
    return root_length > 0 && strncmp(path, root, root_length) == 0 &&
           (path[root_length] == '/' || path[root_length] == '\0');
}

/* Write the path that a descriptor leads to, and return whether it is below the root. */
static int follow(int descriptor, char path[PATH_MAX]) {
    char link[64];
    int error = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = '\0';
    errno = error;
    return is_below_root(path);
}

/* The C library closes descriptors itself too, as closedir does, so the path is looked at again. */
static int is_recorded(int descriptor) {
    char path[PATH_MAX];
    return descriptor >= 0 && descriptor < MOST_DESCRIPTORS && recorded[descriptor] &&
           follow(descriptor, path);
}

/* Write the absolute path of a name, whose folder has no links, and return whether it is below the
 * root. */
static int locate(int folder, const char *name, char out[PATH_MAX]) {
    char whole[PATH_MAX], parent[PATH_MAX], base[PATH_MAX] = ".";
    int error = errno, below = 0;
    if (name[0] != '/' && folder != AT_FDCWD) {
        if (!follow(folder, base)) goto done;
    }
    if (snprintf(whole, sizeof whole, "%s/%s", name[0] == '/' ? "" : base, name) >= PATH_MAX)
        goto done;
    size_t end = strlen(whole);
    while (end > 1 && whole[end - 1] == '/') whole[--end] = '\0';
    char *last = strrchr(whole, '/');
    *last = '\0';
    if (realpath(whole[0] ? whole : "/", parent) == NULL) goto done;
    if (snprintf(out, PATH_MAX, "%s/%s", strcmp(parent, "/") ? parent : "", last + 1) >= PATH_MAX)
        goto done;
    below = is_below_root(out);
done:
    errno = error;
    return below;
}

/* ---- Descriptors ---- */

static int open_file(int folder, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    if (log_descriptor < 0 || !locate(folder, name, path))
        return syscall(SYS_openat, folder, name, flags, mode);
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    enter();
    int descriptor = syscall(SYS_openat, folder, name, flags, mode);
    if (descriptor >= MOST_DESCRIPTORS) fail("too many descriptors");
    if (descriptor >= 0) {
        char real[PATH_MAX]; /* of the file that a link led to */
        recorded[descriptor] = follow(descriptor, real);
        if (recorded[descriptor]) note("open", descriptor, flags, 0, real, strlen(real));
    }
    leave();
    return descriptor;
}

#define MODE(flags, mode)                                                                       \
    mode_t mode = 0;                                                                            \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                    \
        va_list rest;                                                                           \
        va_start(rest, flags);                                                                  \
        mode = va_arg(rest, mode_t);                                                            \
        va_end(rest);                                                                           \
    }

int open(const char *name, int flags, ...) {
    MODE(flags, mode)
    return open_file(AT_FDCWD, name, flags, mode);
}
int open64(const char *name, int flags, ...) {
    MODE(flags, mode)
    return open_file(AT_FDCWD, name, flags, mode);
}
int openat(int folder, const char *name, int flags, ...) {
    MODE(flags, mode)
    return open_file(folder, name, flags, mode);
}
int openat64(int folder, const char *name, int flags, ...) {
    MODE(flags, mode)
    return open_file(folder, name, flags, mode);
}
int __open_2(const char *name, int flags) { return open_file(AT_FDCWD, name, flags, 0); }
int __open64_2(const char *name, int flags) { return open_file(AT_FDCWD, name, flags, 0); }
int __openat_2(int folder, const char *name, int flags) { return open_file(folder, name, flags, 0); }
int __openat64_2(int folder, const char *name, int flags) {
    return open_file(folder, name, flags, 0);
}
int creat(const char *name, mode_t mode) {
    return open_file(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64(const char *name, mode_t mode) { return creat(name, mode); }

int close(int descriptor) {
    if (!is_recorded(descriptor)) return syscall(SYS_close, descriptor);
    enter();
    int result = syscall(SYS_close, descriptor);
    recorded[descriptor] = 0;
    note("close", descriptor, 0, 0, "", 0);
    leave();
    return result;
}

static int copied(int from, int to) {
    if (to >= MOST_DESCRIPTORS) fail("too many descriptors");
    if (to >= 0) {
        recorded[to] = is_recorded(from);
        if (recorded[to]) note("dup", to, from, 0, "", 0);
    }
    return to;
}
int dup(int from) {
    enter();
    int to = copied(from, syscall(SYS_dup, from));
    leave();
    return to;
}
int dup3(int from, int to, int flags) {
    enter();
    to = copied(from, syscall(SYS_dup3, from, to, flags));
    leave();
    return to;
}
int dup2(int from, int to) {
    if (from == to) return syscall(SYS_fcntl, from, F_GETFD) < 0 ? -1 : to;
    return dup3(from, to, 0);
}
int fcntl(int descriptor, int command, ...) {
    va_list rest;
    va_start(rest, command);
    long argument = va_arg(rest, long);
    va_end(rest);
    if (command != F_DUPFD && command != F_DUPFD_CLOEXEC)
        return syscall(SYS_fcntl, descriptor, command, argument);
    enter();
    int to = copied(descriptor, syscall(SYS_fcntl, descriptor, command, argument));
    leave();
    return to;
}
int fcntl64(int descriptor, int command, ...) {
    va_list rest;
    va_start(rest, command);
    long argument = va_arg(rest, long);
    va_end(rest);
    return fcntl(descriptor, command, argument);
}

/* ---- The content of files ---- */

static ssize_t write_vector(int descriptor, const struct iovec *parts, int count, off_t offset) {
    enter();
    ssize_t done = offset < 0 ? syscall(SYS_writev, descriptor, parts, count)
                              : syscall(SYS_pwritev, descriptor, parts, count, offset, 0);
    if (done > 0) {
        char *bytes = malloc(done);
        if (bytes == NULL) fail("malloc");
        size_t filled = 0;
        for (int part = 0; part < count && filled < (size_t)done; part++) {
            size_t rest = done - filled;
            size_t length = parts[part].iov_len < rest ? parts[part].iov_len : rest;
            memcpy(bytes + filled, parts[part].iov_base, length);
            filled += length;
        }
        off_t begin = offset < 0 ? lseek(descriptor, 0, SEEK_CUR) - done : offset;
        note("write", descriptor, 0, begin, bytes, done);
        free(bytes);
    }
    leave();
    return done;
}
ssize_t write(int descriptor, const void *bytes, size_t count) {
    if (!is_recorded(descriptor)) return syscall(SYS_write, descriptor, bytes, count);
    struct iovec part = {(void *)bytes, count};
    return write_vector(descriptor, &part, 1, -1);
}
ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    if (!is_recorded(descriptor)) return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
    struct iovec part = {(void *)bytes, count};
    return write_vector(descriptor, &part, 1, offset);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    return pwrite(descriptor, bytes, count, offset);
}
ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    if (!is_recorded(descriptor)) return syscall(SYS_writev, descriptor, parts, count);
    return write_vector(descriptor, parts, count, -1);
}
ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t offset) {
    if (!is_recorded(descriptor)) return syscall(SYS_pwritev, descriptor, parts, count, offset, 0);
    return write_vector(descriptor, parts, count, offset);
}
ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off64_t offset) {
    return pwritev(descriptor, parts, count, offset);
}

ssize_t pwritev2(int descriptor, const struct iovec *parts, int count, off_t offset, int flags) {
    if (!is_recorded(descriptor))
        return syscall(SYS_pwritev2, descriptor, parts, count, offset, 0, flags);
    return write_vector(descriptor, parts, count, offset);
}
ssize_t pwritev64v2(int descriptor, const struct iovec *parts, int count, off64_t offset,
                    int flags) {
    return pwritev2(descriptor, parts, count, offset, flags);
}

/* ---- Streams of the C library, whose own calls cannot be seen ---- */

static ssize_t stream_read(void *cookie, char *bytes, size_t count) {
    return syscall(SYS_read, (int)(long)cookie, bytes, count);
}
static ssize_t stream_write(void *cookie, const char *bytes, size_t count) {
    ssize_t done = write((int)(long)cookie, bytes, count);
    return done < 0 ? 0 : done;
}
static int stream_seek(void *cookie, off64_t *offset, int whence) {
    *offset = lseek((int)(long)cookie, *offset, whence);
    return *offset < 0 ? -1 : 0;
}
static int stream_close(void *cookie) { return close((int)(long)cookie); }

FILE *fdopen(int descriptor, const char *mode) {
    static FILE *(*original)(int, const char *);
    if (!is_recorded(descriptor)) {
        if (original == NULL) original = dlsym(RTLD_NEXT, "fdopen");
        return original(descriptor, mode);
    }
    cookie_io_functions_t functions = {stream_read, stream_write, stream_seek, stream_close};
    return fopencookie((void *)(long)descriptor, mode, functions);
}
FILE *fopen(const char *name, const char *mode) {
    int flags = strchr(mode, '+') ? O_RDWR : mode[0] == 'r' ? O_RDONLY : O_WRONLY;
    if (mode[0] != 'r') flags |= O_CREAT | (mode[0] == 'w' ? O_TRUNC : O_APPEND);
    int descriptor = open(name, flags | (strchr(mode, 'e') ? O_CLOEXEC : 0), 0666);
    return descriptor < 0 ? NULL : fdopen(descriptor, mode);
}
FILE *fopen64(const char *name, const char *mode) { return fopen(name, mode); }

/* ---- Sizes, and flushes to the disk ---- */

int ftruncate(int descriptor, off_t size) {
    if (!is_recorded(descriptor)) return syscall(SYS_ftruncate, descriptor, size);
    enter();
    int result = syscall(SYS_ftruncate, descriptor, size);
    if (result == 0) note("size", descriptor, 0, size, "", 0);
    leave();
    return result;
}
int ftruncate64(int descriptor, off64_t size) { return ftruncate(descriptor, size); }
int truncate(const char *name, off_t size) {
    int descriptor = open_file(AT_FDCWD, name, O_WRONLY | O_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    int result = ftruncate(descriptor, size), error = errno;
    close(descriptor);
    errno = error;
    return result;
}
int truncate64(const char *name, off64_t size) { return truncate(name, size); }

static int synced(const char *name, long call, int descriptor) {
    if (!is_recorded(descriptor)) return syscall(call, descriptor);
    enter();
    int result = syscall(call, descriptor);
    if (result == 0) note(name, descriptor, 0, 0, "", 0);
    leave();
    return result;
}
int fsync(int descriptor) { return synced("sync", SYS_fsync, descriptor); }
int fdatasync(int descriptor) { return synced("sync", SYS_fdatasync, descriptor); }

/* ---- Names ---- */

static int renamed(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    char paths[2 * PATH_MAX], target[PATH_MAX];
    int below = locate(from_folder, from, paths) + locate(to_folder, to, target);
    if (below == 0) return syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    if (below == 1) {
        errno = EXDEV;
        return -1;
    }
    enter();
    int result = syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    if (result == 0) {
        size_t length = strlen(paths) + 1;
        strcpy(paths + length, target);
        note("rename", -1, flags, 0, paths, length + strlen(target));
    }
    leave();
    return result;
}
int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    return renamed(from_folder, from, to_folder, to, 0);
}
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    return renamed(from_folder, from, to_folder, to, flags);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    char paths[2 * PATH_MAX], target[PATH_MAX];
    int below = locate(to_folder, to, target);
    if (below && !locate(from_folder, from, paths)) {
        errno = EXDEV;
        return -1;
    }
    enter();
    int result = syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
    if (result == 0 && below) {
        size_t length = strlen(paths) + 1;
        strcpy(paths + length, target);
        note("link", -1, 0, 0, paths, length + strlen(target));
    }
    leave();
    return result;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int symlinkat(const char *text, int folder, const char *name) {
    char paths[2 * PATH_MAX];
    int below = locate(folder, name, paths);
    enter();
    int result = syscall(SYS_symlinkat, text, folder, name);
    if (result == 0 && below) {
        size_t length = strlen(paths) + 1;
        if (length + strlen(text) >= sizeof paths) fail("a long link");
        strcpy(paths + length, text);
        note("symlink", -1, 0, 0, paths, length + strlen(text));
    }
    leave();
    return result;
}
int symlink(const char *text, const char *name) { return symlinkat(text, AT_FDCWD, name); }

int unlinkat(int folder, const char *name, int flags) {
    char path[PATH_MAX];
    int below = locate(folder, name, path);
    enter();
    int result = syscall(SYS_unlinkat, folder, name, flags);
    if (result == 0 && below) note("unlink", -1, 0, 0, path, strlen(path));
    leave();
    return result;
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int mkdirat(int folder, const char *name, mode_t mode) {
    char path[PATH_MAX];
    int below = locate(folder, name, path);
    enter();
    int result = syscall(SYS_mkdirat, folder, name, mode);
    if (result == 0 && below) note("mkdir", -1, 0, 0, path, strlen(path));
    leave();
    return result;
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

/* ---- What is refused ---- */

void *mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset) {
    if ((flags & MAP_SHARED) && (protection & PROT_WRITE) && is_recorded(descriptor)) {
        errno = ENODEV;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, address, length, protection, flags, descriptor, offset);
}
void *mmap64(void *address, size_t length, int protection, int flags, int descriptor,
             off64_t offset) {
    return mmap(address, length, protection, flags, descriptor, offset);
}
ssize_t sendfile(int to, int from, off_t *offset, size_t count) {
    if (!is_recorded(to)) return syscall(SYS_sendfile, to, from, offset, count);
    errno = EINVAL;
    return -1;
}
ssize_t sendfile64(int to, int from, off64_t *offset, size_t count) {
    return sendfile(to, from, offset, count);
}
ssize_t copy_file_range(int from, off64_t *begin, int to, off64_t *offset, size_t count,
                        unsigned flags) {
    if (!is_recorded(to))
        return syscall(SYS_copy_file_range, from, begin, to, offset, count, flags);
    errno = EXDEV;
    return -1;
}
ssize_t splice(int from, off64_t *begin, int to, off64_t *offset, size_t count, unsigned flags) {
    if (!is_recorded(to)) return syscall(SYS_splice, from, begin, to, offset, count, flags);
    errno = EINVAL;
    return -1;
}
int fallocate(int descriptor, int mode, off_t offset, off_t length) {
    if (!is_recorded(descriptor)) return syscall(SYS_fallocate, descriptor, mode, offset, length);
    errno = EOPNOTSUPP;
    return -1;
}
int fallocate64(int descriptor, int mode, off64_t offset, off64_t length) {
    return fallocate(descriptor, mode, offset, length);
}
int posix_fallocate(int descriptor, off_t offset, off_t length) {
    return fallocate(descriptor, 0, offset, length) == 0 ? 0 : errno;
}
int posix_fallocate64(int descriptor, off64_t offset, off64_t length) {
    return posix_fallocate(descriptor, offset, length);
}
