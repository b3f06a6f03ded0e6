"""Artifacts: model and figure bytes under their SHA-256, kept once."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from app.domain.errors import NotFoundError
from app.domain.versions import Artifact
from app.storage.tables import ArtifactRow


def put(connection: Connection, content: bytes, media_type: str) -> str:
    """Keep the bytes and return their SHA-256; the same bytes again cost nothing."""
    sha256 = hashlib.sha256(content).hexdigest()
    row = {"sha256": sha256, "media_type": media_type, "content": content}
    connection.execute(insert(ArtifactRow).values(row).on_conflict_do_nothing())
    return sha256


def get(connection: Connection, sha256: str) -> Artifact:
    """Return the artifact with this SHA-256.

    Raises:
        NotFoundError: there is none, or its bytes no longer have that checksum.
    """
    row = connection.execute(
        select(ArtifactRow.sha256, ArtifactRow.media_type, ArtifactRow.content).where(ArtifactRow.sha256 == sha256)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"no artifact has the checksum {sha256}")
    if hashlib.sha256(row.content).hexdigest() != sha256:
        raise NotFoundError(f"the artifact {sha256} is damaged: its bytes have another checksum")
    return Artifact(row.sha256, row.media_type, bytes(row.content))
