"""The provenance of a version, however far it has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.provenance import Figure, Publication, VersionRecord
from app.domain.surveys import Ingestion
from app.domain.version_provenance import provenance_of_version
from app.domain.versions import Model, Version, VersionState
from tests.support.prov import Graph

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
FILE = {"file_name": "alpha.fits", "file_sha256": "a1", "descriptor_sha256": "d1", "rows_read": 12, "rows_stored": 10}
VERSION = Version(
    version_id=3,
    state=VersionState.PUBLISHED,
    reason=None,
    plan={"name": "default"},
    inputs={"alpha": [FILE], "beta": []},
    software={"numpy": "2.4.1", "code_sha256": "c1"},
    seed=7,
    metrics={"catalogue_sha256": "k1"},
    report={"pairs": []},
    n_stars=300,
    created_at=NOW,
    finished_at=NOW + timedelta(minutes=3),
    published_at=NOW,
)
RECORD = VersionRecord(
    version=VERSION,
    models=tuple(
        Model(place, 3, "alpha", part, "bridge", "boosted", "forward", f"m{place}", {"links": 12, "tails": {"a": 1}})
        for place, part in enumerate(("frame", "teff", "logg", "feh"))
    ),
    ingestions=(Ingestion(5, "alpha", "alpha.fits", "a1", 100, "FITS", "d1", 12, 10, 2, NOW, NOW),),
    figures=(Figure("kiel before & after.png", "image/png", "f1"),),
    publications=(Publication(1, "publish", None, NOW), Publication(4, "rollback", 2, NOW + timedelta(days=1))),
)


def graph(record: VersionRecord) -> Graph:
    return Graph(provenance_of_version(record))


def of(record: VersionRecord, **changed: object) -> VersionRecord:
    return replace(record, version=replace(record.version, **changed))


def test_a_published_version_has_the_whole_way():
    found = graph(RECORD)
    catalogue = found.attributes("sos:version/3/catalogue")
    assert (catalogue["n_stars"], catalogue["sha256"]) == (300, "k1")
    assert found.attributes("sos:version/3/model/alpha/teff")["metrics/links"] == 12
    assert "metrics/tails" not in found.attributes("sos:version/3/model/alpha/teff")
    assert found.reached("sos:version/3/catalogue", "sos:File") == ["sos:file/a1"]
    assert found.attributes("sos:file/a1")["bytes"] == 100
    assert found.attributes("sos:ingestion/5/measurements")["rows_stored"] == 10
    [generated] = [
        one for one in found.document["wasGeneratedBy"].values() if one["prov:entity"] == "sos:version/3/catalogue"
    ]
    assert generated["prov:time"] == "2026-01-05T09:03:00+00:00"
    events = [found.attributes(name) for name in found.of_type("sos:Publication")]
    assert [(one["action"], one.get("instead_of")) for one in events] == [("publish", None), ("rollback", 2)]
    assert found.of_type("sos:Figure") == ["sos:version/3/figure/kiel%20before%20%26%20after.png"]


@pytest.mark.parametrize("state", [VersionState.RUNNING, VersionState.FAILED])
def test_a_version_without_a_catalogue_ends_with_its_models(state: VersionState):
    record = of(RECORD, state=state, report=None, n_stars=None, finished_at=None, metrics={})
    found = graph(replace(record, publications=(), figures=()))
    assert len(found.of_type("sos:Model")) == 4
    assert found.of_type("sos:Catalogue") == found.of_type("sos:Homogenization") == []
    assert found.reached("sos:version/3/model/alpha/teff", "sos:File") == ["sos:file/a1"]


def test_what_is_not_known_is_left_out():
    unvalidated = replace(of(RECORD, report=None, metrics={}), ingestions=(), publications=())
    found = graph(unvalidated)
    assert found.of_type("sos:Validation") == found.of_type("sos:Report") == found.of_type("sos:Figure") == []
    assert found.of_type("sos:Publication") == []
    assert "sha256" not in found.attributes("sos:version/3/catalogue")
    assert "bytes" not in found.attributes("sos:file/a1")
    [ingestion] = found.of_type("sos:Ingestion")
    assert ingestion == "sos:version/3/ingestion/alpha/a1/d1"
    assert "prov:startTime" not in found.attributes(ingestion)


def test_the_same_record_gives_the_same_document():
    assert provenance_of_version(RECORD) == provenance_of_version(RECORD)


def test_a_file_in_two_surveys_is_one_file():
    record = of(RECORD, inputs={"alpha": [FILE], "beta": [{**FILE, "descriptor_sha256": "d2"}]})
    found = graph(record)
    assert found.of_type("sos:File") == ["sos:file/a1"]
    assert len(found.of_type("sos:Ingestion")) == len(found.of_type("sos:Descriptor")) == 2
