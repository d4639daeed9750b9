#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

// One rule of the file system for each version of Landlock, and those that came for the network and for signals.
#define FS_BITS_1 ((1ULL << 13) - 1)
#define FS_BITS_2 ((1ULL << 14) - 1)
#define FS_BITS_3 ((1ULL << 15) - 1)
#define FS_BITS_5 ((1ULL << 16) - 1)

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif

// struct landlock_ruleset_attr of the newest kernel known here; older ones are told a smaller size.
struct ruleset {
    uint64_t file_system;
    uint64_t network;
    uint64_t scoped;
};

int ingot_landlock_version(void) {
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
}

// Denies every access that this kernel's Landlock knows: the rule set has no rule that allows any.
static int landlock(void) {
    int version = ingot_landlock_version();
    if (version < 1) return -1;
    struct ruleset all = {
        .file_system = version >= 5 ? FS_BITS_5 : version >= 3 ? FS_BITS_3 : version == 2 ? FS_BITS_2 : FS_BITS_1,
        .network = version >= 4 ? 3 : 0,
        .scoped = version >= 6 ? 3 : 0,
    };
    size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    long rules = syscall(SYS_landlock_create_ruleset, &all, size, 0);
    if (rules < 0) return -1;
    long result = syscall(SYS_landlock_restrict_self, (int)rules, 0);
    close((int)rules);
    return result == 0 ? 0 : -1;
}

// No capability in any set, and none to be had again. The bounding set needs CAP_SETPCAP; no_new_privs makes it moot.
static int drop_capabilities(void) {
    for (int capability = 0; capability < 64; capability++) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2];
    memset(none, 0, sizeof none);
    return (int)syscall(SYS_capset, &header, none);
}

static int limit(int resource, uint64_t value) {
    struct { uint64_t soft, hard; } old, wanted = {value, value};
    if (syscall(SYS_prlimit64, 0, resource, NULL, &old) == 0 && old.hard < value) wanted.soft = wanted.hard = old.hard;
    return (int)syscall(SYS_prlimit64, 0, resource, &wanted, NULL);
}

#ifdef OUR_ARCHITECTURE

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define REFUSE RETURN(SECCOMP_RET_ERRNO | EPERM)
// Every number has its own pair of instructions, so that no jump has to be counted.
#define ALLOW(name) IF_EQUAL(SYS_##name, 0, 1), RETURN(SECCOMP_RET_ALLOW)
// Memory that can be executed is refused: the third argument is the protection; the low word comes first on both machines.
#define ALLOW_WITHOUT_EXECUTION(name) \
    IF_EQUAL(SYS_##name, 0, 4), LOAD(args[2]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1), REFUSE, \
        RETURN(SECCOMP_RET_ALLOW)

// What reading descriptors and computing takes, and nothing that makes a descriptor, a process or a thread, or that
// reaches a path, a socket's address or another process. fcntl(2) is not among it: it could give up a lease.
static int filter(void) {
    struct sock_filter program[] = {
        LOAD(arch),
        IF_EQUAL(OUR_ARCHITECTURE, 1, 0),
        RETURN(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        ALLOW(pread64),
        ALLOW(read),
        ALLOW(write),
        ALLOW(sendmsg),
        ALLOW(recvmsg),
        ALLOW(close),
        ALLOW(futex),
        ALLOW_WITHOUT_EXECUTION(mmap),
        ALLOW_WITHOUT_EXECUTION(mprotect),
        ALLOW(munmap),
        ALLOW(mremap),
        ALLOW(madvise),
        ALLOW(brk),
        ALLOW(fstat),
        ALLOW(lseek),
        ALLOW(clock_gettime),
        ALLOW(gettimeofday),
        ALLOW(getrandom),
        ALLOW(getpid),
        ALLOW(gettid),
        ALLOW(getrusage),
        ALLOW(sched_yield),
        ALLOW(rt_sigprocmask),
        ALLOW(rt_sigreturn),
        ALLOW(sigaltstack),
        ALLOW(restart_syscall),
        ALLOW(exit),
        ALLOW(exit_group),
        REFUSE,
    };
    struct sock_fprog whole = {.len = sizeof program / sizeof *program, .filter = program};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &whole);
}

#else

static int filter(void) {
    errno = ENOSYS;
    return -1;
}

#endif

// The first that the kernel ends when memory runs out; making that more likely takes no right.
static void go_first(void) {
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    if (write(file, "1000", 4) < 0) errno = 0;
    close(file);
}

// Whatever a careless parent let slip: everything but the three streams.
static void close_others(void) {
    if (syscall(SYS_close_range, 3, ~0U, 0) == 0) return;
    for (int descriptor = 3; descriptor < 65536; descriptor++) close(descriptor);
}

uint32_t ingot_sandbox(uint64_t address_space, uint64_t descriptors) {
    uint32_t done = 0;
    close_others();
    go_first();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0) done |= INGOT_SANDBOX_DEATH_SIGNAL;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (drop_capabilities() == 0) done |= INGOT_SANDBOX_NO_CAPABILITIES;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) done |= INGOT_SANDBOX_NO_NEW_PRIVILEGES;
    if (landlock() == 0) done |= INGOT_SANDBOX_LANDLOCK;
    int limits = limit(RLIMIT_CORE, 0);
    limits |= limit(RLIMIT_FSIZE, 0);
    limits |= limit(RLIMIT_NPROC, 0);
    limits |= limit(RLIMIT_NOFILE, descriptors);
    limits |= limit(RLIMIT_AS, address_space);
    if (limits == 0) done |= INGOT_SANDBOX_LIMITS;
    if (filter() == 0) done |= INGOT_SANDBOX_SECCOMP;
    return done;
}

ssize_t ingot_send_descriptor(int socket, const void *bytes, size_t count, int descriptor) {
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t ingot_receive_descriptor(int socket, void *bytes, size_t count, int *descriptor) {
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = count};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *descriptor = -1;
    ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
    if (received < 0) return received;
    for (struct cmsghdr *entry = CMSG_FIRSTHDR(&message); entry; entry = CMSG_NXTHDR(&message, entry))
        if (entry->cmsg_level == SOL_SOCKET && entry->cmsg_type == SCM_RIGHTS && entry->cmsg_len == CMSG_LEN(sizeof(int)))
            memcpy(descriptor, CMSG_DATA(entry), sizeof *descriptor);
    return received;
}

int ingot_socket_pair(int ends[2]) { return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends); }

#if DEBUG

int ingot_sandbox_probe(int which) {
    long result;
    switch (which) {
    case 0: result = open("/etc/passwd", O_RDONLY | O_CLOEXEC); break;
    case 1: result = open("/tmp/ingot-probe", O_WRONLY | O_CREAT | O_CLOEXEC, 0600); break;
    case 2: result = socket(AF_INET, SOCK_STREAM, 0); break;
    case 3: result = socket(AF_UNIX, SOCK_STREAM, 0); break;
    case 4: result = fork(); if (result == 0) _exit(0); break;
    case 5: result = syscall(SYS_execve, "/bin/true", (char *[]){"true", NULL}, (char *[]){NULL}); break;
    case 6: result = kill(getppid(), 0); break;
    case 7: result = fcntl(0, F_SETLEASE, F_UNLCK); break;
    case 8: {
        void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        result = memory == MAP_FAILED ? -1 : 0;
        break;
    }
    case 9: result = syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, getppid(), 0, 0); break;
    case 10: result = unlink("/tmp/ingot-probe"); break;
    default: return -1;
    }
    return result < 0 ? errno : 0;
}

#endif
