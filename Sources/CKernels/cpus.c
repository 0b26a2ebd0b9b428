// CPU affinity and control-group quotas. The host's CPU count is the wrong answer under `CPUQuota=` or `taskset`:
// threads above the quota are throttled together and cost far more than they bring.
#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#endif

#include "cpus.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "include/threads.h"

enum { path_size = 4096 };

/// First line of a file without its newline; false when it cannot be read.
static bool read_line(const char *directory, const char *name, char *line, int size) {
    char path[path_size];
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path) return false;
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    const bool read = fgets(line, size, file) != NULL;
    fclose(file);
    return read;
}

/// Version 2: `cpu.max` holds "max 100000" or "150000 100000".
static double quota_v2(const char *directory) {
    char line[128];
    if (!read_line(directory, "cpu.max", line, sizeof line)) return INFINITY;
    double quota, period;
    return sscanf(line, "%lf %lf", &quota, &period) == 2 && period > 0 ? quota / period : INFINITY;
}

/// Version 1: a quota of −1 is none.
static double quota_v1(const char *directory) {
    char quota[64], period[64];
    if (!read_line(directory, "cpu.cfs_quota_us", quota, sizeof quota)) return INFINITY;
    if (!read_line(directory, "cpu.cfs_period_us", period, sizeof period)) return INFINITY;
    return atof(quota) > 0 && atof(period) > 0 ? atof(quota) / atof(period) : INFINITY;
}

/// Least quota from `group` up to the root of the hierarchy. Inside a container without its own cgroup namespace the
/// path names a group of the host that is not visible; its parents that do not exist are passed over until the root.
static double least_quota(const char *mount, const char *hierarchy, const char *group, double (*quota)(const char *)) {
    char path[path_size];
    const int root = snprintf(path, sizeof path, "%s/%s", mount, hierarchy);
    if (root < 0 || root >= (int)sizeof path) return INFINITY;
    if (snprintf(path + root, sizeof path - (size_t)root, "%s", group) >= (int)sizeof path - root) path[root] = 0;
    double least = INFINITY;
    for (;;) {
        least = fmin(least, quota(path));
        char *last = strrchr(path + root, '/');
        if (last == NULL) return least;
        *last = 0;
    }
}

static bool lists_cpu(char *controllers) {
    char *rest = controllers;
    for (char *name; (name = strsep(&rest, ",")) != NULL;) {
        if (strcmp(name, "cpu") == 0) return true;
    }
    return false;
}

double lz_cpu_quota(const char *membership, const char *mount) {
    FILE *file = fopen(membership, "re");
    if (file == NULL) return INFINITY;
    double least = INFINITY;
    char line[path_size];
    // Each line is "hierarchy:controllers:path", with 0 and no controllers for version 2.
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = 0;
        char *rest = line;
        strsep(&rest, ":");
        char *controllers = strsep(&rest, ":");
        if (controllers == NULL || rest == NULL) continue;
        if (*controllers == 0) {
            least = fmin(least, least_quota(mount, ".", rest, quota_v2));
            least = fmin(least, least_quota(mount, "unified", rest, quota_v2));
        } else {
            char hierarchy[256];
            snprintf(hierarchy, sizeof hierarchy, "%s", controllers);
            if (!lists_cpu(controllers)) continue;
            least = fmin(least, least_quota(mount, hierarchy, rest, quota_v1));
            least = fmin(least, least_quota(mount, "cpu", rest, quota_v1));
        }
    }
    fclose(file);
    return least;
}

static size_t affinity(void) {
#if defined(__linux__)
    // The kernel refuses masks smaller than its own, so larger ones are tried; 2¹⁶ CPUs are more than any machine has.
    for (size_t count = 1024; count <= 65536; count *= 2) {
        cpu_set_t *set = CPU_ALLOC(count);
        if (set == NULL) break;
        const size_t size = CPU_ALLOC_SIZE(count);
        const int found = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (found > 0) return (size_t)found;
    }
#endif
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}

size_t lz_usable_cpus(void) {
    const double cpus = fmin((double)affinity(), floor(lz_cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup")));
    return cpus >= 1 ? (size_t)cpus : 1;
}
