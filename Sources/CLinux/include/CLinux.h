// Linux system calls and constants that Swift's Glibc module does not import: variadic functions, macros with casts,
// and calls behind _GNU_SOURCE. Each function is the bare call: it returns what the call returns and sets errno.
#ifndef INGOT_CLINUX_H
#define INGOT_CLINUX_H

#include "crash.h"
#include "sandbox.h"

#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

// open(2) flags and fcntl(2) lease kinds whose values differ between architectures or need _GNU_SOURCE.
extern const int ingot_o_tmpfile;
extern const int ingot_o_path;
extern const int ingot_o_directory;
extern const int ingot_o_nofollow;
extern const int ingot_f_rdlck;
extern const int ingot_f_unlck;

// openat(2) with its mode argument fixed in the signature.
int ingot_openat(int directory, const char *path, int flags, mode_t mode);
// renameat2(2) with RENAME_NOREPLACE when no_replace is not 0.
int ingot_renameat(int from_directory, const char *from, int to_directory, const char *to, int no_replace);
// fcntl(2) F_SETLEASE: kind is ingot_f_rdlck or ingot_f_unlck.
int ingot_set_lease(int fd, int kind);
// fcntl(2) F_GETLEASE: the kind of lease held, or -1.
int ingot_get_lease(int fd);
// ioctl_ficlone(2).
int ingot_clone(int destination, int source);
// fallocate(2) with FALLOC_FL_KEEP_SIZE.
int ingot_allocate(int fd, off_t size);
// syncfs(2).
int ingot_syncfs(int fd);
// sync_file_range(2) with SYNC_FILE_RANGE_WRITE: starts write-back, waits for nothing, promises nothing.
int ingot_start_writeback(int fd, off_t offset, off_t length);
// sync_file_range(2) over the whole file, with all three flags: waits until every dirty page has been written to the device.
int ingot_write_back(int fd);
// getdents64(2); records are struct linux_dirent64.
ssize_t ingot_getdents(int fd, void *buffer, size_t size);
// linkat(2) of the open file itself, through /proc/self/fd (works without CAP_DAC_READ_SEARCH).
int ingot_link_descriptor(int fd, int directory, const char *name);
// statx(2) STATX_MNT_ID of the open file; 0 when the kernel does not tell.
uint64_t ingot_mount_id(int fd);
// statx(2) STATX_BTIME of the open file in nanoseconds since 1970; 0 when the file system keeps none.
uint64_t ingot_birth_time(int fd);
// The two halves of a device number (makedev(3)).
uint32_t ingot_major(uint64_t device);
uint32_t ingot_minor(uint64_t device);
// eventfd(2), non-blocking and close-on-exec.
int ingot_eventfd(void);
// pthread_setname_np(3) of the calling thread; at most 15 bytes are kept.
void ingot_name_thread(const char *name);
// Bytes free to us and in all, and file nodes free and in all, of the file system under fd (fstatvfs(3)).
int ingot_space(int fd, uint64_t *free_bytes, uint64_t *total_bytes, uint64_t *free_nodes, uint64_t *total_nodes);
// The file system's magic number (fstatfs(2) f_type).
int ingot_magic(int fd, uint64_t *magic);
// Whether the mount under fd has the option, by a look at the mount flags; ST_RDONLY.
int ingot_is_read_only(int fd);

#ifdef __cplusplus
}
#endif
#endif
