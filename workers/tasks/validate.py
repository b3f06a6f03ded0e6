"""Judge a version; the report replaces an earlier one, so a second run is harmless."""

from __future__ import annotations

from app.pipeline import course
from app.pipeline.validate import validate as judge
from workers.work import Work


def validate(work: Work, *, publish: bool) -> None:
    """Validate a version, and publish it next if that was asked for."""
    report = judge(work.database, work.version)
    failures = [failure["text"] for failure in report.get("gate", {}).get("failures", ())]
    for line in failures:
        work.log(f"the gate of the plan: {line}", level="warning")
    with work.database.begin() as connection:
        then = [course.publication(force=False, action="publish")] if publish else []
        work.finish(connection, then=then, result={"version": work.version, "gate_failures": failures})
