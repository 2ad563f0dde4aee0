/* A disk that does not do as it is told: loaded before the C library (LD_PRELOAD), and told what to do
 * through a small file that both sides have in memory, so that a test changes it while the server runs.
 * Only files below FAULTY_FOLDER are concerned. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* As in faults.rs. */
struct control {
    int32_t write_error;   /* errno of writes; 0: none */
    int32_t write_after;   /* so many writes still go well */
    int32_t sync_error;    /* errno of fsync and fdatasync; 0: none */
    int32_t sync_delay_ms; /* how long those take */
    int32_t read_error;    /* errno of reads; 0: none */
    int32_t short_writes;  /* whether each write takes half of what it is given */
    int32_t hits;          /* how often something was done wrong */
};

static struct control *control;
static const char *folder;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTY_CONTROL");
    folder = getenv("FAULTY_FOLDER");
    int fd = path && folder ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) control = map;
    close(fd);
}

static int concerned(int fd) {
    char name[32], path[4096];
    if (!control) return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path);
    size_t prefix = strlen(folder);
    return length > (ssize_t)prefix && memcmp(path, folder, prefix) == 0;
}

/* Whether a write is to fail; else, how many bytes it is to take. */
static int fails(int fd, size_t *count) {
    if (!concerned(fd)) return 0;
    int error = control->write_error;
    if (error && __atomic_fetch_sub(&control->write_after, 1, __ATOMIC_SEQ_CST) <= 0) {
        __atomic_fetch_add(&control->hits, 1, __ATOMIC_SEQ_CST);
        errno = error;
        return 1;
    }
    if (control->short_writes && *count > 1) {
        __atomic_fetch_add(&control->hits, 1, __ATOMIC_SEQ_CST);
        *count /= 2;
    }
    return 0;
}

static int sync_fails(int fd) {
    if (!concerned(fd)) return 0;
    int delay = control->sync_delay_ms;
    struct timespec wait = {delay / 1000, (delay % 1000) * 1000000L};
    if (delay) nanosleep(&wait, NULL);
    if (!control->sync_error) return 0;
    __atomic_fetch_add(&control->hits, 1, __ATOMIC_SEQ_CST);
    errno = control->sync_error;
    return 1;
}

static int read_fails(int fd) {
    if (!control || !control->read_error || !concerned(fd)) return 0;
    __atomic_fetch_add(&control->hits, 1, __ATOMIC_SEQ_CST);
    errno = control->read_error;
    return 1;
}

ssize_t write(int fd, const void *from, size_t count) {
    return fails(fd, &count) ? -1 : syscall(SYS_write, fd, from, count);
}
ssize_t pwrite(int fd, const void *from, size_t count, off_t at) {
    return fails(fd, &count) ? -1 : syscall(SYS_pwrite64, fd, from, count, at);
}
ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) {
    return fails(fd, &count) ? -1 : syscall(SYS_pwrite64, fd, from, count, at);
}
ssize_t read(int fd, void *to, size_t count) {
    return read_fails(fd) ? -1 : syscall(SYS_read, fd, to, count);
}
ssize_t pread(int fd, void *to, size_t count, off_t at) {
    return read_fails(fd) ? -1 : syscall(SYS_pread64, fd, to, count, at);
}
ssize_t pread64(int fd, void *to, size_t count, off64_t at) {
    return read_fails(fd) ? -1 : syscall(SYS_pread64, fd, to, count, at);
}
int fsync(int fd) { return sync_fails(fd) ? -1 : syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_fails(fd) ? -1 : syscall(SYS_fdatasync, fd); }
