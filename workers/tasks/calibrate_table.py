"""Put a user's table on the unified scale: fitted, calibrated and judged like a survey, and published nowhere."""

from __future__ import annotations

from app.pipeline import user_folders
from app.pipeline.user_report import user_report
from app.pipeline.user_stars import known_stars, load_found
from app.pipeline.user_survey import calibrate_rows, fit_user_survey
from app.pipeline.user_tables import read_upload
from app.science.calibration.plan import parse_plan
from app.services.downloads import facts
from app.services.user_answers import answer_of, write_answer
from app.services.user_frames import frame_of_table
from app.storage import jobs, surveys, user_surveys, versions
from workers.tasks.match_table import FOUND
from workers.work import Work


def calibrate_table(work: Work, *, token: str) -> None:
    """Fit the models of a table to its links, calibrate all its rows, and write table and report."""
    folder = work.means.tables
    table, _ = read_upload(user_folders.read_table(folder, token))
    with work.database.connect() as connection:
        kept = user_surveys.get(connection, token)
        look, version = kept.look, versions.get(connection, kept.look.version)
        found = load_found(jobs.get_data(connection, work.job.job_id, FOUND))
        frame = frame_of_table(table, look.measured)
        known = known_stars(connection, look.version, frame, found)
        about = facts(look.version, look.rows, surveys.list_all(connection))
    plan = parse_plan(version.plan, file=f"version {look.version}")
    fit = fit_user_survey(frame, known, plan)
    values = calibrate_rows(fit, frame, plan, progress=work.progress())
    report = {"version": look.version} | user_report(kept.matches or {}, frame, known, fit, values, plan)
    answer = answer_of(table, look, frame, values, vars(known))
    written = write_answer(answer, look, about, folder / token)
    with work.database.begin() as connection:
        user_surveys.set_results(connection, token, report, written)
        work.finish(connection, result={"version": look.version, "rows": look.rows})
    user_folders.remove_table(folder, token)
