"""What is on record about how a version was made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.surveys import Ingestion
from app.domain.versions import Model, Version


@dataclass(frozen=True)
class Figure:
    """A figure of a validation report; `sha256` names its bytes."""

    name: str
    media_type: str
    sha256: str


@dataclass(frozen=True)
class Publication:
    """A version was served from this moment on, in place of another one (None: the first)."""

    event_id: int
    action: str
    previous_id: int | None
    at: datetime


@dataclass(frozen=True)
class VersionRecord:
    """A version with everything that is on record about it.

    `ingestions` are those that were complete when it was made and have not been replaced since.
    """

    version: Version
    models: tuple[Model, ...]
    ingestions: tuple[Ingestion, ...]
    figures: tuple[Figure, ...]
    publications: tuple[Publication, ...]


@dataclass(frozen=True)
class FileRead:
    """A file as it was read into a survey; `ingestion` is the record of that, None where it has been replaced since."""

    survey: str
    name: str
    sha256: str
    descriptor_sha256: str
    ingestion: Ingestion | None


def canonical(value: Any) -> str:
    """Return JSON that is the same for the same value: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256_of(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()
