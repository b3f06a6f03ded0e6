"""Settings of the embedded server that depend on the machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MEGABYTE = 1 << 20
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - asked for its size only


def tuning(memory_bytes: int, processors: int, shared_memory_bytes: int) -> dict[str, str]:
    """Return server settings for a machine that also runs the API and the models.

    A commit is on disk when it answers. Catalog queries are short and prepared: compiling them costs more than they
    take. `wal_level = minimal` lets COPY into a table of the same transaction skip the log.

    Args:
        memory_bytes: memory of the machine or container.
        processors: processor cores.
        shared_memory_bytes: free space of `/dev/shm`; containers often have 64 MB, too little for parallel joins.
    """
    megabytes = memory_bytes // MEGABYTE
    return {
        "shared_buffers": f"{_clamp(megabytes // 8, 64, 8192)}MB",
        "effective_cache_size": f"{_clamp(megabytes // 2, 128, 1 << 20)}MB",
        "work_mem": f"{_clamp(megabytes // 128, 8, 256)}MB",
        "maintenance_work_mem": f"{_clamp(megabytes // 16, 64, 2048)}MB",
        "max_connections": "200",
        "max_parallel_workers": str(processors),
        "max_parallel_maintenance_workers": str(min(processors, 4)),
        "dynamic_shared_memory_type": "posix" if shared_memory_bytes >= 1024 * MEGABYTE else "mmap",
        "synchronous_commit": "on",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
    }


def machine() -> tuple[int, int, int]:
    """Return the arguments of `tuning` for this machine."""
    free = shutil.disk_usage(SHARED_MEMORY).free if SHARED_MEMORY.is_dir() else 1024 * MEGABYTE
    return memory_bytes(), os.cpu_count() or 1, free


def memory_bytes() -> int:
    """Return the memory that this process may use: the machine's, or its container's limit."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in CGROUP_LIMITS:
        try:
            limits.append(int(file.read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such limit, or "max"
            continue
    return min(limits)


def _clamp(value: int, lowest: int, highest: int) -> int:
    return max(lowest, min(value, highest))
