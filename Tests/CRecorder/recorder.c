// A disk that remembers: one file whose every write and every flush is written down in order, with the time.
//
//     recorder DISK LOG PLACE
//
// DISK holds the bytes, LOG gets the records, and on PLACE, an empty regular file, the disk is mounted for a loop device. Block devices
// that could do this (dm-log-writes, nbd, ublk) need modules that many kernels lack; FUSE is in all of them. The protocol is spoken
// directly, linux/fuse.h, and the root of the file system is the file itself, so that five requests are all there is to answer and
// no library has to be installed.
//
// What a file system does reaches us unchanged: FOPEN_DIRECT_IO keeps the page cache out, the loop driver turns each flush into an
// fsync, and a FUA write into a write and an fsync. One thread takes one request after the other, so that the order of the log is
// an order in which a disk may have seen them. A write is answered when it is in the log, so what the log has before a flush was
// complete before that flush. A flush takes its time, as on a disk, while others go on writing: the log has both its begin, which
// decides what it covers, and its end, from which on somebody may rely on it.
//
// It ends when nobody has the disk any more: the mount is taken out of the tree at once, umount2(2) MNT_DETACH, and then only the loop
// device holds it. It does not end with the test: a file system that is still mounted when a test dies needs its disk to be unmounted.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST = 1 << 20, HEADER = 4096, MOST_FLUSHES = 256, FLUSH_NANOSECONDS = 2000000 };

enum kind { WRITE = 1, FLUSH_BEGINS = 2, ZERO = 3, FLUSH_ENDS = 4 };

/// One entry of the log; the bytes of a write follow it.
struct record {
    uint64_t kind;
    /// Of a flush, what its begin and its end have in common.
    uint64_t offset;
    uint64_t length;
    /// CLOCK_REALTIME in nanoseconds: when the request arrived, or just before the end of a flush was told.
    uint64_t time;
};

static int disk, record_log, device;

/// The flushes under way; they end in the order in which they began.
static struct {
    struct fuse_in_header in;
    uint64_t due;
} flushes[MOST_FLUSHES];
static unsigned first_flush, flush_count;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void note(enum kind kind, uint64_t offset, uint64_t length, uint64_t time, const void *bytes) {
    struct record record = {.kind = kind, .offset = offset, .length = length, .time = time};
    struct iovec parts[] = {
        {.iov_base = &record, .iov_len = sizeof record},
        {.iov_base = (void *)bytes, .iov_len = bytes ? length : 0}};
    ssize_t wanted = (ssize_t)(parts[0].iov_len + parts[1].iov_len);
    // A log with a hole would lie about everything after it.
    if (writev(record_log, parts, 2) != wanted) fail("log");
}

static void answer(const struct fuse_in_header *in, int error, const void *body, size_t length) {
    struct fuse_out_header out = {
        .len = (uint32_t)(sizeof out + (error ? 0 : length)), .error = -error, .unique = in->unique};
    struct iovec parts[] = {
        {.iov_base = &out, .iov_len = sizeof out}, {.iov_base = (void *)body, .iov_len = error ? 0 : length}};
    // ENOENT: whoever asked was killed and waits no more.
    if (writev(device, parts, 2) < 0 && errno != ENOENT && errno != ENODEV) fail("answer");
}

static void answer_init(const struct fuse_in_header *in, const struct fuse_init_in *body) {
    struct fuse_init_out out = {
        .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_readahead = body->max_readahead,
        .flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_ASYNC_READ, .max_background = 64, .congestion_threshold = 48,
        .max_write = LARGEST, .time_gran = 1, .max_pages = LARGEST / 4096};
    answer(in, 0, &out, sizeof out);
}

static void answer_attributes(const struct fuse_in_header *in) {
    struct stat status;
    if (fstat(disk, &status) != 0) return answer(in, errno, NULL, 0);
    struct fuse_attr_out out = {
        .attr_valid = 3600,
        .attr = {
            .ino = FUSE_ROOT_ID, .size = (uint64_t)status.st_size, .blocks = (uint64_t)status.st_blocks,
            .mode = S_IFREG | 0600, .nlink = 1, .blksize = 4096}};
    answer(in, 0, &out, sizeof out);
}

static void answer_read(const struct fuse_in_header *in, const struct fuse_read_in *body) {
    static char bytes[LARGEST];
    size_t length = body->size < LARGEST ? body->size : LARGEST;
    ssize_t count = pread(disk, bytes, length, (off_t)body->offset);
    answer(in, count < 0 ? errno : 0, bytes, count < 0 ? 0 : (size_t)count);
}

