"""Calibration plans: the built-in one, or a file of the user's."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from app.domain.errors import PlanError
from app.science.calibration.plan import Plan, parse_plan


def default_plan() -> Plan:
    """Return the plan that is used when none is named."""
    resource = files("app.plans") / "default.toml"
    return parse_plan(tomllib.loads(resource.read_text(encoding="utf-8")), file="default.toml")


def load_plan(path: Path) -> Plan:
    """Return the plan of a TOML file.

    Raises:
        PlanError: the file cannot be read, is not TOML, or is not a plan; names file and key.
    """
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(str(path), "file", f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PlanError(str(path), "file", f"is not TOML: {error}") from error
    return parse_plan(data, file=str(path))
