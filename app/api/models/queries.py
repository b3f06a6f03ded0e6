"""The query parameters of the reading calls; a parameter that a call does not know is an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from app.domain.catalog import LARGEST_PAGE, USUAL_PAGE, Bounds, MeasurementSlice, Page, Slice
from app.domain.columns import CATALOG, Column, choose
from app.domain.errors import ParameterError
from app.domain.files import FileFormat
from app.domain.matches import LARGEST_RADIUS_DEG, MatchRequest
from app.domain.pixels import PixelSet
from app.domain.polygons import Polygon
from app.domain.regions import Region
from app.domain.sky import Cone, parse_radius

CURRENT = "current"
USUAL_LIST = 100
FINEST_COVERAGE = 10

FileName: TypeAlias = Literal["csv", "parquet", "arrow", "jsonl", "fits", "votable"]
Format: TypeAlias = Literal["json", "csv", "parquet", "arrow", "jsonl", "fits", "votable"]


def version_number(text: str) -> int | None:
    """Return the number of a version as users write it, None for the published one.

    Raises:
        ValueError: it is neither a number from 1 nor `current`.
    """
    if text == CURRENT:
        return None
    if text.isascii() and text.isdigit() and 0 < int(text) < 2**31:
        return int(text)
    raise ValueError(f"must be the number of a version, from 1, or '{CURRENT}'")


def _checked(text: str) -> str:
    version_number(text)
    return text


VersionText: TypeAlias = Annotated[str, AfterValidator(_checked)]
Real: TypeAlias = Annotated[float | None, Field(allow_inf_nan=False)]


class NoQuery(BaseModel):
    """No parameters; the path says it all."""

    model_config = ConfigDict(extra="forbid")


def _names(columns: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in columns.split(",") if name.strip())


class PartQuery(BaseModel):
    """What readers of HATS say that they need of a file; they take it from the whole file themselves."""

    model_config = ConfigDict(extra="forbid")

    columns: str | None = Field(None, description="columns that the reader needs; the file is sent as it is")
    filters: str | None = Field(None, description="rows that the reader needs; the file is sent as it is")


class ReadQuery(BaseModel):
    """What every reading call takes."""

    model_config = ConfigDict(extra="forbid")

    version: VersionText = Field(CURRENT, description="number of a kept version, or `current` for the published one")

    @property
    def number(self) -> int | None:
        """The number of the version, None for the published one."""
        return version_number(self.version)

    @property
    def fixed(self) -> bool:
        """Whether the URL names the version by its number, so that its answer never changes."""
        return self.version != CURRENT


class PageQuery(ReadQuery):
    """One page of an ordered answer."""

    limit: int = Field(USUAL_PAGE, ge=1, le=LARGEST_PAGE, description="rows on a page, at most")
    after: str | None = Field(None, description="place after which the page begins, as the `next` of a page gives it")

    @property
    def page(self) -> Page:
        """The page."""
        return Page(self.limit, self.after)


class ConeQuery(PageQuery):
    """Stars in a cone."""

    ra: str = Field(description="right ascension of the centre, ICRS: degrees, or hours as 08:51:23.1")
    dec: str = Field(description="declination of the centre, ICRS: degrees, decimal or as +11:48:49")
    radius: str = Field(description="radius, in degrees unless `unit` says otherwise")
    unit: Literal["deg", "arcmin", "arcsec"] = Field("deg", description="unit of the radius")

    @property
    def cone(self) -> Cone:
        """The cone.

        Raises:
            ParameterError: one of its parameters has no usable value.
        """
        return Cone.parse(self.ra, self.dec, self.radius, self.unit)


class TableQuery(PageQuery):
    """Which columns of a table, and in which form."""

    format: Format = Field("json", description="`json` gives pages; the others a file with all rows, streamed")
    columns: str = Field("", description="names of columns, separated by commas; all of them where it is left out")

    @property
    def file(self) -> FileFormat | None:
        """The kind of file, None for pages.

        Raises:
            ParameterError: a page of a file is asked for.
        """
        if self.format == "json":
            return None
        self.refuse_pages()
        return FileFormat(self.format)

    def refuse_pages(self) -> None:
        """Insist that no page is asked for.

        Raises:
            ParameterError: one is.
        """
        for name in sorted({"limit", "after"} & self.model_fields_set):
            raise ParameterError(name, "belongs to the pages of format=json; a file has all rows")

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, none for all."""
        return _names(self.columns)


