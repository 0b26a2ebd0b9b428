// The whole surface of the kernels.
#ifndef LAZULI_CKERNELS_H
#define LAZULI_CKERNELS_H

#include "attention.h"
#include "dispatch.h"
#include "elementwise.h"
#include "matrix.h"
#include "memory.h"
#include "quantised.h"
#include "threads.h"
#include "types.h"

#endif
