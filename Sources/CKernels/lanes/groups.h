// Vector types of quantised groups: 32 bytes, and eight lanes.
#ifndef LAZULI_GROUPS_H
#define LAZULI_GROUPS_H

#include "lanes.h"

typedef float v2f __attribute__((ext_vector_type(2)));
typedef int32_t v8i __attribute__((ext_vector_type(8)));
typedef uint32_t v8u __attribute__((ext_vector_type(8)));
typedef uint16_t v8h __attribute__((ext_vector_type(8)));
typedef uint8_t v8b __attribute__((ext_vector_type(8)));
typedef int8_t v8s __attribute__((ext_vector_type(8)));
typedef uint8_t v16b __attribute__((ext_vector_type(16)));
typedef uint16_t v16h __attribute__((ext_vector_type(16)));
typedef uint8_t v32b __attribute__((ext_vector_type(32)));

#endif
