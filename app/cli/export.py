"""`sos export`: the catalogue or a slice of it as a file or a HATS folder."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from app.cli import context

if TYPE_CHECKING:
    from app.domain.catalog import Slice
    from app.domain.files import ExportFormat
    from app.domain.sky import Cone

Limit: TypeAlias = Annotated[float | None, typer.Option()]


def export(
    file: Annotated[
        Path, typer.Argument(help="File to write; its ending says the kind: csv, parquet, arrow, jsonl, fits, vot.")
    ],
    *,
    form: Annotated[
        str | None, typer.Option("--format", help="Kind of file; hats for a HATS folder. The ending's if not given.")
    ] = None,
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
    force: Annotated[bool, typer.Option("--force", help="Write over what exists.")] = False,
) -> None:
    """Write the homogenized catalogue, or a slice of it, to a file or a HATS folder."""
    from app.domain.catalog import Bounds, Slice
    from app.domain.columns import CATALOG, choose

    kind = _kind(file, form, force=force)
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
        write = _write_folder if kind.file is None else _write_file
        rows, number = write(database.url, file, kind, wanted, version)
    context.say(f"{rows:,} stars of version {number} written to {file}")


def _kind(file: Path, form: str | None, *, force: bool) -> ExportFormat:
    from app.domain.errors import ConflictError, ParameterError
    from app.domain.files import ExportFormat, FileFormat

    known = FileFormat.of_ending(file.suffix.removeprefix(".").lower())
    if form is not None and form not in set(ExportFormat):
        raise ParameterError("--format", f"must be one of {', '.join(ExportFormat)}, got {form!r}")
    wanted = form or known
    if wanted is None:
        endings = ", .".join(one.ending for one in FileFormat)
        raise ParameterError("FILE", f"must end in .{endings}, got {file.name!r}; or give --format")
    kind = ExportFormat(wanted)
    if file.exists() and not force:
        raise ConflictError(f"{file} exists; --force writes over it")
    if file.exists() and file.is_dir() != (kind.file is None):
        raise ConflictError(
            f"{file} is a {'folder' if file.is_dir() else 'file'}, which a {kind} export never replaces"
        )
    return kind


def _cone(text: str) -> Cone:
    from app.domain.errors import ParameterError
    from app.domain.sky import Cone

    parts = text.replace(",", " ").split()
    if len(parts) != 3:
        raise ParameterError("--cone", f"must be 'RA DEC RADIUS' such as '132.85 11.81 0.5', got {text!r}")
    return Cone.parse(*parts)


def _write_file(url: str, file: Path, kind: ExportFormat, wanted: Slice, version: int | None) -> tuple[int, int]:
    """Write beside the file first, so that a file of this name is always a whole one."""
    from app.factory import Factory

    assert kind.file is not None
    part = file.with_name(f".{file.name}.part")
    try:
        with (
            closing(Factory(url, pool_size=1, stream_pool_size=1)) as factory,
            factory.downloads().catalogue(wanted, kind.file, version) as download,
            part.open("wb") as target,
        ):
            for block in download.blocks:
                target.write(block)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return download.rows, download.version


def _write_folder(url: str, folder: Path, _: ExportFormat, wanted: Slice, version: int | None) -> tuple[int, int]:
    """Write beside the folder first, so that a folder of this name is always a whole one."""
    from app.factory import Factory
    from app.services.exports import fresh_folder
    from app.storage.hats_places import Folder

    with (
        closing(Factory(url, pool_size=1, stream_pool_size=1)) as factory,
        fresh_folder(folder.with_name(f".{folder.name}.scratch")) as scratch,
        fresh_folder(folder.with_name(f".{folder.name}.part")) as part,
    ):
        number, rows = factory.downloads().hats(wanted, Folder(part), scratch, version)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    return rows, number
