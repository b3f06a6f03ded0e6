"""Exports that are kept: by which job, and who asked for them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class ExportRow(Base):
    """An export whose file is not past its time.

    `client` is a digest of the address that asked, by which exports are counted, none where nobody counts them. It
    stands here and not with the job, which everybody may see.
    """

    __tablename__ = "export"
    __table_args__ = (Index("ix_export_client", "client"),)

    job_id: Mapped[int] = mapped_column(
        ForeignKey("job.job_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    client: Mapped[str | None] = mapped_column(Text)
