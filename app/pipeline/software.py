"""Which software made a version: the libraries that numbers depend on, and checksums of our own code."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

LIBRARIES = ("numpy", "scipy", "numba", "xgboost-cpu", "mapie", "scikit-learn", "astropy", "pyarrow", "sqlalchemy")
CODE = ("domain", "pipeline", "science", "storage/queries", "surveys")
"""Folders of `app` that numbers depend on: the method, its stages, what they read, and what a survey's columns mean."""


def software_versions() -> dict[str, str]:
    """Return the versions of Python, of the libraries and of SoS, with the SHA-256 of the code that makes numbers.

    `science_sha256` is the method alone, `code_sha256` all of `CODE`, queries and survey descriptors included.
    """
    versions = {library: version(library) for library in LIBRARIES}
    return versions | {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "sos": version("survey-of-surveys"),
        **_checksums(),
    }


def method_versions() -> dict[str, str]:
    """Return what the method itself depends on: as `software_versions`, without queries and survey descriptors."""
    return {name: what for name, what in software_versions().items() if name != "code_sha256"}


@cache
def _checksums() -> dict[str, str]:
    """Return the checksums of the code as it is when first asked: the modules that run were loaded from it."""
    app = Path(str(files("app")))
    science = app / "science"
    code = (path for folder in CODE for kind in ("py", "sql", "toml") for path in (app / folder).rglob(f"*.{kind}"))
    return {"science_sha256": checksum(science, science.rglob("*.py")), "code_sha256": checksum(app, code)}


def checksum(folder: Path, paths: Iterable[Path]) -> str:
    """Return the SHA-256 of files of a folder, over their names and bytes in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
