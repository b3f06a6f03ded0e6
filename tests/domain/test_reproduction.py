"""What differs between two versions: nothing between twins, and each kind of difference by its name and both values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.reproduction import Difference, Part, differences, differences_of_results, leaves
from app.domain.versions import Model, Version, VersionState

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
FILE = {
    "file_name": "alpha.fits",
    "file_sha256": "a1",
    "descriptor_sha256": "d1",
    "rows_read": 12,
    "rows_stored": 10,
    "rows_rejected": 2,
}
VERSION = Version(
    version_id=1,
    state=VersionState.READY,
    reason=None,
    plan={"name": "default", "fit": {"few": 60, "draws": 32}, "stages": [{"name": "bridge"}]},
    inputs={"alpha": [FILE]},
    software={"numpy": "2.4.1", "code_sha256": "c1"},
    seed=7,
    metrics={"catalogue_sha256": "k1"},
    report=None,
    n_stars=300,
    created_at=NOW,
    finished_at=NOW,
    published_at=None,
)
MODEL = Model(1, 1, "alpha", "teff", "bridge", "boosted", "forward", "m1", {})


def twin(**changed: Any) -> Version:
    return replace(VERSION, version_id=2, **changed)


def test_twins_do_not_differ():
    assert differences(VERSION, twin()) == []
    assert differences_of_results(VERSION, twin(), [MODEL], [replace(MODEL, model_id=9, version_id=2)]) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"plan": {**VERSION.plan, "fit": {"few": 80, "draws": 32}}}, (Part.PLAN, "fit.few", 60, 80)),
        ({"plan": {**VERSION.plan, "fit": {"few": 60}}}, (Part.PLAN, "fit.draws", 32, None)),
        ({"plan": {**VERSION.plan, "members": "aligned"}}, (Part.PLAN, "members", None, "aligned")),
        ({"plan": {**VERSION.plan, "stages": []}}, (Part.PLAN, "stages", [{"name": "bridge"}], [])),
        ({"seed": 8}, (Part.SEED, "seed", 7, 8)),
        ({"software": {"numpy": "2.5.0", "code_sha256": "c1"}}, (Part.SOFTWARE, "numpy", "2.4.1", "2.5.0")),
        ({"software": {"numpy": "2.4.1", "code_sha256": "c2"}}, (Part.SOFTWARE, "code_sha256", "c1", "c2")),
        ({"software": {"numpy": "2.4.1"}}, (Part.SOFTWARE, "code_sha256", "c1", None)),
        ({"inputs": {}}, (Part.INPUT, "alpha/alpha.fits", "a1", None)),
        (
            {"inputs": {"alpha": [FILE, {**FILE, "file_name": "more.fits", "file_sha256": "a2"}]}},
            (Part.INPUT, "alpha/more.fits", None, "a2"),
        ),
        (
            {"inputs": {"alpha": [FILE], "beta": [{**FILE, "file_name": "beta.csv", "file_sha256": "b1"}]}},
            (Part.INPUT, "beta/beta.csv", None, "b1"),
        ),
        (
            {"inputs": {"alpha": [{**FILE, "file_sha256": "a9"}]}},
            (Part.INPUT, "alpha/alpha.fits file_sha256", "a1", "a9"),
        ),
        (
            {"inputs": {"alpha": [{**FILE, "descriptor_sha256": "d2"}]}},
            (Part.INPUT, "alpha/alpha.fits descriptor_sha256", "d1", "d2"),
        ),
    ],
)
def test_each_difference_of_a_recipe_is_named_with_both_values(changed: dict[str, Any], expected: tuple):
    assert differences(VERSION, twin(**changed)) == [Difference(*expected)]


def test_rows_that_are_counted_otherwise_differ():
    [one, other] = differences(VERSION, twin(inputs={"alpha": [{**FILE, "rows_stored": 9, "rows_rejected": 3}]}))
    assert one == Difference(Part.INPUT, "alpha/alpha.fits rows_stored", 10, 9)
    assert other == Difference(Part.INPUT, "alpha/alpha.fits rows_rejected", 2, 3)


def test_the_same_bytes_under_another_name_are_the_same_file():
    renamed = {**FILE, "file_name": "renamed.fits"}
    assert differences(VERSION, twin(inputs={"alpha": [renamed]})) == []
    swapped = [{**renamed, "file_sha256": "a2"}, FILE]
    first = replace(VERSION, inputs={"alpha": [FILE, {**renamed, "file_sha256": "a2"}]})
    assert differences(first, twin(inputs={"alpha": swapped})) == []


def test_several_differences_come_in_the_order_of_the_recipe():
    other = twin(seed=8, plan={**VERSION.plan, "name": "mine"}, inputs={}, software={"numpy": "2.4.1"})
    assert [one.part for one in differences(VERSION, other)] == [Part.PLAN, Part.SEED, Part.INPUT, Part.SOFTWARE]


@pytest.mark.parametrize(
    ("changed", "models", "expected"),
    [
        ({}, [replace(MODEL, artifact_sha256="m2")], (Part.MODEL, "alpha.teff", "m1", "m2")),
        ({}, [], (Part.MODEL, "alpha.teff", "m1", None)),
        ({"metrics": {"catalogue_sha256": "k2"}}, [MODEL], (Part.CATALOGUE, "catalogue_sha256", "k1", "k2")),
        ({"n_stars": 299}, [MODEL], (Part.CATALOGUE, "n_stars", 300, 299)),
    ],
)
def test_each_difference_of_the_results_is_named(changed: dict[str, Any], models: list[Model], expected: tuple):
    assert differences_of_results(VERSION, twin(**changed), [MODEL], models) == [Difference(*expected)]


def test_a_catalogue_without_a_checksum_is_not_said_to_differ():
    assert differences_of_results(VERSION, twin(metrics={}), [MODEL], [MODEL]) == []


def test_a_difference_reads_as_a_line():
    assert str(Difference(Part.INPUT, "alpha/alpha.fits", "a1", None)) == "input: alpha/alpha.fits: a1, then none"


def test_leaves_go_by_their_dotted_path():
    assert leaves({"a": {"b": {"c": 1}, "d": [2]}, "e": None}) == {"a.b.c": 1, "a.d": [2], "e": None}
