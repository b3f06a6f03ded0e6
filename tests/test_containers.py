"""docker-compose.yml says what the command line understands, and holds no password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.main import get_command

from app.cli.main import app

CLONE = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return YAML(typ="safe").load((CLONE / "docker-compose.yml").read_text())


def test_services_run_commands_that_exist(compose: dict[str, Any]):
    commands = [service["command"][0] for service in compose["services"].values() if service["image"] == "sos"]
    assert commands == ["migrate", "serve", "worker"]
    assert set(commands) <= set(getattr(get_command(app), "commands", {}))


def test_what_needs_the_schema_waits_for_it(compose: dict[str, Any]):
    for name in ("api", "worker"):
        needed = compose["services"][name]["depends_on"]
        assert needed["migrate"]["condition"] == "service_completed_successfully"
        assert needed["database"]["condition"] == "service_healthy"


def test_the_password_comes_from_outside_alone(compose: dict[str, Any]):
    places = [
        value
        for service in compose["services"].values()
        for name, value in service["environment"].items()
        if "PASSWORD" in name
    ]
    assert len(places) == 4
    assert all(place.startswith("${SOS_DATABASE_PASSWORD:?") for place in places)
