"""Shapes of answers about calibration versions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from app.domain.versions import Model, Version


class VersionAnswer(TypedDict):
    """A calibration version in short."""

    version: int
    state: Annotated[str, Field(description="queued, running, failed, ready, published or retired")]
    reason: Annotated[str | None, Field(description="why it failed")]
    current: Annotated[bool, Field(description="it is the one that is served")]
    n_stars: int | None
    seed: str
    created_at: datetime
    finished_at: datetime | None
    published_at: datetime | None


class VersionDetail(VersionAnswer):
    """Everything that is needed to understand a version and to make it again."""

    plan: dict[str, Any]
    inputs: Annotated[dict[str, Any], Field(description="the data: files of each survey with checksums and rows")]
    software: dict[str, Any]
    metrics: dict[str, Any]


class VersionList(TypedDict):
    """Every version, newest first."""

    current: int | None
    versions: list[VersionAnswer]


class FittedModelAnswer(TypedDict):
    """A fitted model."""

    model_id: int
    survey: str
    parameter: str
    stage: str
    kind: str
    direction: str
    sha256: Annotated[str, Field(description="checksum of the model's bytes")]
    metrics: dict[str, Any]


class ModelList(TypedDict):
    """The models of a version."""

    version: int
    models: list[FittedModelAnswer]


class FigureAnswer(TypedDict):
    """A figure of the report."""

    name: str
    url: str


class ValidationAnswer(TypedDict):
    """The validation report of a version."""

    version: int
    report: Annotated[dict[str, Any] | None, Field(description="null before the version has been validated")]
    figures: list[FigureAnswer]


def version_answer(version: Version, current: int | None) -> VersionAnswer:
    """Return a version in short."""
    return {
        "version": version.version_id,
        "state": str(version.state),
        "reason": version.reason,
        "current": version.version_id == current,
        "n_stars": version.n_stars,
        "seed": str(version.seed),
        "created_at": version.created_at,
        "finished_at": version.finished_at,
        "published_at": version.published_at,
    }


def version_detail(version: Version, current: int | None) -> VersionDetail:
    """Return everything about a version."""
    return {
        **version_answer(version, current),
        "plan": version.plan,
        "inputs": version.inputs,
        "software": version.software,
        "metrics": version.metrics,
    }


def model_answer(model: Model) -> FittedModelAnswer:
    """Return the answer that describes a model."""
    return {
        "model_id": model.model_id,
        "survey": model.survey,
        "parameter": model.parameter,
        "stage": model.stage,
        "kind": model.kind,
        "direction": model.direction,
        "sha256": model.artifact_sha256,
        "metrics": model.metrics,
    }
