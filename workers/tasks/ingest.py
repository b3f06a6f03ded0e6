"""Take a survey file in; a file that is in already is left alone, so a second run is harmless."""

from __future__ import annotations

from pathlib import Path

from app.domain.errors import TableError
from app.pipeline import uploads
from app.pipeline.ingest import ingest as take_in
from app.pipeline.readers import open_table
from app.surveys import loader
from workers.work import Work


def ingest(work: Work, *, path: str, survey: str, replace: bool, uploaded: bool) -> None:
    """Ingest a file into a survey.

    Args:
        work: the step.
        path: the file, as this machine sees it.
        survey: name of the survey, whose descriptors say what the columns mean.
        replace: first take out what other files brought into the survey.
        uploaded: the file was uploaded for this job and is removed when it is in.
    """
    file = Path(path)
    if not file.is_file():
        raise TableError(file.name, "is not there any more: ask for the job again with the file in its place")
    formats = loader.by_name(survey, loader.known(work.means.descriptors))
    descriptor = loader.recognise(open_table(file).schema.names, file.name, formats)
    taken = take_in(work.database, descriptor, file, replace_earlier=replace, progress=work.progress())
    result = {
        "survey": taken.survey,
        "file": taken.file_name,
        "sha256": taken.file_sha256,
        "rows_read": taken.rows_read,
        "rows_stored": taken.rows_stored,
        "rows_rejected": taken.rows_rejected,
        "repeated": taken.repeated,
    }
    with work.database.begin() as connection:
        work.finish(connection, result=result)
    if uploaded:
        uploads.remove(file)
