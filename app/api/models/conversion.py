"""Shapes of what conversions are asked for with, and of their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from app.api.models.queries import Format, ReadQuery
from app.api.models.stars import IntervalAnswer
from app.domain.conversions import FLAGS, ROLES, UNIFIED, ConversionRequest
from app.domain.errors import ParameterError
from app.domain.files import FileFormat
from app.domain.quantities import PARAMETERS, QUANTITIES

if TYPE_CHECKING:
    from app.services.conversion import Converted

_OF = "name of the column of %s; found by UCD or name if left out"


class ColumnsQuery(ReadQuery):
    """Which columns of a table hold what."""

    teff: str | None = Field(None, description=_OF % "Teff, K")
    logg: str | None = Field(None, description=_OF % "log g")
    feh: str | None = Field(None, description=_OF % "[Fe/H]")
    teff_err: str | None = Field(None, description=_OF % "errors of Teff, K")
    logg_err: str | None = Field(None, description=_OF % "errors of log g")
    feh_err: str | None = Field(None, description=_OF % "errors of [Fe/H]")
    snr: str | None = Field(None, description=_OF % "signal-to-noise ratios")
    g_mag: str | None = Field(None, description=_OF % "Gaia G magnitudes")
    k_mag: str | None = Field(None, description=_OF % "2MASS Ks magnitudes")

    @property
    def named(self) -> dict[str, str]:
        """Names of columns by what they hold, those that are given."""
        given: Mapping[str, str | None] = {role: getattr(self, role) for role in ROLES}
        return {role: name for role, name in given.items() if name is not None}


class ScalesQuery(ReadQuery):
    """Which scales, and which form of answer."""

    source: str | None = Field(None, alias="from", description="survey on whose scale the values are, or `unified`")
    target: str | None = Field(None, alias="to", description="survey whose scale is wanted; `unified` if left out")
    format: Format | None = Field(
        None, description="`json`, or the kind of file to return; that of the upload if left out, JSON for JSON"
    )


class ConvertQuery(ColumnsQuery, ScalesQuery):
    """Which scales, and which columns of a table."""

    def request(self, source: str | None = None, target: str | None = None) -> ConversionRequest:
        """Return the request; scales may stand in a body instead.

        Raises:
            ParameterError: a scale is missing, or given twice.
        """
        return ConversionRequest(
            source=_one("from", self.source, source),
            target=_one("to", self.target, target, UNIFIED),
            columns=self.named,
            version=self.number,
        )

    @property
    def file(self) -> FileFormat | None:
        """The kind of file, None for JSON or where none is named."""
        return None if self.format in {None, "json"} else FileFormat(str(self.format))

    def no_columns(self) -> None:
        """Insist that no column of a table is named.

        Raises:
            ParameterError: one is.
        """
        for role in ROLES:
            if getattr(self, role) is not None:
                raise ParameterError(role, "names a column of a table; the members of stars in JSON have fixed names")


def _one(name: str, in_query: str | None, in_body: str | None, usual: str | None = None) -> str:
    if in_query is not None and in_body is not None:
        raise ParameterError(name, "is given in the body and in the URL; once is enough")
    found = in_query or in_body or usual
    if found is None:
        raise ParameterError(name, f"is missing: the survey on whose scale the values are, or '{UNIFIED}'")
    return found


class UsedModelAnswer(TypedDict):
    """A model that was used; `/v1/versions/{v}/models` says more."""

    model_id: int
    survey: str
    parameter: str
    kind: str
    direction: Annotated[str, Field(description="forward: the survey given the star, inverted; direct: the reverse")]
    sha256: str


class ConvertedStar(TypedDict):
    """A row on the scale that is wanted."""

    row: Annotated[int, Field(description="as it came, from 1")]
    teff: IntervalAnswer
    logg: IntervalAnswer
    feh: IntervalAnswer
    in_domain: Annotated[bool, Field(description="the models were trained on such stars")]
    converged: Annotated[bool, Field(description="the inversion settled")]
    flags: Annotated[int, Field(description=FLAGS)]


Conversion = TypedDict(
    "Conversion",
    {
        "version": int,
        "from": str,
        "to": str,
        "units": dict[str, str],
        "columns": Annotated[dict[str, str], Field(description="which column of the table was taken for what")],
        "models": list[UsedModelAnswer],
        "count": int,
        "stars": Annotated[list[ConvertedStar], Field(description="every row, in order")],
    },
)


def conversion_answer(converted: Converted) -> Conversion:
    """Return the answer with every row; a number that is none becomes null as it is sent."""
    values = converted.values
    ends = (values.value, values.value - values.minus, values.value + values.plus)
    parameters = [zip(*(end[:, p].tolist() for end in ends), strict=True) for p in range(len(PARAMETERS))]
    flags = (values.in_domain.tolist(), values.converged.tolist(), converted.flags.tolist())
    stars: list[Any] = [
        {
            "row": row,
            "teff": {"value": teff[0], "lower": teff[1], "upper": teff[2]},
            "logg": {"value": logg[0], "lower": logg[1], "upper": logg[2]},
            "feh": {"value": feh[0], "lower": feh[1], "upper": feh[2]},
            "in_domain": inside,
            "converged": settled,
            "flags": bits,
        }
        for row, (teff, logg, feh, inside, settled, bits) in enumerate(zip(*parameters, *flags, strict=True), start=1)
    ]
    return {
        "version": converted.version,
        "from": converted.source,
        "to": converted.target,
        "units": {str(parameter): quantity.unit for parameter, quantity in QUANTITIES.items()},
        "columns": dict(converted.columns),
        "models": [
            {
                "model_id": model.model_id,
                "survey": model.survey,
                "parameter": model.parameter,
                "kind": model.kind,
                "direction": model.direction,
                "sha256": model.artifact_sha256,
            }
            for model in converted.models
        ],
        "count": len(stars),
        "stars": stars,
    }
