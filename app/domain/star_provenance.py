"""The provenance of one star's values as a document: every number back to a survey's row, models, plan and code."""

from __future__ import annotations

from typing import Any

from app.domain.homogenized import Contribution, Correction, HomogenizedStar, Interval
from app.domain.making import Making
from app.domain.prov import qualified
from app.domain.provenance import FileRead, VersionRecord
from app.domain.quantities import QUANTITIES, Parameter


def provenance_of_star(star: HomogenizedStar, record: VersionRecord) -> dict[str, Any]:
    """Return the provenance of a star's values as PROV-JSON; `record` is of the version that the star was read from.

    A measurement that was not combined is named as one of the star's, without a calibrated value.
    """
    making = Making(record)
    found = _Star(star, making)
    surveys = tuple(dict.fromkeys(one.survey for one in star.contributions if _combined(one)))
    making.fits(surveys)
    for survey in surveys:
        making.calibration(survey)
    homogenization = making.homogenization(surveys)
    for contribution in star.contributions:
        measurement = found.measurement(contribution)
        for parameter in _combined(contribution):
            found.calibrated(contribution, parameter, measurement)
    for parameter in star.estimates:
        found.homogenized(parameter, homogenization)
    return making.document.as_mapping()


class _Star:
    """One star, on its way into the document of its version."""

    def __init__(self, star: HomogenizedStar, making: Making) -> None:
        self._star, self._making, self._document = star, making, making.document
        gaia = star.gaia_dr3_source_id
        self._name = self._document.entity(
            making.named("star", star.star_id),
            "sos:Star",
            label=f"Star sos:{star.star_id}",
            gaia_dr3_source_id=None if gaia is None else str(gaia),
            ra=float(star.ra),
            dec=float(star.dec),
        )
        self._document.generated(self._name, making.matching)
        self._document.member(making.stars, self._name)

    def measurement(self, contribution: Contribution) -> str:
        """Add a survey's row with the way in that it came; return its name."""
        document, making = self._document, self._making
        name = document.entity(
            qualified("measurement", contribution.measurement_id),
            "sos:Measurement",
            label=f"Measurement of sos:{self._star.star_id} by {contribution.survey}",
            survey=contribution.survey,
            object_id=contribution.object_id,
            row_number=contribution.row_number,
            **{
                key: value
                for parameter, correction in contribution.corrections.items()
                for key, value in _ends(str(parameter), correction.raw).items()
            },
        )
        document.used(making.matching, name)
        document.derived(self._name, name, making.matching)
        if contribution.file is not None:
            file = contribution.file
            ingestion = next((one for one in making.record.ingestions if one.ingestion_id == file.ingestion_id), None)
            read = FileRead(contribution.survey, file.name, file.sha256, file.descriptor_sha256, ingestion)
            activity = making.ingestion_of(read)
            document.member(making.ingestion(read), name)
            document.generated(name, activity)
            document.derived(name, qualified("file", file.sha256), activity)
        return name

    def calibrated(self, contribution: Contribution, parameter: Parameter, measurement: str) -> None:
        """Add a value on the unified scale, made from a survey's row by a model."""
        document, making, survey = self._document, self._making, contribution.survey
        correction, activity = contribution.corrections[parameter], making.named("calibration", survey)
        name = document.entity(
            self._calibrated_name(contribution, parameter),
            "sos:CalibratedValue",
            label=f"{parameter} by {survey} on the unified scale",
            value=_real(correction.calibrated.value),
            unit=QUANTITIES[parameter].unit,
            in_domain=contribution.in_domain,
            split=contribution.split,
            weight=_real(correction.weight),
            **_ends("", correction.calibrated),
        )
        document.used(activity, measurement)
        document.generated(name, activity)
        document.member(making.calibrated(survey), name)
        document.derived(name, measurement, activity)
        if correction.model is not None:
            document.derived(name, making.model_of(survey, str(parameter)), activity)

    def homogenized(self, parameter: Parameter, activity: str) -> None:
        """Add the value of a parameter, made from every calibrated one that was combined; none where it has none."""
        document, making, estimate = self._document, self._making, self._star.estimates[parameter]
        if estimate.interval.value is None:
            return
        name = document.entity(
            f"{self._name}/{parameter}",
            "sos:HomogenizedValue",
            label=f"{parameter} of sos:{self._star.star_id}",
            value=_real(estimate.interval.value),
            unit=QUANTITIES[parameter].unit,
            n=estimate.n,
            chi2=_real(estimate.chi2),
            p_value=_real(estimate.p_value),
            flags=estimate.flags,
            **_ends("", estimate.interval),
        )
        document.used(activity, self._name)
        document.generated(name, activity)
        document.member(making.catalogue, name)
        for contribution in self._star.contributions:
            if parameter in _combined(contribution):
                source = self._calibrated_name(contribution, parameter)
                document.used(activity, source)
                document.derived(name, source, activity)

    def _calibrated_name(self, contribution: Contribution, parameter: Parameter) -> str:
        return self._making.named("measurement", contribution.measurement_id, parameter)


def _combined(contribution: Contribution) -> tuple[Parameter, ...]:
    """Return the parameters in which a measurement has a share of the star's value."""
    return tuple(parameter for parameter, one in contribution.corrections.items() if _has_share(one))


def _has_share(correction: Correction) -> bool:
    return correction.weight is not None and correction.weight > 0 and correction.calibrated.value is not None


def _ends(name: str, interval: Interval) -> dict[str, float | None]:
    """Return the ends of an interval by name, and the value itself where it has a name of its own."""
    value, lower, upper = _real(interval.value), _real(interval.lower), _real(interval.upper)
    if not name:
        return {"lower": lower, "upper": upper}
    return {name: value, f"{name}_lower": lower, f"{name}_upper": upper}


def _real(value: float | None) -> float | None:
    """Return a quantity as a real number also where it is a whole one: that decides its type in the document."""
    return None if value is None else float(value)
