#pragma once

#include <stddef.h>
#include <stdint.h>

/// libFuzzer, as a library: https://llvm.org/docs/LibFuzzer.html#using-libfuzzer-as-a-library. SwiftPM gives the program its main().
int LLVMFuzzerRunDriver(
    int *_Nonnull count, char *_Nullable *_Nonnull *_Nonnull arguments,
    int (*_Nonnull one_input)(const uint8_t *_Nullable bytes, size_t count));
