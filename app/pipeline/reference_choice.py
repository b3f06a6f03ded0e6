"""The reference of a plan replaced by surveys that a person names, as far as the database has them."""

from __future__ import annotations

from app.domain.errors import ParameterError
from app.science.calibration.plan import Plan
from app.science.calibration.references import with_reference
from app.storage import frames
from app.storage.engine import Database

KEY = "--reference"


def plan_with_reference(database: Database, plan: Plan, names: str) -> Plan:
    """Return the plan in which the surveys of a list, separated by commas, define all three parameters.

    Raises:
        ParameterError: no survey is named, or one of them has no measurements.
    """
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    if not chosen:
        raise ParameterError(KEY, "names no survey; write SURVEY or SURVEY,SURVEY")
    with database.connect() as connection:
        present = frames.surveys_with_measurements(connection)
    missing = [name for name in chosen if name not in present]
    if missing:
        known = ", ".join(present) or "none"
        raise ParameterError(KEY, f"{', '.join(missing)} has no measurements here; surveys that have: {known}")
    return with_reference(plan, chosen)
