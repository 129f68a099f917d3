/* What the control groups of Linux (a container, a batch system, systemd) leave to this process. A group's
 * limit holds for all groups below it, so the whole path from the process's group up to the mount
 * is read, in version 2 and in version 1. `root` stands before every path: "" except in tests. */
#ifndef DIFFC_CGROUP_H
#define DIFFC_CGROUP_H

#include <stdint.h>

/* CPU time a second of time: cpu.max, or cpu.cfs_quota_us / cpu.cfs_period_us. INFINITY: no limit. */
double cgroup_cpus(const char *root);

/* Bytes that can still be taken: the smallest of limit - (used - file cache that can be dropped), from
 * memory.max, memory.high, memory.current, or memory.limit_in_bytes, memory.usage_in_bytes, and
 * memory.stat. UINT64_MAX: no limit. */
uint64_t cgroup_free_bytes(const char *root);

#endif