class StarsQuery(ReadQuery):
    """Which columns of stars that a body names."""

    columns: str = Field("", description="names of columns, separated by commas; all of them where it is left out")

    @property
    def chosen(self) -> tuple[Column, ...]:
        """The columns.

        Raises:
            ParameterError: there is none of a name.
        """
        return choose(CATALOG, _names(self.columns))


class MatchQuery(StarsQuery):
    """How to match an uploaded table."""

    radius: str | None = Field(
        None, description="radius around each position, in degrees unless `unit` says otherwise; without it ids match"
    )
    unit: Literal["deg", "arcmin", "arcsec"] = Field("deg", description="unit of the radius")
    ra: str | None = Field(None, description="name of the column of right ascensions; found by UCD or name if left out")
    dec: str | None = Field(None, description="name of the column of declinations; found by UCD or name if left out")
    id: str | None = Field(None, description="name of the column of identifiers; found by name if left out")
    format: FileName | None = Field(None, description="kind of file to return; that of the upload if left out")

    @property
    def request(self) -> MatchRequest:
        """The request.

        Raises:
            ParameterError: a parameter has no usable value, or does not go together with another.
        """
        radius = None if self.radius is None else parse_radius(self.radius, self.unit, LARGEST_RADIUS_DEG)
        for name, value in (("ra", self.ra), ("dec", self.dec)):
            if value is not None and radius is None:
                raise ParameterError("radius", f"is missing: {name}= names a column of positions")
        if self.id is not None and radius is not None:
            raise ParameterError("id", "matches identifiers; leave out the radius")
        return MatchRequest(
            columns=self.chosen,
            radius=radius,
            ra=self.ra,
            dec=self.dec,
            id=self.id,
            file=None if self.format is None else FileFormat(self.format),
            version=self.number,
        )


class CoverageQuery(ReadQuery):
    """A coverage map."""

    order: int = Field(7, ge=0, le=FINEST_COVERAGE, description="HEALPix order of the smallest pixels")
    format: Literal["ascii", "json", "fits"] = Field("ascii", description="form of the MOC")


class DiffQuery(BaseModel):
    """What changed between two versions, both named in the path."""

    model_config = ConfigDict(extra="forbid")

    sigma: float = Field(
        3.0, ge=0, allow_inf_nan=False, description="a star moved if it changed by more errors than this"
    )
    limit: int = Field(USUAL_LIST, ge=1, le=LARGEST_PAGE, description="moved stars on a page, at most")
    after: str | None = Field(None, description="place after which the page begins, as the `next` of a page gives it")


