"""The locked environment: complete, checked by hashes, and silent about where packages come from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((CLONE / "pyproject.toml").read_text())
DEV = "requirements-dev.lock"
LOCKS = ("requirements.lock", DEV)


def pins(lock: str) -> set[tuple[str, str]]:
    """Return the locked packages with their versions; some have one for each Python."""
    text = (CLONE / lock).read_text()
    return set(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ \\]+)", text, flags=re.MULTILINE))


def packages(lock: str) -> set[str]:
    return {name for name, _ in pins(lock)}


def names(requirements: list[str]) -> set[str]:
    found = (re.split(r"[\[<>=;~! ]", requirement, maxsplit=1)[0] for requirement in requirements)
    return {name.lower().replace("_", "-") for name in found}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes_and_no_address(lock: str):
    text = (CLONE / lock).read_text()
    assert "://" not in text
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) >= len(pins(lock)) > 0
    assert all("--hash=sha256:" in block for block in blocks)


def test_what_the_project_asks_for_is_locked():
    assert names(PROJECT["project"]["dependencies"]) <= packages("requirements.lock")
    assert names(PROJECT["dependency-groups"]["dev"]) <= packages(DEV)


def test_tests_run_on_the_versions_that_users_get():
    assert pins("requirements.lock") <= pins(DEV)
