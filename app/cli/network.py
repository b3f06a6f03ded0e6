"""`sos versions network`: how surveys with few links are tied to the scale in a version."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.cli import context

PARAMETERS = ("teff", "logg", "feh")


def network(
    version: Annotated[int | None, typer.Argument(help="Version; the published one if not given.")] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show zero points with their errors, paths to the scale, audit and leave-one-link-out of a version's network.

    Errors of a constant zero point: from stars of the scale alone, along the best path, through the whole network.
    """
    from app.domain.errors import NotFoundError
    from app.services.versions import Versions

    with context.open_database() as database:
        found = Versions(database).get(version)
    metrics = found.metrics.get("network")
    if metrics is None:
        raise NotFoundError(f"version {found.version_id} has no network: every survey has links enough for itself")
    if json:
        context.emit(metrics | {"zero_points": found.metrics.get("zero_points")}, json=True)
        return
    sections = {
        "zero points: survey minus scale, of its stars": _zero_points(metrics),
        "paths: standard errors of a constant zero point": _paths(metrics),
        "audit: shift of each survey after calibration": _audit(metrics),
        "links, each predicted from all others": _links(metrics),
    }
    for title, rows in sections.items():
        typer.echo(f"\n{title}")
        context.emit(rows)
    for survey, reason in metrics["refused"].items():
        context.say(f"{survey} was refused: {reason}")


def _zero_points(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "survey": name,
            "stars": survey["stars"],
            "on the scale": survey["direct_stars"],
            "quantity": parameter,
            "zero point": _measured(survey[parameter], "bias", "error", parameter),
            "worth direct stars": f"{survey[parameter]['effective_links']:.1f}",
            "depends on": survey[parameter]["depends_on"],
        }
        for name, survey in metrics["surveys"].items()
        for parameter in PARAMETERS
    ]


def _paths(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "survey": node["survey"],
            "quantity": parameter,
            "direct": _text(node["direct"], parameter),
            "best path": _text(node["best_path"], parameter),
            "network": _text(node["network"], parameter),
            "through": " - ".join(node["path"][1:]),
            "shares": ", ".join(
                f"{name} {share:.0%}" for name, share in sorted(node["shares"].items(), key=lambda one: -one[1])[:3]
            ),
        }
        for parameter in PARAMETERS
        for node in metrics[parameter].get("paths", [])
        if node["survey"] in metrics["surveys"]
    ]


def _audit(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "survey": shift["survey"],
            "quantity": parameter,
            "stars": shift["stars"],
            "shift": _measured(shift, "shift", "error", parameter),
            "sigmas": _text(shift["pull"], "pull"),
        }
        for parameter in PARAMETERS
        for shift in metrics[parameter].get("audit", [])
    ]


def _links(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "link": f"{test['survey']} - {test['other']}",
            "quantity": parameter,
            "stars": test["stars"],
            "observed": _measured(test, "observed", "observed_error", parameter),
            "predicted": _measured(test, "predicted", "predicted_error", parameter),
            "sigmas": _text(test["pull"], "pull"),
        }
        for parameter in PARAMETERS
        for test in metrics[parameter].get("leave_one_link_out", [])
    ]


def _measured(row: dict[str, Any], value: str, error: str, quantity: str) -> str:
    return f"{_text(row[value], quantity)} ± {_text(row[error], quantity)}"


def _text(value: float | None, quantity: str) -> str:
    digits = {"teff": 1, "pull": 1}.get(quantity, 3)
    return "?" if value is None else f"{value:.{digits}f}"
