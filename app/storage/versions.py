"""Versions, their models, reports and figures, and the pointer to the published one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, literal, select, type_coerce, update
from sqlalchemy.dialects import postgresql

from app.domain.errors import ConflictError, NotFoundError, UnknownVersionError
from app.domain.versions import Artifact, Model, Version, VersionState
from app.storage import artifacts
from app.storage.tables import FigureRow, ModelRow, PublicationEventRow, PublicationRow, SurveyRow, VersionRow

_VERSION = VersionRow.__table__
_PUBLISHABLE = {VersionState.READY, VersionState.PUBLISHED, VersionState.RETIRED}


def create(
    connection: Connection, *, plan: dict[str, Any], inputs: dict[str, Any], software: dict[str, Any], seed: int
) -> int:
    """Add a queued version and return its number."""
    statement = (
        insert(VersionRow)
        .values(state=VersionState.QUEUED, plan=plan, inputs=inputs, software=software, seed=seed)
        .returning(VersionRow.version_id)
    )
    return connection.execute(statement).scalar_one()


def start(connection: Connection, version_id: int, *, data_state: str) -> None:
    """Mark a version as running, on measurements and stars in this state."""
    _set(connection, version_id, state=VersionState.RUNNING, data_state=data_state)


def add_model(
    connection: Connection,
    version_id: int,
    survey_id: int,
    *,
    parameter: str,
    stage: str,
    kind: str,
    direction: str,
    content: bytes,
    metrics: dict[str, Any],
    fit_key: str | None = None,
) -> str:
    """Keep a fitted model with its metrics; return the SHA-256 of its bytes.

    `fit_key` names everything that the survey's models were made of, so that another version can take them over.
    """
    sha256 = artifacts.put(connection, content, "application/x-sos-model")
    connection.execute(
        insert(ModelRow).values(
            version_id=version_id,
            survey_id=survey_id,
            parameter=parameter,
            stage=stage,
            kind=kind,
            direction=direction,
            artifact_sha256=sha256,
            metrics=metrics,
            fit_key=fit_key,
        )
    )
    return sha256


def take_over_models(
    connection: Connection, version_id: int, survey_id: int, *, fit_key: str, stage: str
) -> int | None:
    """Give a version the models that another one has under this key; return which one, None if there is none."""
    of_survey = (ModelRow.fit_key == fit_key, ModelRow.survey_id == survey_id)
    known = select(ModelRow.version_id).where(*of_survey, ModelRow.version_id != version_id)
    found = connection.execute(known.order_by(ModelRow.version_id.desc()).limit(1)).scalar_one_or_none()
    if found is None:
        return None
    same = ("survey_id", "parameter", "kind", "direction", "artifact_sha256", "metrics", "fit_key")
    taken = select(literal(version_id), literal(stage), *(getattr(ModelRow, name) for name in same))
    taken = taken.where(*of_survey, ModelRow.version_id == found).order_by(ModelRow.model_id)
    rows = postgresql.insert(ModelRow).from_select(["version_id", "stage", *same], taken)
    connection.execute(rows.on_conflict_do_nothing())
    return found


def restart_inputs(connection: Connection, version_id: int, inputs: dict[str, Any]) -> None:
    """Write down which data a version is made of, now that it begins."""
    _set(connection, version_id, inputs=inputs)


def set_metrics(connection: Connection, version_id: int, metrics: dict[str, Any]) -> None:
    """Add figures to a version's metrics, replacing those of the same name."""
    merged = VersionRow.metrics.op("||")(type_coerce(metrics, postgresql.JSONB))
    _set(connection, version_id, metrics=merged)


def finish(connection: Connection, version_id: int, *, n_stars: int) -> None:
    """Mark a running version as ready."""
    _set(connection, version_id, state=VersionState.READY, n_stars=n_stars, finished_at=func.clock_timestamp())


def fail(connection: Connection, version_id: int, reason: str) -> None:
    """Mark a version as failed, with a reason that a person can act on."""
    _set(connection, version_id, state=VersionState.FAILED, reason=reason, finished_at=func.now())


def remove(connection: Connection, version_id: int, reason: str) -> bool:
    """Mark a complete version that is not published as removed; return whether it was one."""
    condition = (VersionRow.version_id == version_id, VersionRow.state.in_([VersionState.READY, VersionState.RETIRED]))
    statement = update(VersionRow).where(*condition).values(state=VersionState.REMOVED, reason=reason)
    return bool(connection.execute(statement).rowcount)


