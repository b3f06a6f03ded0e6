"""Find the stars of a user's table; what is found is data of the job, and its counts are kept with the table."""

from __future__ import annotations

from app.domain.columns import CATALOG, choose
from app.domain.matches import MatchRequest
from app.pipeline import course, user_folders
from app.pipeline.user_stars import WANTED, dump_found, known_stars, matches_of
from app.pipeline.user_tables import read_upload
from app.services.matches import found_stars
from app.services.user_frames import frame_of_table
from app.storage import jobs, user_surveys
from workers.work import Work

FOUND = "found"


def match_table(work: Work, *, token: str) -> None:
    """Match the rows of a table to the stars of a version, by identifiers or positions."""
    table, _ = read_upload(user_folders.read_table(work.means.tables, token))
    with work.database.connect() as connection:
        look = user_surveys.get(connection, token).look
        ra, dec, id_ = (look.taken.get(role) for role in ("ra", "dec", "id"))
        wanted = MatchRequest(choose(CATALOG, WANTED), look.radius, ra, dec, id_, version=look.version)
        found, _ = found_stars(connection, look.version, table, wanted)
        frame = frame_of_table(table, look.measured)
        matches = matches_of(known_stars(connection, look.version, frame, found), frame)
    work.log(f"{matches['matched']} of {matches['rows']} rows found a star, {matches['stars']} stars are links")
    with work.database.begin() as connection:
        jobs.put_data(connection, work.job.job_id, FOUND, dump_found(found))
        user_surveys.set_matches(connection, token, matches)
        work.finish(connection, then=[course.calibrate_table(token)])
