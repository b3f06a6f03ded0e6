"""What differs between two versions: in the recipe that each was made by, and in what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.domain.versions import Model, Version

CATALOGUE_CHECKSUM = "catalogue_sha256"
"""The figure of a version's metrics that holds the SHA-256 of its catalogue, where it was taken."""

_OF_A_FILE = ("file_sha256", "descriptor_sha256", "rows_read", "rows_stored", "rows_rejected")


class Part(StrEnum):
    """Where two versions differ: in the recipe (the first four), or in what came of it."""

    PLAN = "plan"
    SEED = "seed"
    INPUT = "input"
    SOFTWARE = "software"
    MODEL = "model"
    CATALOGUE = "catalogue"


@dataclass(frozen=True)
class Difference:
    """One thing that differs: what it is, and its value in both versions, None in one that has none."""

    part: Part
    name: str
    first: Any
    second: Any

    def __str__(self) -> str:
        """Return it as one line for a person.

        >>> str(Difference(Part.PLAN, "fit.few", 60, 80))
        'plan: fit.few: 60, then 80'
        """
        return f"{self.part}: {self.name}: {_shown(self.first)}, then {_shown(self.second)}"


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


def differences(first: Version, second: Version) -> list[Difference]:
    """Return what differs in the recipes of two versions: plan, seed, input files and software.

    Settings of the plan are named by their dotted path, files by survey and name. The same bytes under another name
    are the same file; a file of the same name with other bytes is one file that has changed.
    """
    return [
        *_differing(Part.PLAN, leaves(first.plan), leaves(second.plan)),
        *_differing(Part.SEED, {"seed": first.seed}, {"seed": second.seed}),
        *_inputs(first.inputs, second.inputs),
        *_differing(Part.SOFTWARE, first.software, second.software),
    ]


def differences_of_results(
    first: Version, second: Version, first_models: Sequence[Model], second_models: Sequence[Model]
) -> list[Difference]:
    """Return what differs in what came of two versions: models by their SHA-256, and the catalogue.

    A catalogue without a checksum in either version is compared by its number of stars alone.
    """
    checksums = [version.metrics.get(CATALOGUE_CHECKSUM) for version in (first, second)]
    known = {} if None in checksums else {CATALOGUE_CHECKSUM: checksums}
    sides = {"n_stars": [first.n_stars, second.n_stars], **known}
    return [
        *_differing(Part.MODEL, _checksums(first_models), _checksums(second_models)),
        *(Difference(Part.CATALOGUE, name, one, other) for name, (one, other) in sides.items() if one != other),
    ]


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings by their dotted path; lists count as leaves.

    >>> leaves({"fit": {"few": 60}, "features": ["snr"]})
    {'fit.few': 60, 'features': ['snr']}
    """
    if not isinstance(value, dict):
        return {path: value}
    return {
        name: leaf
        for key, part in value.items()
        for name, leaf in leaves(part, f"{path}.{key}" if path else str(key)).items()
    }


def _differing(part: Part, first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Difference]:
    return [
        Difference(part, name, first.get(name), second.get(name))
        for name in dict.fromkeys([*first, *second])
        if first.get(name) != second.get(name)
    ]


def _checksums(models: Sequence[Model]) -> dict[str, str]:
    return {f"{model.survey}.{model.parameter}": model.artifact_sha256 for model in models}


def _inputs(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Difference]:
    return [
        difference
        for survey in sorted({*first, *second})
        for difference in _files(survey, first.get(survey, []), second.get(survey, []))
    ]


def _files(survey: str, first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> list[Difference]:
    found: list[Difference] = []
    gone, new = list(first), list(second)
    for same in (("file_sha256", "descriptor_sha256"), ("file_sha256",), ("file_name",)):
        for one in list(gone):
            other = next((file for file in new if all(file.get(key) == one.get(key) for key in same)), None)
            if other is None:
                continue
            gone.remove(one)
            new.remove(other)
            facts = [{f"{_named(survey, one)} {key}": file.get(key) for key in _OF_A_FILE} for file in (one, other)]
            found += _differing(Part.INPUT, *facts)
    found += [Difference(Part.INPUT, _named(survey, file), file.get("file_sha256"), None) for file in gone]
    found += [Difference(Part.INPUT, _named(survey, file), None, file.get("file_sha256")) for file in new]
    return found


def _named(survey: str, file: Mapping[str, Any]) -> str:
    return f"{survey}/{file['file_name']}"
