"""Monte Carlo, calibration and combination of six surveys' spectra of every star, against limits of time and memory.

Models are fitted to a simulated sky; its measured rows, repeated, stand for the spectra of as many stars as wanted.
"""

from __future__ import annotations

import pickle
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from app.pipeline.calibrate import load_alignment
from app.pipeline.consistency import measure_consistency
from app.pipeline.homogenize import BLOCK
from app.pipeline.models import load_models
from app.science.calibration.frame import Frame
from app.science.calibration.plan import Plan
from app.science.calibration.survey_model import SurveyModel
from app.science.combination.common_error import SharedErrors
from app.science.combination.stars import Contributions, homogenize
from app.storage import frames
from bench.simulated import CalibratedSky, calibrated_sky

SURVEYS = ("apogee_dr17", "galah_dr3", "lamost_lrs", "lamost_mrs", "gaia_gspspec", "rave_dr6")
SKY, SEED = 60_000, 20
SECONDS, GIGABYTES = 180.0, 4.0
WARM = 200


@dataclass(frozen=True)
class _Work:
    """Fitted models, the rows that are repeated, survey by survey, and what the surveys' errors share."""

    plan: Plan
    models: list[SurveyModel]
    rows: list[Frame]
    shared: SharedErrors


def measure(url: str, rows: int = 1_000_000) -> list[tuple[str, float, str]]:
    """Return wall seconds, rows/s and memory for `rows` stars, in one process as the product works and in two."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "work.pickle"
        with calibrated_sky(url, stars=SKY, seed=SEED) as sky:
            path.write_bytes(pickle.dumps(_work(sky)))
        alone, busy, peak = _in_processes(path, rows, 1)
        shared, _, peaks = _in_processes(path, rows, 2)
    spectra = rows * len(SURVEYS)
    return [
        (f"{rows:,} stars x {len(SURVEYS)} surveys, one process (limit {SECONDS:.0f} s for 1 M)", alone, "s"),
        ("of these on a processor: less where others use the machine too", busy, "s"),
        ("Monte Carlo, calibration and combination, one process", spectra / alone, "rows/s"),
        (f"memory, one process (limit {GIGABYTES:.0f} GB)", peak, "GB"),
        (f"{rows:,} stars x {len(SURVEYS)} surveys, two processes", shared, "s"),
        ("Monte Carlo, calibration and combination, two processes", spectra / shared, "rows/s"),
        ("memory, two processes together", peaks, "GB"),
    ]


def _work(sky: CalibratedSky) -> _Work:
    with sky.database.connect() as connection:
        numbers = frames.surveys_with_measurements(connection)
        fitted = load_models(connection, sky.version)
    models = {numbers[name]: fitted[numbers[name]] for name in SURVEYS}
    shared = measure_consistency(sky.database, sky.version, models)
    observed = load_alignment(sky.database, sky.plan).frames
    whole = [observed[name].where(observed[name].used.all(axis=1)) for name in SURVEYS]
    return _Work(sky.plan, list(models.values()), whole, shared)


def _in_processes(path: Path, stars: int, processes: int) -> tuple[float, float, float]:
    """Return the seconds of the slowest process once it is warm, of all on processors, and the memory of all, GB."""
    edges = np.linspace(0, stars, processes + 1).astype(int)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        found = list(pool.map(partial(_stars, path), edges[:-1], edges[1:]))
    seconds, busy, peak = np.array(found).T
    return float(seconds.max()), float(busy.sum()), float(peak.sum())


def _stars(path: Path, first: int, last: int) -> tuple[float, float, float]:
    """Homogenize stars `first` to `last` in blocks as the product does; return seconds, processor seconds, peak GB."""
    _block(pickle.loads(path.read_bytes()), first, first + WARM)  # compiled; the tables of the bias are made anew
    work: _Work = pickle.loads(path.read_bytes())
    step = BLOCK // len(work.models)
    started, busy = time.perf_counter(), time.process_time()
    for start in range(first, last, step):
        _block(work, start, min(start + step, last))
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    return seconds, busy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _block(work: _Work, first: int, last: int) -> None:
    stars, surveys = last - first, len(work.models)
    value, minus, plus, rho = (np.empty((stars, surveys, 3)) for _ in range(4))
    used, believed = (np.empty((stars, surveys, 3), dtype=bool) for _ in range(2))
    for place, (model, rows) in enumerate(zip(work.models, work.rows, strict=True)):
        numbers = np.arange(first, last) * surveys + place
        chosen = _repeated(rows, np.arange(first, last) % len(rows.star), numbers)
        result = model.calibrate_frame(chosen, work.plan)
        value[:, place], minus[:, place], plus[:, place] = result.value, result.minus, result.plus
        rho[:, place], used[:, place] = result.rho, chosen.used
        believed[:, place] = result.in_domain[:, None] | model.identity
    contributions = Contributions(
        starts=np.arange(stars + 1) * surveys,
        survey=np.tile(np.arange(surveys), stars),
        **{name: part.reshape(-1, 3) for name, part in _named(value, minus, plus, rho, used, believed)},
        ambiguous=np.zeros(stars * surveys, dtype=bool),
    )
    plan = work.plan
    settings = {"widen_factor": plan.widen_factor, "linear_beyond": plan.linear_beyond}
    homogenize(contributions, work.shared, refuse_outside=True, **settings)


def _named(*parts: np.ndarray) -> zip:
    return zip(("value", "minus", "plus", "rho", "used", "in_domain"), parts, strict=True)


def _repeated(rows: Frame, places: np.ndarray, numbers: np.ndarray) -> Frame:
    names = ("star", "split", "reported", "minus", "plus", "used", "snr", "magnitudes")
    return replace(rows, **{name: getattr(rows, name)[places] for name in names}, number=numbers)
