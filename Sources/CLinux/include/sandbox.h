// How a process gives up everything but the descriptors that it has: for code that reads what a stranger wrote.
#ifndef INGOT_SANDBOX_H
#define INGOT_SANDBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

// What ingot_sandbox() did, a bit each.
enum {
    INGOT_SANDBOX_DEATH_SIGNAL = 1 << 0,
    INGOT_SANDBOX_NO_NEW_PRIVILEGES = 1 << 1,
    INGOT_SANDBOX_NO_CAPABILITIES = 1 << 2,
    INGOT_SANDBOX_LIMITS = 1 << 3,
    INGOT_SANDBOX_LANDLOCK = 1 << 4,
    INGOT_SANDBOX_SECCOMP = 1 << 5,
    INGOT_SANDBOX_ALL = (1 << 6) - 1,
};

// Shuts the calling process in, for ever; it must have one thread only, and keeps its three streams and nothing else. Returns the bits of what worked; whatever did
// not work is left out, and the rest is still done.
uint32_t ingot_sandbox(uint64_t address_space, uint64_t descriptors);

// The version of Landlock that this kernel has, or -1.
int ingot_landlock_version(void);

// sendmsg(2) of bytes and one open descriptor (SCM_RIGHTS), without SIGPIPE.
ssize_t ingot_send_descriptor(int socket, const void *bytes, size_t count, int descriptor);
// recvmsg(2) of bytes and at most one descriptor, close-on-exec; -1 in *descriptor when none came.
ssize_t ingot_receive_descriptor(int socket, void *bytes, size_t count, int *descriptor);
// socketpair(2): AF_UNIX, stream, close-on-exec.
int ingot_socket_pair(int ends[2]);

// Tries something that nobody in a sandbox may do; returns errno, 0 when it worked, -1 for a number that there is not.
// Debug builds only.
int ingot_sandbox_probe(int which);

#ifdef __cplusplus
}
#endif
#endif
