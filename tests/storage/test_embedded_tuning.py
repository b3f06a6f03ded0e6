"""Server settings by the size of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.storage import embedded_tuning
from app.storage.embedded_tuning import MEGABYTE, memory_bytes, tuning

GIGABYTE = 1024 * MEGABYTE


@pytest.mark.parametrize(
    ("memory", "buffers", "work"),
    [(GIGABYTE // 4, "64MB", "8MB"), (16 * GIGABYTE, "2048MB", "128MB"), (1024 * GIGABYTE, "8192MB", "256MB")],
)
def test_memory_settings_follow_the_machine_within_limits(memory: int, buffers: str, work: str):
    settings = tuning(memory, 4, GIGABYTE)
    assert (settings["shared_buffers"], settings["work_mem"]) == (buffers, work)


def test_small_shared_memory_of_a_container_is_not_relied_on():
    assert tuning(GIGABYTE, 2, 64 * MEGABYTE)["dynamic_shared_memory_type"] == "mmap"
    assert tuning(GIGABYTE, 2, 2 * GIGABYTE)["dynamic_shared_memory_type"] == "posix"


def test_a_commit_waits_for_the_disk():
    assert tuning(GIGABYTE, 2, GIGABYTE)["synchronous_commit"] == "on"


def test_a_containers_limit_counts_as_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    limited, unlimited = tmp_path / "limited", tmp_path / "unlimited"
    limited.write_text("104857600\n")
    unlimited.write_text("max\n")
    monkeypatch.setattr(embedded_tuning, "CGROUP_LIMITS", (tmp_path / "none", unlimited, limited))
    assert memory_bytes() == 100 * MEGABYTE
