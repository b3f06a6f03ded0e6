"""The tasks, one a file; each is safe to run twice, and its module is loaded only where it is run."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

TASKS = (
    "ingest",
    "crossmatch",
    "align",
    "fit",
    "consistency",
    "homogenize",
    "complete",
    "validate",
    "keep",
    "publish",
    "export",
    "match_table",
    "calibrate_table",
    "cleanup",
)
"""Each is the function of its name in the module of its name."""


def load(task: str) -> Callable[..., Any]:
    """Return the function of a task.

    Raises:
        ValueError: there is no such task.
    """
    if task not in TASKS:
        raise ValueError(f"there is no task {task!r}; a newer SoS may have planned it")
    return getattr(import_module(f"workers.tasks.{task}"), task)  # type: ignore[no-any-return]
