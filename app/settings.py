"""Every setting of the service, read once at a door (`app.main`, `app.cli`, `workers`) and handed down as values."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings from the environment; each is read from `SOS_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="SOS_", extra="ignore")

    state: Path = Field(default=Path(".sos"), description="folder of the embedded database, logs and downloaded tables")
    database_url: str | None = Field(default=None, description="another PostgreSQL server instead of the embedded one")
    pg_bin: Path | None = Field(default=None, description="folder of PostgreSQL binaries for the embedded server")
    host: str = Field(default="127.0.0.1", description="address that the HTTP service listens on")
    port: int = Field(default=8000, ge=0, le=65535, description="port that the HTTP service listens on")
    api_processes: int = Field(default=1, ge=1, description="processes that serve HTTP")
    pool_size: int = Field(default=8, ge=1, description="database connections for short reads, per process")
    stream_pool_size: int = Field(default=32, ge=1, description="downloads under way at once, per process")
    query_pool_size: int = Field(default=4, ge=1, description="database connections for users' queries, per process")
    jobs: int = Field(default=2, ge=1, description="steps that a worker or `sos calibrate` does side by side")
    step_memory_mib: int = Field(default=0, ge=0, description="memory that a step of a job may use, in MiB; 0: any")
    incoming: Path | None = Field(default=None, description="folder whose files may be ingested over HTTP by name")
    ingest_limit_mib: int = Field(default=20_480, ge=1, description="size of an uploaded survey file at most, in MiB")
    keep_versions: int = Field(default=10, ge=1, description="complete versions kept beside the published one")
    keep_exports_days: int = Field(default=7, ge=1, description="days for which exported files are kept")
    exports_at_once: int = Field(default=4, ge=1, description="exports of a client that are under way at once, at most")
    exports_kept: int = Field(default=20, ge=1, description="exports of a client that are kept, at most")
    keep_tables_days: int = Field(default=7, ge=1, description="days for which homogenized tables of users are kept")
    tables_at_once: int = Field(default=2, ge=1, description="tables of a client that are homogenized at once, at most")
    tables_kept: int = Field(default=20, ge=1, description="homogenized tables of a client that are kept, at most")
    tap_jobs_at_once: int = Field(
        default=10, ge=1, description="queries of a client that are left to run and have not ended, at most"
    )
    tap_jobs_kept: int = Field(
        default=100, ge=1, description="queries of a client that are left to run or kept, at most"
    )
    tap_kept_mib: int = Field(
        default=32_768, ge=1, description="uploads and answers of such queries of a client that are kept, MiB at most"
    )
    body_limit_mib: int = Field(default=4, ge=1, description="largest body of a request, MiB")
    upload_limit_mib: int = Field(default=64, ge=1, description="largest table that a request may upload, MiB")
    rate_limit: float = Field(default=100.0, ge=0, description="requests of a client a second, lasting; 0: any")
    rate_burst: int = Field(default=1_000, ge=1, description="requests of a client at once")
    allow_origins: str = Field(
        default="*",
        description="web sites whose pages may read the service, by commas; *: any; empty: none but its own",
    )
    public_url: str | None = Field(default=None, description="address under which users see the service")
    registry_authority: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]{2,}$", description="naming authority in the VO registry"
    )
    registry_publisher: str | None = Field(default=None, description="organization that publishes the service")
    registry_contact: str | None = Field(default=None, description="name of whom to ask about the service")
    registry_email: str | None = Field(default=None, description="address of whom to ask about the service")

    @property
    def state_folder(self) -> Path:
        """The state folder as an absolute path."""
        return self.state.expanduser().resolve()

    @property
    def exports_folder(self) -> Path:
        """Where exported files are written; workers and the service must share it."""
        return self.state_folder / "exports"

    @property
    def uploads_folder(self) -> Path:
        """Where uploaded survey files wait for a worker; workers and the service must share it."""
        return self.state_folder / "uploads"

    @property
    def tables_folder(self) -> Path:
        """Where users' tables lie while they are homogenized and kept; workers and the service must share it."""
        return self.state_folder / "tables"

    @property
    def catalogues_folder(self) -> Path:
        """Where the versions' catalogues lie as files; workers and the service must share it."""
        return self.state_folder / "catalogues"

    @property
    def descriptors_folder(self) -> Path:
        """Where the user's own survey descriptors are."""
        return self.state_folder / "surveys"

    @property
    def cache_folder(self) -> Path:
        """Where a machine keeps what it may make again at any time."""
        return self.state_folder / "cache"