class AuditQuery(BaseModel):
    """A part of the record of administration."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(USUAL_LIST, ge=1, le=LARGEST_PAGE, description="events on a page, at most")
    after: str | None = Field(None, description="place after which the page begins, as the `next` of a page gives it")
    action: str | None = Field(None, description="only this action, such as `version.publish`")
    key: int | None = Field(None, ge=1, lt=2**63, description="only what the key of this number did")
    since: AwareDatetime | None = Field(
        None, description="only what happened then or later: 2026-01-05T09:00:00Z, with the zone"
    )


class CatalogQuery(TableQuery):
    """A slice of the homogenized catalogue."""

    teff_min: Real = Field(None, description="Teff from, K")
    teff_max: Real = Field(None, description="Teff to, K")
    logg_min: Real = Field(None, description="log g from, dex")
    logg_max: Real = Field(None, description="log g to, dex")
    feh_min: Real = Field(None, description="[Fe/H] from, dex")
    feh_max: Real = Field(None, description="[Fe/H] to, dex")
    g_mag_min: Real = Field(None, description="Gaia G from, mag")
    g_mag_max: Real = Field(None, description="Gaia G to, mag")
    survey: str | None = Field(None, description="only stars that this survey measured")
    in_domain: bool | None = Field(None, description="only stars whose corrections were all learnt on such stars")
    n_min: int | None = Field(None, ge=1, le=32767, description="only stars with so many measurements in a parameter")
    ra: str | None = Field(None, description="centre of a cone, as in /v1/cone")
    dec: str | None = Field(None, description="centre of a cone, as in /v1/cone")
    radius: str | None = Field(None, description="radius of a cone, as in /v1/cone")
    unit: Literal["deg", "arcmin", "arcsec"] = Field("deg", description="unit of the radius")
    polygon: str | None = Field(
        None,
        description="ra and dec of three or more corners in degrees, joined by great circles",
        examples=["131 10, 135 10, 135 14, 131 14"],
    )
    box: str | None = Field(
        None,
        description="a box as in ADQL: ra and dec of the centre, width and height, degrees on the sky",
        examples=["132.85 11.81 2 1"],
    )
    moc: str | None = Field(
        None,
        description="a MOC (HEALPix nested, ICRS), ASCII or JSON; a long one by POST /v1/region",
        examples=["5/1074 6/4253 4320-4321"],
    )
    healpix: str | None = Field(None, description="a HEALPix pixel (nested, ICRS), order/pixel", examples=["5/1074"])

    @property
    def slice(self) -> Slice:
        """The slice.

        Raises:
            ParameterError: a parameter has no usable value.
        """
        return Slice(
            columns=choose(CATALOG, self.column_names),
            bounds={
                "teff": Bounds(self.teff_min, self.teff_max),
                "logg": Bounds(self.logg_min, self.logg_max),
                "feh": Bounds(self.feh_min, self.feh_max),
                "g_mag": Bounds(self.g_mag_min, self.g_mag_max),
            },
            survey=self.survey,
            in_domain=self.in_domain,
            n_min=self.n_min,
            regions=tuple(self._regions()),
        )

    def _regions(self) -> Iterator[Region]:
        if not (self.ra is None and self.dec is None and self.radius is None):
            yield self._cone()
        if self.polygon is not None:
            yield Polygon.parse(self.polygon)
        if self.box is not None:
            yield Polygon.box(self.box)
        if self.moc is not None:
            yield PixelSet.moc(self.moc)
        if self.healpix is not None:
            yield PixelSet.pixel(self.healpix)

    def _cone(self) -> Cone:
        for name, value in (("ra", self.ra), ("dec", self.dec), ("radius", self.radius)):
            if value is None:
                raise ParameterError(name, "is missing: a cone needs ra, dec and radius")
        return Cone.parse(str(self.ra), str(self.dec), str(self.radius), self.unit)


class RegionQuery(CatalogQuery):
    """Stars in a region of any shape."""

    @property
    def slice(self) -> Slice:
        """The slice.

        Raises:
            ParameterError: no region is given, or a parameter has no usable value.
        """
        if self.polygon is None and self.box is None and self.moc is None and self.healpix is None:
            raise ParameterError("polygon", "is missing: give a polygon, box, moc or healpix (or a cone to /v1/cone)")
        return super().slice


class MeasurementQuery(TableQuery):
    """A slice of a survey's measurements."""

    split: Literal["train", "conformalize", "test"] | None = Field(None, description="only stars of this part")
    in_domain: bool | None = Field(None, description="only measurements inside (false: outside) the domain")

    def slice_of(self, survey: str) -> MeasurementSlice:
        """Return the slice of a survey."""
        return MeasurementSlice(survey, self.column_names, self.split, self.in_domain)
