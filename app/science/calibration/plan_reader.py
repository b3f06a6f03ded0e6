"""Typed access to the mapping that a plan is read from; every complaint names file and key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.domain.errors import PlanError


@dataclass(frozen=True)
class PlanReader:
    """The mapping of a plan, and the file that errors name."""

    data: dict[str, Any]
    file: str

    def error(self, key: str, problem: str) -> PlanError:
        """Return the complaint about a key."""
        return PlanError(self.file, key, problem)

    def only(self, key: str, table: Any, known: set[str]) -> None:
        """Insist that a table has known keys alone."""
        if not isinstance(table, dict):
            raise self.error(key, "must be a table")
        for name in table:
            if name not in known:
                raise self.error(f"{key}.{name}".lstrip("."), f"unknown key; known are {', '.join(sorted(known))}")

    def table(self, key: str) -> dict[str, Any]:
        """Return a table at the top of the plan."""
        found = self.data.get(key)
        if not isinstance(found, dict):
            raise self.error(key, "this table is missing")
        return found

    def value(self, table: dict[str, Any], key: str, kind: type) -> Any:
        """Return a value of a kind; `key` is its dotted name."""
        found = table.get(key.rsplit(".", maxsplit=1)[-1])
        if not isinstance(found, kind) or isinstance(found, bool):
            raise self.error(key, f"must be given as {kind.__name__}, got {found!r}")
        return found

    def number(self, table: dict[str, Any], key: str, *, at_least: float) -> float:
        """Return a number that is not below `at_least`."""
        found = table.get(key.rsplit(".", maxsplit=1)[-1])
        if isinstance(found, bool) or not isinstance(found, int | float) or found < at_least:
            raise self.error(key, f"must be a number of at least {at_least:g}, got {found!r}")
        return float(found)

    def choice(self, table: dict[str, Any], key: str, known: tuple[str, ...]) -> str:
        """Return one of the known words."""
        found = self.value(table, key, str)
        if found not in known:
            raise self.error(key, f"must be one of {', '.join(known)}, got {found!r}")
        return str(found)

    def choices(self, table: dict[str, Any], key: str, known: tuple[str, ...]) -> list[str]:
        """Return a list of known words, which may be empty."""
        found = self.names(table, key, empty=True)
        for name in found:
            if name not in known:
                raise self.error(key, f"unknown {name!r}; known are {', '.join(known)}")
        return found

    def names(self, table: dict[str, Any], key: str, *, empty: bool = False) -> list[str]:
        """Return a list of names, empty only where that is allowed."""
        found = table.get(key.rsplit(".", maxsplit=1)[-1])
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found) or not (found or empty):
            raise self.error(key, f"must be a list of names, got {found!r}")
        return found
