"""Calibration plans: the built-in one, or a file of the user's."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from app.domain.errors import PlanError
from app.science.calibration.plan import Plan, parse_plan


def default_plan() -> Plan:
    """Return the plan that is used when none is named."""
    return parse_plan(_default(), file="default.toml")


def merged(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the default plan's mapping in which some keys have other values: tables key by key, lists as a whole."""
    return _merged(_default(), overrides)


def _default() -> dict[str, Any]:
    resource = files("app.plans") / "default.toml"
    return tomllib.loads(resource.read_text(encoding="utf-8"))


def _merged(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in overrides.items():
        below = result.get(key)
        nested = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(below, value) if nested else value  # type: ignore[arg-type]
    return result


def load_plan(path: Path, *, known: Collection[str] | None = None) -> Plan:
    """Return the plan of a TOML file; `known` names all surveys that there are, None takes any name.

    Raises:
        PlanError: the file cannot be read, is not TOML, or is not a plan; names file and key.
    """
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(str(path), "file", f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PlanError(str(path), "file", f"is not TOML: {error}") from error
    return parse_plan(data, file=str(path), known=known)
