// Who was at work on what when the process crashed: noted by the signal handler of the thread that crashed.
#ifndef INGOT_CRASH_H
#define INGOT_CRASH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What one thread is at work on: four words that mean nothing here; all zero is nothing.
struct ingot_crash_slot;

// One crash as it stands in the log: 64 bytes.
struct ingot_crash_record {
    uint64_t key[4];
    // The signal's number, or 0 for a stage that hung.
    uint32_t cause;
    uint32_t reserved;
    // NUL-terminated.
    char stage[16];
    uint64_t reserved_too;
};

struct ingot_crash_slot *ingot_crash_slot_new(const char *stage);
void ingot_crash_slot_free(struct ingot_crash_slot *slot);
void ingot_crash_slot_set(struct ingot_crash_slot *slot, const uint64_t key[4]);
// Writes what the slot is at work on, if it is on anything, as a record to fd (write(2)).
int ingot_crash_report(struct ingot_crash_slot *slot, int fd, uint32_t cause);
// From now on a fatal signal writes the record of the thread that it hits to fd, then takes its default action (sigaction(2)).
int ingot_crash_watch(int fd);
// Makes the slot the calling thread's, and gives it a stack for the handler (sigaltstack(2)).
void ingot_crash_bind(struct ingot_crash_slot *slot);

#ifdef __cplusplus
}
#endif
#endif
