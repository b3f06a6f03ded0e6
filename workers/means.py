"""What a worker works with: handed down from the settings, and on to its child processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.settings import Settings


@dataclass(frozen=True)
class Means:
    """What steps need beside their arguments.

    Attributes:
        url: the database.
        exports: folder of exported files, the same for all workers and the HTTP service.
        uploads: folder of uploaded survey files.
        descriptors: folder of the user's own survey descriptors.
        tables: folder of users' tables that are homogenized.
        catalogues: folder of the versions' catalogues as files, the same for all workers and the HTTP service.
        cache: folder for what this machine may keep to save time.
        memory_mib: memory that a step may use, in MiB; 0 for no limit.
        keep_versions: how many complete versions are kept beside the published one.
        keep_exports_days: how long exported files are kept.
    """

    url: str
    exports: Path
    uploads: Path
    descriptors: Path
    tables: Path
    catalogues: Path
    cache: Path
    memory_mib: int = 0
    keep_versions: int = 10
    keep_exports_days: int = 7

    @classmethod
    def of(cls, settings: Settings, url: str) -> Means:
        """Return what the settings say, for a database."""
        return cls(
            url,
            exports=settings.exports_folder,
            uploads=settings.uploads_folder,
            descriptors=settings.descriptors_folder,
            tables=settings.tables_folder,
            catalogues=settings.catalogues_folder,
            cache=settings.cache_folder,
            memory_mib=settings.step_memory_mib,
            keep_versions=settings.keep_versions,
            keep_exports_days=settings.keep_exports_days,
        )
