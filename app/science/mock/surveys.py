"""The eight surveys of the simulated sky: what each selects, how wrong and how noisy it is, and what it claims."""

from __future__ import annotations

from dataclasses import dataclass

from app.science.mock import biases, noise
from app.science.mock.biases import Bias
from app.science.mock.footprints import Fields
from app.science.mock.noise import Floored, Size
from app.science.mock.selection import Links, Selection, Signal


@dataclass(frozen=True)
class PileUp:
    """A share of the rows whose values snap to the nodes of the survey's model grid."""

    share: float
    steps: tuple[float, float, float]


@dataclass(frozen=True)
class MockSurvey:
    """One survey.

    Attributes:
        quoted: quoted / true size of the errors.
        teff_feh: correlation of the errors of Teff and [Fe/H].
        repeats: chance of each further spectrum of a star.
        doubtful: share of rows with values far off, which the survey flags.
        lost: share of rows without values.
        faint_faults: doubtful rows show by their low S/N, for a survey without flags.
        degrees_of_freedom: of the errors' t distribution, None for normal errors.
        skew: ratio by which errors reach farther up than a symmetric error, and less far down.
        pile_up: rows that stick to the model grid.
        links: how many stars a small survey shares with the others.
    """

    name: str
    selection: Selection
    signal: Signal
    bias: Bias
    noise: Size
    quoted: tuple[float, float, float]
    teff_feh: float
    repeats: float
    doubtful: float
    lost: float
    faint_faults: bool = False
    degrees_of_freedom: float | None = None
    skew: float = 1.0
    pile_up: PileUp | None = None
    links: Links | None = None


APOGEE = MockSurvey(
    name="apogee_dr17",
    selection=Selection(Fields(3.0, 0.90, 17), "h", (6.0, 12.8), (3500.0, 7300.0), 0.97, 0.60, 0.85, 0.45),
    signal=Signal("h", 11.0, 80.0, 0.75, (8.0, 900.0)),
    bias=biases.none,
    noise=Floored((20.0, 0.026, 0.013), (22.0, 0.030, 0.015), 100.0),
    quoted=(1.0, 1.0, 0.5),
    teff_feh=0.5,
    repeats=0.10,
    doubtful=0.015,
    lost=0.015,
)
GALAH = MockSurvey(
    name="galah_dr3",
    selection=Selection(
        Fields(2.0, 0.98, 23, (-80.0, 12.0), (6.0, 90.0)), "g", (8.0, 14.8), (3800.0, 7900.0), 0.97, 0.8
    ),
    signal=Signal("g", 13.5, 48.0, 0.7, (5.0, 300.0)),
    bias=biases.galah,
    noise=Floored((71.0, 0.096, 0.0635), (45.0, 0.063, 0.0435), 60.0),
    quoted=(1.1, 1.3, 1.0),
    teff_feh=0.6,
    repeats=0.05,
    doubtful=0.035,
    lost=0.025,
)
LAMOST_LRS = MockSurvey(
    name="lamost_lrs",
    selection=Selection(Fields(5.0, 1.0, 31, (-10.0, 62.0)), "g", (9.3, 17.8), (3900.0, 8500.0), 0.98),
    signal=Signal("g", 16.0, 34.0, 0.8, (5.0, 700.0)),
    bias=biases.lamost_lrs,
    noise=noise.lamost_lrs,
    quoted=(1 / 2.6, 1 / 2.0, 1 / 2.0),
    teff_feh=0.7,
    repeats=0.34,
    doubtful=0.01,
    lost=0.01,
    faint_faults=True,
    degrees_of_freedom=5.0,
    pile_up=PileUp(0.005, (50.0, 0.5, 0.5)),
)
LAMOST_MRS = MockSurvey(
    name="lamost_mrs",
    selection=Selection(Fields(5.0, 0.40, 37, (-10.0, 61.0)), "g", (9.0, 14.4), (4000.0, 8500.0), 0.24),
    signal=Signal("g", 13.0, 55.0, 0.9, (10.0, 500.0)),
    bias=biases.lamost_mrs,
    noise=Floored((65.0, 0.087, 0.043), (50.0, 0.068, 0.034), 60.0),
    quoted=(1 / 1.5, 1 / 1.5, 1 / 1.5),
    teff_feh=0.6,
    repeats=0.30,
    doubtful=0.01,
    lost=0.01,
    faint_faults=True,
)
GAIA_GSPSPEC = MockSurvey(
    name="gaia_gspspec",
    selection=Selection(Fields(11.0, 1.0, 41), "g", (6.0, 14.3), (3700.0, 8000.0), 0.95),
    signal=Signal("g", 12.0, 60.0, 1.0, (15.0, 1000.0)),
    bias=biases.gaia_gspspec,
    noise=noise.gaia_gspspec,
    quoted=(1.0, 1.0, 1.0),
    teff_feh=0.5,
    repeats=0.0,
    doubtful=0.08,
    lost=0.04,
    skew=1.2,
    pile_up=PileUp(0.004, (250.0, 0.5, 0.25)),
)
RAVE = MockSurvey(
    name="rave_dr6",
    selection=Selection(Fields(5.7, 0.80, 43, (-90.0, 3.0), (7.0, 90.0)), "rp", (8.5, 12.2), (3800.0, 7800.0), 0.14),
    signal=Signal("rp", 11.0, 45.0, 0.8, (6.0, 200.0)),
    bias=biases.rave,
    noise=Floored((150.0, 0.26, 0.11), (135.0, 0.24, 0.105), 45.0),
    quoted=(1.0, 1.0, 1.0),
    teff_feh=0.6,
    repeats=0.10,
    doubtful=0.03,
    lost=0.02,
    pile_up=PileUp(0.015, (250.0, 0.5, 0.25)),
)
SMALL_A = MockSurvey(
    name="small_a",
    selection=Selection(Fields(4.0, 1.0, 47, (-90.0, 20.0)), "g", (8.0, 15.0), (4000.0, 5600.0), 1.0, 1.0, 0.0),
    signal=Signal("g", 12.0, 80.0, 0.5, (20.0, 300.0)),
    bias=biases.small_a,
    noise=Floored((40.0, 0.08, 0.04), (30.0, 0.06, 0.03), 80.0),
    quoted=(1.0, 1.0, 1.0),
    teff_feh=0.5,
    repeats=0.04,
    doubtful=0.0,
    lost=0.01,
    links=Links(44.0, 330.0, 30.0),
)
SMALL_B = MockSurvey(
    name="small_b",
    selection=Selection(Fields(4.0, 1.0, 53, (-20.0, 90.0)), "g", (8.0, 14.5), (4800.0, 6900.0), 1.0),
    signal=Signal("g", 12.0, 80.0, 0.5, (20.0, 300.0)),
    bias=biases.small_b,
    noise=Floored((40.0, 0.08, 0.04), (30.0, 0.06, 0.03), 80.0),
    quoted=(1.0, 1.0, 1.0),
    teff_feh=0.5,
    repeats=0.04,
    doubtful=0.0,
    lost=0.01,
    links=Links(26.0, 230.0, 25.0),
)
SURVEYS = (APOGEE, GALAH, LAMOST_LRS, LAMOST_MRS, GAIA_GSPSPEC, RAVE, SMALL_A, SMALL_B)
"""The small surveys come last: they choose among the stars that the others have seen."""
