"""Calibration versions: what was fitted, from which data, with which software, and how well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class VersionState(StrEnum):
    """The life of a version."""

    QUEUED = "queued"
    RUNNING = "running"
    FAILED = "failed"
    READY = "ready"
    PUBLISHED = "published"
    RETIRED = "retired"
    REMOVED = "removed"

    @property
    def readable(self) -> bool:
        """Whether the catalogue of a version in this state may be served."""
        return self in {VersionState.READY, VersionState.PUBLISHED, VersionState.RETIRED}


@dataclass(frozen=True)
class Version:
    """A calibration version; everything that is needed to understand and repeat it."""

    version_id: int
    state: VersionState
    reason: str | None
    plan: dict[str, Any]
    inputs: dict[str, Any]
    software: dict[str, Any]
    seed: int
    metrics: dict[str, Any]
    report: dict[str, Any] | None
    n_stars: int | None
    created_at: datetime
    finished_at: datetime | None
    published_at: datetime | None
    data_state: str | None = None


@dataclass(frozen=True)
class Model:
    """One model of a version: the systematic difference of a survey in one parameter.

    `artifact_sha256` names the bytes in the artifact store; `metrics` holds links, cross-validation and
    held-out figures; `fit_key` is the SHA-256 of everything that the survey's models were made of.
    """

    model_id: int
    version_id: int
    survey: str
    parameter: str
    stage: str
    kind: str
    direction: str
    artifact_sha256: str
    metrics: dict[str, Any]
    fit_key: str | None = None


@dataclass(frozen=True)
class Artifact:
    """Bytes under their SHA-256."""

    sha256: str
    media_type: str
    content: bytes
