"""`sos export`: the catalogue or a slice of it as a file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from app.cli import context

if TYPE_CHECKING:
    from app.domain.catalog import Slice
    from app.domain.files import FileFormat
    from app.domain.sky import Cone

Limit: TypeAlias = Annotated[float | None, typer.Option()]


def export(
    file: Annotated[
        Path, typer.Argument(help="File to write; its ending says the kind: csv, parquet, arrow, jsonl, fits, vot.")
    ],
    *,
    columns: Annotated[str, typer.Option(help="Columns, separated by commas; all if not given.")] = "",
    teff_min: Limit = None,
    teff_max: Limit = None,
    logg_min: Limit = None,
    logg_max: Limit = None,
    feh_min: Limit = None,
    feh_max: Limit = None,
    g_mag_min: Limit = None,
    g_mag_max: Limit = None,
    survey: Annotated[str | None, typer.Option(help="Only stars that this survey measured.")] = None,
    in_domain: Annotated[
        bool | None, typer.Option(help="Only stars inside (outside) their corrections' domain.")
    ] = None,
    n_min: Annotated[int | None, typer.Option(help="Only stars with so many measurements.", min=1, max=32767)] = None,
    cone: Annotated[str | None, typer.Option(help="Only stars in a cone: 'RA DEC RADIUS', in degrees.")] = None,
    version: Annotated[int | None, typer.Option(help="A kept version; the published one if not given.", min=1)] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
) -> None:
    """Write the homogenized catalogue, or a slice of it, to a file."""
    from app.domain.catalog import Bounds, Slice
    from app.domain.columns import CATALOG, choose

    kind = _kind(file, force=force)
    wanted = Slice(
        columns=choose(CATALOG, tuple(name.strip() for name in columns.split(",") if name.strip())),
        bounds={
            "teff": Bounds(teff_min, teff_max),
            "logg": Bounds(logg_min, logg_max),
            "feh": Bounds(feh_min, feh_max),
            "g_mag": Bounds(g_mag_min, g_mag_max),
        },
        survey=survey,
        in_domain=in_domain,
        n_min=n_min,
        regions=() if cone is None else (_cone(cone),),
    )
    with context.open_database() as database:
        rows, number = _write(database.url, file, kind, wanted, version)
    context.say(f"{rows:,} stars of version {number} written to {file}")


def _kind(file: Path, *, force: bool) -> FileFormat:
    from app.domain.errors import ConflictError, ParameterError
    from app.domain.files import FileFormat

    ending = file.suffix.removeprefix(".").lower()
    kind = FileFormat.of_ending(ending)
    if kind is None:
        endings = ", .".join(one.ending for one in FileFormat)
        raise ParameterError("FILE", f"must end in .{endings}, got {file.name!r}")
    if file.exists() and not force:
        raise ConflictError(f"{file} exists; --force writes over it")
    return kind


def _cone(text: str) -> Cone:
    from app.domain.errors import ParameterError
    from app.domain.sky import Cone

    parts = text.replace(",", " ").split()
    if len(parts) != 3:
        raise ParameterError("--cone", f"must be 'RA DEC RADIUS' such as '132.85 11.81 0.5', got {text!r}")
    return Cone.parse(*parts)


def _write(url: str, file: Path, kind: FileFormat, wanted: Slice, version: int | None) -> tuple[int, int]:
    """Write beside the file first, so that a file of this name is always a whole one."""
    from app.factory import Factory

    part = file.with_name(f".{file.name}.part")
    try:
        with (
            closing(Factory(url, pool_size=1, stream_pool_size=1)) as factory,
            factory.downloads().catalogue(wanted, kind, version) as download,
            part.open("wb") as target,
        ):
            for block in download.blocks:
                target.write(block)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return download.rows, download.version
