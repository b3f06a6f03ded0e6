"""Which software made a version: the libraries that numbers depend on, and a checksum of our own science."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

LIBRARIES = ("numpy", "scipy", "numba", "xgboost-cpu", "mapie", "scikit-learn", "astropy", "pyarrow", "sqlalchemy")


def software_versions() -> dict[str, str]:
    """Return the versions of Python, of the libraries and of SoS, with the SHA-256 of the science code."""
    versions = {library: version(library) for library in LIBRARIES}
    return versions | {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "sos": version("survey-of-surveys"),
        "science_sha256": _checksum_of_science(),
    }


def _checksum_of_science() -> str:
    folder = Path(str(files("app.science")))
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