def add_report(
    connection: Connection, version_id: int, report: dict[str, Any], figures: dict[str, tuple[bytes, str]]
) -> None:
    """Store the validation report and its figures (`name -> (bytes, media type)`), replacing earlier ones."""
    _set(connection, version_id, report=report)
    connection.execute(delete(FigureRow).where(FigureRow.version_id == version_id))
    for name, (content, media_type) in figures.items():
        row = {
            "version_id": version_id,
            "name": name,
            "artifact_sha256": artifacts.put(connection, content, media_type),
        }
        connection.execute(insert(FigureRow).values(row))


def publish(connection: Connection, version_id: int, *, action: str = "publish") -> int | None:
    """Point readers to a version in this transaction; return the version that was served before.

    Raises:
        UnknownVersionError: there is no such version.
        ConflictError: the version is not complete.
    """
    connection.execute(select(VersionRow.version_id).where(VersionRow.version_id == version_id).with_for_update())
    version = get(connection, version_id)
    if version.state not in _PUBLISHABLE:
        raise ConflictError(f"version {version_id} is {version.state}, only a complete version can be published")
    previous = current(connection)
    if previous is not None and previous != version_id:
        _set(connection, previous, state=VersionState.RETIRED)
    _set(connection, version_id, state=VersionState.PUBLISHED, published_at=func.now())
    pointer = postgresql.insert(PublicationRow).values(only_row=True, version_id=version_id)
    connection.execute(
        pointer.on_conflict_do_update(
            index_elements=["only_row"], set_={"version_id": version_id, "published_at": func.now()}
        )
    )
    event = {"version_id": version_id, "previous_id": previous, "action": action}
    connection.execute(insert(PublicationEventRow).values(event))
    connection.execute(select(func.pg_notify("sos_publication", str(version_id))))
    return previous


def current(connection: Connection) -> int | None:
    """Return the number of the published version, None before the first."""
    return connection.execute(select(PublicationRow.version_id)).scalar_one_or_none()


def previous(connection: Connection) -> int | None:
    """Return the version that was served before the present one, None if there was none."""
    statement = select(PublicationEventRow.previous_id).order_by(PublicationEventRow.event_id.desc()).limit(1)
    return connection.execute(statement).scalar_one_or_none()


def get(connection: Connection, version_id: int) -> Version:
    """Return a version.

    Raises:
        UnknownVersionError: there is no such version.
    """
    row = connection.execute(select(_VERSION).where(VersionRow.version_id == version_id)).one_or_none()
    if row is None:
        raise UnknownVersionError(f"there is no version {version_id}")
    return _version_from_row(row)


def list_all(connection: Connection) -> list[Version]:
    """Return every version, newest first."""
    rows = connection.execute(select(_VERSION).order_by(VersionRow.version_id.desc()))
    return [_version_from_row(row) for row in rows]


def models(connection: Connection, version_id: int) -> list[Model]:
    """Return the models of a version by survey and parameter."""
    statement = (
        select(ModelRow.__table__, SurveyRow.name.label("survey"))
        .join(SurveyRow, SurveyRow.survey_id == ModelRow.survey_id)
        .where(ModelRow.version_id == version_id)
        .order_by(ModelRow.model_id)
    )
    return [_model_from_row(row) for row in connection.execute(statement)]


def figure_names(connection: Connection, version_id: int) -> list[str]:
    """Return the names of the figures of a version's report."""
    statement = select(FigureRow.name).where(FigureRow.version_id == version_id).order_by(FigureRow.name)
    return list(connection.execute(statement).scalars())


def figure(connection: Connection, version_id: int, name: str) -> Artifact:
    """Return a figure of a version's report.

    Raises:
        NotFoundError: the version has no such figure.
    """
    statement = select(FigureRow.artifact_sha256).where(FigureRow.version_id == version_id, FigureRow.name == name)
    sha256 = connection.execute(statement).scalar_one_or_none()
    if sha256 is None:
        raise NotFoundError(f"version {version_id} has no figure {name!r}")
    return artifacts.get(connection, sha256)


def _set(connection: Connection, version_id: int, **values: Any) -> None:
    connection.execute(update(VersionRow).where(VersionRow.version_id == version_id).values(**values))


def _version_from_row(row: Row[Any]) -> Version:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the mapping begins with an underscore
    return Version(**(values | {"state": VersionState(values["state"])}))


def _model_from_row(row: Row[Any]) -> Model:
    values = dict(row._mapping)  # noqa: SLF001 - as above
    del values["survey_id"]
    return Model(**values)
