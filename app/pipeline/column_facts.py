"""What a file, and where it is silent its descriptor, say about each column."""

from __future__ import annotations

import pyarrow as pa
from astropy.io.votable.ucd import check_ucd

from app.domain.column_facts import ColumnFacts
from app.domain.descriptors import SurveyDescriptor
from app.pipeline.readers.table import description_of, ucd_of, unit_of
from app.surveys.cells import standard_spelling


def column_facts(schema: pa.Schema, descriptor: SurveyDescriptor) -> dict[str, ColumnFacts]:
    """Return what is known about the columns of a file, by name; those of which nothing is known are left out."""
    declared = descriptor.declared_units()
    found = {field.name: _of_field(field, declared.get(field.name)) for field in schema}
    return {name: facts for name, facts in found.items() if facts != ColumnFacts()}


def _of_field(field: pa.Field, declared: str | None) -> ColumnFacts:
    given = unit_of(field) or declared
    standard = standard_spelling(given) if given else None
    ucd = ucd_of(field)
    return ColumnFacts(
        unit=standard or given,
        known_unit=given is None or standard is not None,
        ucd=ucd if ucd and check_ucd(ucd) else None,
        description=description_of(field),
    )
