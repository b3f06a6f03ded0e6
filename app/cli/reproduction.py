"""Whether a version that was made again is the same, and what differs where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from app.cli import context

if TYPE_CHECKING:
    from app.domain.reproduction import Difference
    from app.storage.engine import Database


def differences_between(database: Database, first: int, second: int) -> list[Difference]:
    """Return what differs between two versions, in the recipe and in what came of it."""
    from app.domain.reproduction import differences, differences_of_results
    from app.storage import versions

    with database.connect() as connection:
        one, other = versions.get(connection, first), versions.get(connection, second)
        models = [versions.models(connection, number) for number in (first, second)]
    return [*differences(one, other), *differences_of_results(one, other, *models)]


def print_differences(first: int, second: int, found: list[Difference], *, json: bool) -> None:
    """Print what differs; exit code 1 where the results do."""
    from app.domain.reproduction import Part

    if json:
        context.emit({"version": second, "like": first, "differences": found}, json=True)
    else:
        context.emit(second)
        for difference in found:
            context.say(str(difference))
    differ = any(one.part in {Part.MODEL, Part.CATALOGUE} for one in found)
    context.say(f"version {second} {'differs from' if differ else 'is, bit for bit, the same as'} version {first}")
    if differ:
        raise typer.Exit(1)
