"""What a machine keeps: made once, never out of date, never in the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from app.pipeline import machine_cache
from app.pipeline.calibrated_frames import calibrated_frame
from app.pipeline.kept_figures import rendered
from app.pipeline.models import keeping
from app.science.calibration.fitting import fit_survey
from app.science.calibration.frame import Frame
from app.science.calibration.serialize import dump_bias, dump_frame, load_survey
from app.science.calibration.settings import FitSettings
from tests.support.links import NOISE, invented_links

KEY = "ab" * 32


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(machine_cache, "_folder", [])
    machine_cache.keep_in(tmp_path / "cache")
    return tmp_path / "cache"


def numbers(size: int = 3):
    return {"a": np.arange(size), "b": np.full(size, np.nan)}


def never():
    raise AssertionError("it is there already")


def test_arrays_are_made_once_and_come_back_bit_for_bit(folder: Path):
    made = machine_cache.kept(KEY, numbers)
    again = machine_cache.kept(KEY, never)
    assert {name: (part.dtype, part.tobytes()) for name, part in again.items()} == {
        name: (part.dtype, part.tobytes()) for name, part in made.items()
    }
    assert [path.name for path in folder.iterdir()] == [f"{KEY}.npz"]


def test_a_damaged_file_is_made_anew(folder: Path):
    machine_cache.kept(KEY, numbers)
    (folder / f"{KEY}.npz").write_bytes(b"PK\x03\x04 half of it")
    assert machine_cache.kept(KEY, numbers)["a"].tolist() == [0, 1, 2]
    assert machine_cache.kept(KEY, never)["a"].tolist() == [0, 1, 2]


def test_what_was_used_longest_ago_makes_room(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine_cache, "MOST_BYTES", 25_000)
    for key in ("1", "2", "3"):
        machine_cache.kept(key, lambda: numbers(1000))
    assert {path.stem for path in folder.iterdir()} <= {"2", "3"}
    assert machine_cache.kept("3", never)["a"].size == 1000


def test_without_a_folder_everything_is_made_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine_cache, "_folder", [])
    assert not machine_cache.keeps()
    assert machine_cache.kept(KEY, numbers)["a"].tolist() == [0, 1, 2]


def test_a_full_disk_costs_time_alone(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert machine_cache.kept(KEY, numbers)["a"].tolist() == [0, 1, 2]
    assert list(folder.iterdir()) == []


def frame(seed: int) -> Frame:
    links = invented_links(300, seed=seed)
    error, everything = np.tile(NOISE, (300, 1)), np.ones((300, 3), dtype=bool)
    snr, magnitudes = np.full(300, 50.0), np.full((300, 2), 12.0)
    return Frame(links.star, links.split, links.reported, error, error, everything, snr, magnitudes)


def test_a_calibrated_frame_is_that_of_the_model_and_of_these_values_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    nothing_quoted = np.full(3, np.nan)
    model = fit_survey(invented_links(300), (False,) * 3, FitSettings(), own_error=nothing_quoted).model
    first, other = frame(1), frame(2)
    plain = model.calibrate_frame(first)
    for _ in range(2):
        kept = calibrated_frame(model, first)
        assert all(np.array_equal(vars(kept)[name], part, equal_nan=True) for name, part in vars(plain).items())
    assert len(list(folder.iterdir())) == 2  # these values, and the table of the model
    assert not np.array_equal(calibrated_frame(model, other).value, plain.value)
    monkeypatch.setattr("app.science.calibration.survey_model.SurveyModel.calibrate_frame", lambda *_: never())
    assert np.array_equal(calibrated_frame(model, first).value, plain.value, equal_nan=True)


def test_a_figure_is_drawn_once_for_what_it_shows(folder: Path):
    drawn = []

    def draw(values, *, note):
        drawn.append(note)
        figure = Figure(figsize=(1, 1))
        figure.subplots().plot(values)
        return figure

    values = np.arange(5.0)
    one, same = (rendered("line", draw, values, note="a") for _ in range(2))
    assert drawn == ["a"]
    assert one == same
    assert {name: media for name, (_, media) in one.items()} == {"line.png": "image/png", "line.svg": "image/svg+xml"}
    assert one["line.png"][0].startswith(b"\x89PNG")
    assert rendered("line", draw, values + 1, note="a") != one
    assert rendered("none", lambda values: None, values) == {}


def test_the_table_of_a_model_is_kept_as_that_of_the_stored_one(folder: Path):
    model = fit_survey(invented_links(300), (False,) * 3, FitSettings(), own_error=np.full(3, np.nan)).model
    calibrated_frame(model, frame(1))
    assert len(list(folder.iterdir())) == 2
    stored = load_survey(dump_frame(model), (dump_bias(model.models[0]), *map(dump_bias, model.models[1:])))
    again = keeping(stored)
    assert again.keeper is not None
    table = again.keeper(never)
    assert np.array_equal(table.values, model.grid.values)
    assert np.array_equal(again.calibrate_frame(frame(2)).value, model.calibrate_frame(frame(2)).value, equal_nan=True)