static void answer_write(const struct fuse_in_header *in, const struct fuse_write_in *body, uint64_t time) {
    const void *bytes = body + 1;
    if (pwrite(disk, bytes, body->size, (off_t)body->offset) != (ssize_t)body->size) return answer(in, EIO, NULL, 0);
    note(WRITE, body->offset, body->size, time, bytes);
    struct fuse_write_out out = {.size = body->size};
    answer(in, 0, &out, sizeof out);
}

static void answer_fallocate(const struct fuse_in_header *in, const struct fuse_fallocate_in *body, uint64_t time) {
    // Discards and writes of zeros; a disk that reads as zeros afterwards is right for both.
    if (!(body->mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))) return answer(in, EOPNOTSUPP, NULL, 0);
    int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (fallocate(disk, mode, (off_t)body->offset, (off_t)body->length) != 0) return answer(in, errno, NULL, 0);
    note(ZERO, body->offset, body->length, time, NULL);
    answer(in, 0, NULL, 0);
}

static void begin_flush(const struct fuse_in_header *in, uint64_t time) {
    if (flush_count == MOST_FLUSHES) return answer(in, EIO, NULL, 0);
    note(FLUSH_BEGINS, in->unique, 0, time, NULL);
    unsigned place = (first_flush + flush_count++) % MOST_FLUSHES;
    flushes[place].in = *in;
    flushes[place].due = now(CLOCK_MONOTONIC) + FLUSH_NANOSECONDS;
}

/// Ends what is due; returns how long the next one takes, in milliseconds for poll(2).
static int end_flushes(void) {
    while (flush_count > 0) {
        uint64_t time = now(CLOCK_MONOTONIC), due = flushes[first_flush].due;
        if (due > time) return (int)((due - time + 999999) / 1000000);
        note(FLUSH_ENDS, flushes[first_flush].in.unique, 0, now(CLOCK_REALTIME), NULL);
        answer(&flushes[first_flush].in, 0, NULL, 0);
        first_flush = (first_flush + 1) % MOST_FLUSHES;
        flush_count--;
    }
    return -1;
}

static void serve(const struct fuse_in_header *in, const void *body, uint64_t time) {
    struct fuse_open_out opened = {.open_flags = FOPEN_DIRECT_IO};
    struct fuse_statfs_out space = {.st = {.bsize = 4096, .frsize = 4096, .namelen = 255}};
    switch (in->opcode) {
    case FUSE_INIT: return answer_init(in, body);
    case FUSE_GETATTR:
    case FUSE_SETATTR: return answer_attributes(in);
    case FUSE_OPEN: return answer(in, 0, &opened, sizeof opened);
    case FUSE_STATFS: return answer(in, 0, &space, sizeof space);
    case FUSE_READ: return answer_read(in, body);
    case FUSE_WRITE: return answer_write(in, body, time);
    case FUSE_FALLOCATE: return answer_fallocate(in, body, time);
    case FUSE_FSYNC: return begin_flush(in, time);
    case FUSE_FLUSH:
    case FUSE_RELEASE: return answer(in, 0, NULL, 0);
    // These want no answer.
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: return;
    default: return answer(in, ENOSYS, NULL, 0);
    }
}

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: recorder DISK LOG PLACE\n");
        return 64;
    }
    disk = open(arguments[1], O_RDWR | O_CLOEXEC);
    record_log = open(arguments[2], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    device = open("/dev/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (disk < 0 || record_log < 0 || device < 0) fail("open");
    char options[128];
    snprintf(options, sizeof options, "fd=%d,rootmode=100600,user_id=0,group_id=0,allow_other", device);
    if (mount("recorder", arguments[3], "fuse.recorder", MS_NOSUID | MS_NODEV, options) != 0) fail("mount");

    static _Alignas(8) char request[LARGEST + HEADER];
    for (;;) {
        struct pollfd waiting = {.fd = device, .events = POLLIN};
        if (poll(&waiting, 1, end_flushes()) == 0) continue;
        ssize_t length = read(device, request, sizeof request);
        uint64_t time = now(CLOCK_REALTIME);
        if (length < 0 && errno == ENODEV) return 0;
        if (length < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT)) continue;
        if (length < (ssize_t)sizeof(struct fuse_in_header)) fail("read");
        const struct fuse_in_header *in = (const void *)request;
        serve(in, in + 1, time);
    }
}
