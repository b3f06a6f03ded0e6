"""Shapes of answers about stars."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from app.domain.homogenized import (
    Contribution,
    Correction,
    Estimate,
    HomogenizedStar,
    Interval,
    ModelReference,
    SurveyFile,
)
from app.domain.quantities import QUANTITIES, Parameter


class IntervalAnswer(TypedDict):
    """A value with the ends of its 68 % interval."""

    value: float | None
    lower: float | None
    upper: float | None


class EstimateAnswer(TypedDict):
    """The combined value of a parameter."""

    value: float | None
    lower: float | None
    upper: float | None
    unit: str
    n: Annotated[int, Field(description="measurements combined")]
    chi2: float | None
    p_value: Annotated[float | None, Field(description="how likely the measurements disagree so much by chance")]
    flags: Annotated[
        int,
        Field(
            description="bit 0: the surveys disagree (p < 0.001); 1: a contribution lies outside its domain; "
            "2: one measurement only; 3: a contribution was ambiguously matched; "
            "4: every contribution lies outside its domain, so there is no value"
        ),
    ]


class ModelAnswer(TypedDict):
    """The model that made a correction; `/v1/versions/{v}/models` says more."""

    model_id: int
    stage: str
    kind: str
    direction: str
    sha256: str


class CorrectionAnswer(TypedDict):
    """How one parameter of a measurement came to the unified scale."""

    raw: IntervalAnswer
    correction: Annotated[IntervalAnswer, Field(description="calibrated minus raw")]
    calibrated: IntervalAnswer
    weight: Annotated[float | None, Field(description="share in the combined value; null where it was not combined")]
    excluded: Annotated[bool, Field(description="a quality cut of the survey excludes the value")]
    model: ModelAnswer | None


class FileAnswer(TypedDict):
    """The survey's file; checksums are SHA-256."""

    name: str
    sha256: str
    descriptor_sha256: Annotated[str, Field(description="of the descriptor that says what its columns mean")]


class ContributionAnswer(TypedDict):
    """One measurement of the star; of a row that was replaced since, object, row, file and raw values are null."""

    survey: str
    object_id: str | None
    measurement_id: str
    row_number: Annotated[int | None, Field(description="of the survey's row in the file, from 1")]
    file: FileAnswer | None
    snr: float | None
    in_domain: Annotated[bool, Field(description="the correction was learnt on such stars")]
    split: Annotated[str, Field(description="part of the star in calibration: train, conformalize or test")]
    flags: Annotated[
        int,
        Field(
            description="bit 0: the correction did not settle; 1: outside its domain; 2: the survey gives no error; "
            "4, 5, 6: Teff, log g, [Fe/H] not combined; 7: the survey has no model in this version"
        ),
    ]
    teff: CorrectionAnswer
    logg: CorrectionAnswer
    feh: CorrectionAnswer


class CorrelationAnswer(TypedDict):
    """How the errors of two parameters go together, -1 to 1; null where that of a contribution is unknown."""

    teff_logg: float | None
    teff_feh: float | None
    logg_feh: float | None


class StarAnswer(TypedDict):
    """A homogenized star and why its values are what they are."""

    version: int
    star_id: str
    gaia_dr3_source_id: str | None
    ra: Annotated[float, Field(description="degrees, ICRS")]
    dec: Annotated[float, Field(description="degrees, ICRS")]
    g_mag: float | None
    bp_mag: float | None
    rp_mag: float | None
    k_mag: float | None
    teff: EstimateAnswer
    logg: EstimateAnswer
    feh: EstimateAnswer
    correlation: Annotated[CorrelationAnswer | None, Field(description="of the errors; null where nothing is known")]
    contributions: list[ContributionAnswer]


def star_answer(star: HomogenizedStar) -> StarAnswer:
    """Return the answer that describes a star."""
    gaia = star.gaia_dr3_source_id
    return {
        "version": star.version,
        "star_id": str(star.star_id),
        "gaia_dr3_source_id": None if gaia is None else str(gaia),
        "ra": star.ra,
        "dec": star.dec,
        "g_mag": star.magnitudes["g_mag"],
        "bp_mag": star.magnitudes["bp_mag"],
        "rp_mag": star.magnitudes["rp_mag"],
        "k_mag": star.magnitudes["k_mag"],
        "teff": _estimate(star, Parameter.TEFF),
        "logg": _estimate(star, Parameter.LOGG),
        "feh": _estimate(star, Parameter.FEH),
        "correlation": _correlation(star),
        "contributions": [_contribution(contribution) for contribution in star.contributions],
    }


def _correlation(star: HomogenizedStar) -> CorrelationAnswer | None:
    known = star.correlation
    if all(value is None for value in known.values()):
        return None
    return {"teff_logg": known["teff_logg"], "teff_feh": known["teff_feh"], "logg_feh": known["logg_feh"]}


def _estimate(star: HomogenizedStar, parameter: Parameter) -> EstimateAnswer:
    estimate: Estimate = star.estimates[parameter]
    interval = estimate.interval
    return {
        "value": interval.value,
        "lower": interval.lower,
        "upper": interval.upper,
        "unit": QUANTITIES[parameter].unit,
        "n": estimate.n,
        "chi2": estimate.chi2,
        "p_value": estimate.p_value,
        "flags": estimate.flags,
    }


def _contribution(contribution: Contribution) -> ContributionAnswer:
    corrections = contribution.corrections
    return {
        "survey": contribution.survey,
        "object_id": contribution.object_id,
        "measurement_id": str(contribution.measurement_id),
        "row_number": contribution.row_number,
        "file": None if contribution.file is None else _file(contribution.file),
        "snr": contribution.snr,
        "in_domain": contribution.in_domain,
        "split": contribution.split,
        "flags": contribution.flags,
        "teff": _correction(corrections[Parameter.TEFF]),
        "logg": _correction(corrections[Parameter.LOGG]),
        "feh": _correction(corrections[Parameter.FEH]),
    }


def _file(file: SurveyFile) -> FileAnswer:
    return {"name": file.name, "sha256": file.sha256, "descriptor_sha256": file.descriptor_sha256}


def _correction(correction: Correction) -> CorrectionAnswer:
    return {
        "raw": _interval(correction.raw),
        "correction": _interval(correction.applied),
        "calibrated": _interval(correction.calibrated),
        "weight": correction.weight,
        "excluded": correction.excluded,
        "model": None if correction.model is None else _model(correction.model),
    }


def _interval(interval: Interval) -> IntervalAnswer:
    value, lower, upper = interval
    return {"value": value, "lower": lower, "upper": upper}


def _model(model: ModelReference) -> ModelAnswer:
    return {
        "model_id": model.model_id,
        "stage": model.stage,
        "kind": model.kind,
        "direction": model.direction,
        "sha256": model.sha256,
    }
