"""What the database says of jobs, workers and the published version, in the families of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

from app.domain.figures import Figures
from app.domain.jobs import JobKind, JobState, StepState
from app.domain.tap_jobs import Phase
from app.services.figures import Found

_JOBS: Mapping[tuple[str, ...], int] = {(str(kind), str(state)): 0 for kind in JobKind for state in JobState}
_PHASES: Mapping[tuple[str, ...], int] = {(str(phase),): 0 for phase in Phase}


def families(found: Found | None) -> Iterator[Metric]:
    """Yield what was found; None, or a database that did not answer, leaves nothing but that."""
    known = None if found is None else found.figures
    yield GaugeMetricFamily("sos_database_up", "Whether the database answered in time", int(known is not None))
    if found is None or known is None:
        return
    yield GaugeMetricFamily("sos_database_figures_seconds", "How long the database took for these", found.seconds)
    schemas = {"revision": known.schema or "none", "expected": found.expected_schema}
    yield InfoMetricFamily("sos_schema", "Schema of the database, and the one that this code needs", schemas)
    current = known.schema == found.expected_schema
    yield GaugeMetricFamily("sos_schema_current", "Whether they are the same", int(current))
    if current:
        yield from _jobs(known)
        yield from _workers(known)
        yield from _published(known)


def _jobs(known: Figures) -> Iterator[Metric]:
    steps: dict[tuple[str, ...], int] = {(task, str(state)): 0 for task, _ in known.steps for state in StepState}
    yield _counts("sos_jobs", "Jobs on record", ("kind", "state"), {**_JOBS, **known.jobs})
    yield _counts("sos_job_steps", "Steps of these jobs", ("task", "state"), {**steps, **known.steps})
    yield _counts("sos_tap_jobs", "Queries of users in the background", ("phase",), {**_PHASES, **known.tap_jobs})
    yield GaugeMetricFamily(
        "sos_job_oldest_queued_seconds",
        "How long the first job that waits for others has waited, 0 for none",
        known.oldest_queued_job_s or 0.0,
    )
    yield GaugeMetricFamily(
        "sos_job_step_oldest_queued_seconds",
        "How long the first step that waits for a worker has waited, 0 for none",
        known.oldest_queued_step_s or 0.0,
    )


def _workers(known: Figures) -> Iterator[Metric]:
    yield GaugeMetricFamily("sos_workers", "Workers that gave a sign of life in the last minute", known.workers)
    if known.worker_silence_s is not None:
        text = "Since the last sign of life of any worker"
        yield GaugeMetricFamily("sos_worker_last_heartbeat_age_seconds", text, known.worker_silence_s)


def _published(known: Figures) -> Iterator[Metric]:
    for name, text, value in (
        ("sos_published_version", "The version that is served", known.version),
        ("sos_published_stars", "Stars in it", known.stars),
        ("sos_published_timestamp_seconds", "When it was published", known.published_at_s),
    ):
        if value is not None:
            yield GaugeMetricFamily(name, text, value)


def _counts(name: str, text: str, labels: tuple[str, ...], counts: Mapping[tuple[str, ...], int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, count in sorted(counts.items()):
        family.add_metric(values, count)
    return family
