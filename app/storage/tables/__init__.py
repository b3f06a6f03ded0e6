"""The tables, one noun a file; importing this package registers all of them on `Base.metadata`."""

from app.storage.tables.access import AccessKeyRow, AuditRow
from app.storage.tables.base import Base
from app.storage.tables.catalog import CalibratedRow, HomogenizedRow
from app.storage.tables.exports import ExportRow
from app.storage.tables.jobs import JobDataRow, JobLogRow, JobRow, StepRow
from app.storage.tables.measurements import MeasurementRow
from app.storage.tables.references import (
    ReferenceClusterRow,
    ReferenceFileRow,
    ReferenceMemberRow,
    ReferenceStarRow,
)
from app.storage.tables.stars import CrossmatchRow, CrossmatchRunRow, MatchRow, StarRow
from app.storage.tables.surveys import IngestionRow, RejectRow, SurveyRow
from app.storage.tables.tap_jobs import TapJobRow
from app.storage.tables.user_surveys import UserSurveyRow
from app.storage.tables.versions import (
    ArtifactRow,
    FigureRow,
    ModelRow,
    PublicationEventRow,
    PublicationRow,
    VersionRow,
)

__all__ = [
    "AccessKeyRow",
    "ArtifactRow",
    "AuditRow",
    "Base",
    "CalibratedRow",
    "CrossmatchRow",
    "CrossmatchRunRow",
    "ExportRow",
    "FigureRow",
    "HomogenizedRow",
    "IngestionRow",
    "JobDataRow",
    "JobLogRow",
    "JobRow",
    "MatchRow",
    "MeasurementRow",
    "ModelRow",
    "PublicationEventRow",
    "PublicationRow",
    "ReferenceClusterRow",
    "ReferenceFileRow",
    "ReferenceMemberRow",
    "ReferenceStarRow",
    "RejectRow",
    "StarRow",
    "StepRow",
    "SurveyRow",
    "TapJobRow",
    "UserSurveyRow",
    "VersionRow",
]
