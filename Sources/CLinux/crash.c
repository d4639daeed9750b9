#define _GNU_SOURCE
#include "crash.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ingot_crash_slot {
    _Atomic uint64_t key[4];
    char stage[16];
};

static int log_fd = -1;
static _Thread_local struct ingot_crash_slot *current;

struct ingot_crash_slot *ingot_crash_slot_new(const char *stage) {
    struct ingot_crash_slot *slot = calloc(1, sizeof *slot);
    if (slot) strncpy(slot->stage, stage, sizeof slot->stage - 1);
    return slot;
}

void ingot_crash_slot_free(struct ingot_crash_slot *slot) { free(slot); }

void ingot_crash_slot_set(struct ingot_crash_slot *slot, const uint64_t key[4]) {
    for (int i = 0; i < 4; i++) atomic_store_explicit(&slot->key[i], key[i], memory_order_relaxed);
}

int ingot_crash_report(struct ingot_crash_slot *slot, int fd, uint32_t cause) {
    struct ingot_crash_record record = {.cause = cause};
    uint64_t any = 0;
    for (int i = 0; i < 4; i++) any |= record.key[i] = atomic_load_explicit(&slot->key[i], memory_order_relaxed);
    if (!any) return 0;
    memcpy(record.stage, slot->stage, sizeof record.stage);
    return write(fd, &record, sizeof record) == sizeof record ? 0 : -1;
}

// Runs on the thread that crashed. Only write(2) and raise(3), which are async-signal-safe.
static void report_and_die(int signal, siginfo_t *info, void *context) {
    (void)context;
    if (current && log_fd >= 0) ingot_crash_report(current, log_fd, (uint32_t)signal);
    // SA_RESETHAND: the default action is back. A fault happens again on return; a signal that was sent does not.
    if (info->si_code <= 0) raise(signal);
}

int ingot_crash_watch(int fd) {
    static const int signals[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER};
    action.sa_sigaction = report_and_die;
    sigemptyset(&action.sa_mask);
    log_fd = fd;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (sigaction(signals[i], &action, NULL) != 0) return -1;
    return 0;
}

void ingot_crash_bind(struct ingot_crash_slot *slot) {
    current = slot;
    // A stack that is exhausted cannot run the handler. Threads that bind live as long as the process, so nothing is freed.
    stack_t stack = {.ss_size = 64 * 1024, .ss_sp = malloc(64 * 1024)};
    if (stack.ss_sp) sigaltstack(&stack, NULL);
    sigset_t faults;
    sigemptyset(&faults);
    sigaddset(&faults, SIGILL);
    sigaddset(&faults, SIGTRAP);
    sigaddset(&faults, SIGSEGV);
    sigaddset(&faults, SIGBUS);
    sigaddset(&faults, SIGFPE);
    // A fault whose signal is blocked ends the process without its handler.
    pthread_sigmask(SIG_UNBLOCK, &faults, NULL);
}
