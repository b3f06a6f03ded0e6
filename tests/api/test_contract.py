"""Whatever is asked, well or badly, the service answers as its OpenAPI description says, and never fails itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.main import app
from tests.support import catalogue, servers
from tests.support.live import running

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
CONFIG = SchemathesisConfig.from_dict({"phases": {"coverage": {"enabled": False}}})


@pytest.fixture(scope="module")
def description(server_url: str, template: str) -> Iterator[BaseSchema]:
    """What the service says of itself, asked of a process of its own on a catalogue of its own."""
    with servers.scratch_database(server_url, template) as database:
        catalogue.build(database, n_versions=2)
        with running(database, SOS_RATE_LIMIT="0", SOS_EXPORTS_AT_ONCE="50") as (url, process):
            yield schemathesis.openapi.from_url(f"{url}/openapi.json", config=CONFIG)
            assert process.poll() is None


EVENTS = "text/event-stream"  # ends when its job does; tests of jobs read it
OPERATIONS = [
    f"{method.upper()} {path}"
    for path, calls in app.openapi()["paths"].items()
    for method, call in calls.items()
    if EVENTS not in call["responses"].get("200", {}).get("content", {})
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_answer_is_documented_and_none_is_a_failure(description: BaseSchema, operation: str) -> None:
    method, _, path = operation.partition(" ")
    cases = description[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE)
    wrong = description[path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @settings(max_examples=25, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=cases | wrong)
    def ask(case: Case) -> None:
        case.validate_response(case.call(timeout=60), checks=CHECKS)

    ask()
