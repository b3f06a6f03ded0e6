"""Running Python as another account, to see the world as an ordinary user does."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

NOBODY: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []}
CLONE = Path(__file__).resolve().parents[2]
PACKAGES = Path(psycopg.__file__).parents[1]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand over to another account")


def as_nobody(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Python code as `nobody`."""
    return _run(_python_for_nobody(), code, *arguments)


@cache
def _python_for_nobody() -> str:
    """Return an interpreter that `nobody` can execute, with the project's packages."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            found = _run(python, "import sys, psycopg, app; print(sys.version_info[:2])")
        except OSError:
            continue
        if found.stdout.strip() == str(sys.version_info[:2]):
            return python
    pytest.skip("account nobody can reach no Python with the project's packages: the clone is in a closed folder")


def _run(python: str, code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-c", code, *map(str, arguments)],
        **NOBODY,
        cwd="/",
        env={"PATH": os.defpath, "PYTHONPATH": f"{CLONE}:{PACKAGES}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
