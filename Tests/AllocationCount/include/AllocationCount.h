// How often this process has asked for memory: malloc and its kin are counted where a program links this target.
#pragma once
#include <stdint.h>

/// Calls of malloc, calloc, realloc and aligned_alloc so far, of all threads.
uint64_t allocation_count(void);
