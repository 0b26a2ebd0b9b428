#pragma once

#include <stdint.h>

// Connects a stream socket to the Unix socket at `path` as the user `uid`, which takes the right to become others.
// Returns the descriptor, closed on exec, or -errno.
int peers_connect_as(const char *path, uint32_t uid);
