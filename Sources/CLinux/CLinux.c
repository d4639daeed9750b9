#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

const int ingot_o_tmpfile = O_TMPFILE;
const int ingot_o_path = O_PATH;
const int ingot_o_directory = O_DIRECTORY;
const int ingot_o_nofollow = O_NOFOLLOW;
const int ingot_f_rdlck = F_RDLCK;
const int ingot_f_unlck = F_UNLCK;

int ingot_openat(int directory, const char *path, int flags, mode_t mode) {
    return openat(directory, path, flags, mode);
}

int ingot_renameat(int from_directory, const char *from, int to_directory, const char *to, int no_replace) {
    if (!no_replace) return renameat(from_directory, from, to_directory, to);
    return renameat2(from_directory, from, to_directory, to, RENAME_NOREPLACE);
}

int ingot_set_lease(int fd, int kind) { return fcntl(fd, F_SETLEASE, kind); }

int ingot_get_lease(int fd) { return fcntl(fd, F_GETLEASE); }

int ingot_clone(int destination, int source) { return ioctl(destination, FICLONE, source); }

int ingot_allocate(int fd, off_t size) { return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size); }

int ingot_syncfs(int fd) { return syncfs(fd); }

int ingot_write_back(int fd) {
    return sync_file_range(
        fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}

uint32_t ingot_major(uint64_t device) { return major(device); }

uint32_t ingot_minor(uint64_t device) { return minor(device); }

int ingot_start_writeback(int fd, off_t offset, off_t length) {
    return sync_file_range(fd, offset, length, SYNC_FILE_RANGE_WRITE);
}

ssize_t ingot_getdents(int fd, void *buffer, size_t size) { return syscall(SYS_getdents64, fd, buffer, size); }

int ingot_link_descriptor(int fd, int directory, const char *name) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW);
}

uint64_t ingot_mount_id(int fd) {
    struct statx status;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) != 0) return 0;
    return status.stx_mask & STATX_MNT_ID ? status.stx_mnt_id : 0;
}

uint64_t ingot_birth_time(int fd) {
    struct statx status;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &status) != 0 || !(status.stx_mask & STATX_BTIME)) return 0;
    return (uint64_t)status.stx_btime.tv_sec * 1000000000 + status.stx_btime.tv_nsec;
}

int ingot_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void ingot_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

int ingot_space(int fd, uint64_t *free_bytes, uint64_t *total_bytes, uint64_t *free_nodes, uint64_t *total_nodes) {
    struct statvfs status;
    if (fstatvfs(fd, &status) != 0) return -1;
    *free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    *total_bytes = (uint64_t)status.f_blocks * status.f_frsize;
    *free_nodes = status.f_favail;
    *total_nodes = status.f_files;
    return 0;
}

int ingot_magic(int fd, uint64_t *magic) {
    struct statfs status;
    if (fstatfs(fd, &status) != 0) return -1;
    *magic = (uint64_t)(unsigned long)status.f_type;
    return 0;
}

int ingot_is_read_only(int fd) {
    struct statvfs status;
    if (fstatvfs(fd, &status) != 0) return -1;
    return status.f_flag & ST_RDONLY ? 1 : 0;
}
