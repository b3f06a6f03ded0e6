"""`/tap/capabilities`, `/availability`, `/tables` and `/examples`: what the service says of itself (VOSI, DALI)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from app.domain.errors import NotFoundError
from app.domain.fields import Field, ServedTable
from app.services.tap_jobs import LONGEST_KEPT, MOST_SECONDS, USUAL_KEPT, USUAL_SECONDS
from app.vo.answers import VotableRoute
from app.vo.examples import EXAMPLES
from app.vo.formats import FORMATS
from app.vo.limits import MOST_ROWS, USUAL_ROWS
from app.vo.requests import LARGEST_BODY, Parameters, base_url, factory_of
from app.vo.tap_schema import KEYS, SCHEMAS, shown, with_schema

XML = "text/xml; charset=utf-8"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_GEOMETRY = {
    "POINT": "ra and dec in ICRS degrees; in an answer xtype point",
    "CIRCLE": "a centre and a radius, each from a column or fixed; in an answer xtype circle",
    "POLYGON": "of up to 1,000 fixed corners, great circles between them, less than a hemisphere; xtype polygon",
    "BOX": "a POLYGON of fixed size around a fixed centre, width and height along the arms of a cross on the sky",
    "CONTAINS": "any shape in a CIRCLE, POLYGON or BOX",
    "INTERSECTS": "any two shapes but two POINTs",
    "DISTANCE": "of two POINTs, in degrees",
    "AREA": "of any shape, in square degrees",
    "CENTROID": "of any shape",
    "COORD1": "of a POINT",
    "COORD2": "of a POINT",
    "COORDSYS": "of any shape: ICRS",
}
# `adql-conditional` (COALESCE) is left out: Debian's taplint knows no such key and calls it an error.
_FEATURES = {
    "adql-string": "LOWER UPPER ILIKE",
    "adql-sets": "UNION EXCEPT INTERSECT",
    "adql-common-table": "WITH",
    "adql-type": "CAST",
    "adql-unit": "IN_UNIT",
    "adql-offset": "OFFSET",
}
_UPLOAD = "ivo://ivoa.net/std/TAPRegExt#upload-"
_LANGUAGE = "ivo://ivoa.net/std/TAPRegExt#features-"

router = APIRouter(prefix="/tap", tags=["virtual observatory"], route_class=VotableRoute)


@router.get("/availability", include_in_schema=False)
async def availability(request: Request) -> Response:
    """Whether queries can be answered."""
    readiness = await run_in_threadpool(factory_of(request).health().readiness)
    ready = not readiness.problems
    note = "queries are answered" if ready else "; ".join(readiness.problems)
    text = (
        f'{DECLARATION}<vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">'
        f"<vosi:available>{'true' if ready else 'false'}</vosi:available>"
        f"<vosi:note>{escape(note)}</vosi:note></vosi:availability>\n"
    )
    return Response(text, media_type=XML)


@router.get("/capabilities", include_in_schema=False)
async def capabilities(request: Request) -> Response:
    """What the service offers, and where."""
    base = f"{base_url(request)}/tap"
    text = (
        f'{DECLARATION}<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0" '
        'xmlns:tr="http://www.ivoa.net/xml/TAPRegExt/v1.0" xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" '
        f'xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0" {XSI}>{capability_elements(base)}</vosi:capabilities>\n'
    )
    return Response(text, media_type=XML)


@router.get("/tables", include_in_schema=False)
async def tables(request: Request) -> Response:
    """The tables and their columns; `detail=min` leaves the columns out."""
    parameters = await Parameters.of(request)
    described = with_schema(factory_of(request).queries().tables())
    columns = (parameters.get("DETAIL") or "max").lower() != "min"
    namespace = 'xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0"'
    text = (
        f"{DECLARATION}<vosi:tableset {namespace} {_VS}>{schema_elements(described, columns=columns)}</vosi:tableset>\n"
    )
    if _NAMED not in request.headers:
        text = text.replace("<column>", f"<column{_ESA_FLAGS}>")
    return Response(text, media_type=XML, headers={"Vary": _NAMED})


@router.get("/tables/{name}", include_in_schema=False)
async def table(request: Request, name: str) -> Response:
    """One table with its columns."""
    described = with_schema(factory_of(request).queries().tables())
    found = next((one for one in described if one.full_name == name), None)
    if found is None:
        raise NotFoundError(f"there is no table {name!r}; there are {', '.join(one.full_name for one in described)}")
    namespace = 'xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0"'
    element = _table(found, columns=True)
    content = element.removeprefix('<table type="table">').removesuffix("</table>")
    text = f'{DECLARATION}<vosi:table {namespace} {_VS} type="table">{content}</vosi:table>\n'
    return Response(text, media_type=XML)


@router.get("/examples", include_in_schema=False)
async def examples() -> Response:
    """Queries to begin with (DALI examples)."""
    items = "".join(
        f'<div id="example-{place}" resource="#example-{place}" typeof="example">'
        f'<h2 property="name">{escape(name)}</h2><p property="description">{escape(text)}</p>'
        f'<pre property="query">{escape(query)}</pre></div>\n'
        for place, (name, text, query) in enumerate(EXAMPLES, start=1)
    )
    head = '<head><meta charset="utf-8"/><title>SoS: examples of queries</title></head>'
    return HTMLResponse(
        f'<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml">{head}'
        f'<body vocab="http://www.ivoa.net/rdf/examples#"><h1>Examples of queries</h1>\n{items}</body></html>\n'
    )


_VS = f'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" {XSI}'
# astroquery's TapPlus reads this attribute of every column, and stops where there is none. The schema of VODataService
# does not know it, so who says who it is, as all others do, gets the document without.
_ESA_FLAGS = ' xmlns:esatapplus="http://esa.int/xml/EsaTapPlus" esatapplus:flags="0"'
_NAMED = "user-agent"


def capability_elements(base: str) -> str:
    """Return what the service at an address offers: queries, and what it says of itself."""
    simple = (
        f'<capability standardID="ivo://ivoa.net/std/{standard}">{interface(f"{base}/{path}", version)}</capability>'
        for standard, path, version in (
            ("VOSI#capabilities", "capabilities", ""),
            ("VOSI#availability", "availability", ""),
            ("VOSI#tables-1.1", "tables", ' version="1.1"'),
            ("DALI#examples", "examples", ""),
        )
    )
    return "".join([_tap(base), *simple])


def schema_elements(described: Iterable[ServedTable], *, columns: bool = True) -> str:
    """Return the schemas of tables, with their columns or without."""
    return "".join(
        f"<schema><name>{name}</name><description>{escape(SCHEMAS[name])}</description>"
        f"{''.join(_table(table, columns=columns) for table in group)}</schema>"
        for name, group in groupby(described, lambda table: table.schema)
    )


def interface(address: str, version: str = "", *, use: str = "full") -> str:
    """Return the standard interface at an address; what follows a `base` makes it whole."""
    url = f'<accessURL use="{use}">{escape(address)}</accessURL>'
    return f'<interface xsi:type="vs:ParamHTTP" role="std"{version}>{url}</interface>'


def _tap(base: str) -> str:
    """Return the capability of queries (TAPRegExt)."""
    geometry = "".join(
        f"<feature><form>{name}</form><description>{text}</description></feature>" for name, text in _GEOMETRY.items()
    )
    features = f"<languageFeatures type={quoteattr(f'{_LANGUAGE}adqlgeo')}>{geometry}</languageFeatures>" + "".join(
        f"<languageFeatures type={quoteattr(_LANGUAGE + kind)}>"
        f"{''.join(f'<feature><form>{name}</form></feature>' for name in names.split())}</languageFeatures>"
        for kind, names in _FEATURES.items()
    )
    versions = "".join(
        f'<version ivo-id="ivo://ivoa.net/std/ADQL#v{number}">{number}</version>' for number in ("2.0", "2.1")
    )
    language = f"<language><name>ADQL</name>{versions}<description>ADQL 2.1</description>{features}</language>"
    formats = "".join(
        f"<outputFormat{f' ivo-id={quoteattr(form.ivo_id)}' if form.ivo_id else ''}><mime>{form.media_type}</mime>"
        f"{''.join(f'<alias>{alias}</alias>' for alias in form.aliases)}</outputFormat>"
        for form in FORMATS
    )
    return (
        '<capability standardID="ivo://ivoa.net/std/TAP" xsi:type="tr:TableAccess">'
        f'<interface xsi:type="vs:ParamHTTP" role="std" version="1.1"><accessURL use="base">{escape(base)}</accessURL>'
        f"</interface>{language}{formats}"
        f"{''.join(f'<uploadMethod ivo-id={quoteattr(_UPLOAD + how)}/>' for how in ('inline', 'http', 'https'))}"
        f"<retentionPeriod><default>{int(USUAL_KEPT.total_seconds())}</default>"
        f"<hard>{int(LONGEST_KEPT.total_seconds())}</hard></retentionPeriod>"
        f"<executionDuration><default>{USUAL_SECONDS}</default><hard>{MOST_SECONDS}</hard></executionDuration>"
        f'<outputLimit><default unit="row">{USUAL_ROWS}</default><hard unit="row">{MOST_ROWS}</hard></outputLimit>'
        f'<uploadLimit><hard unit="byte">{LARGEST_BODY}</hard></uploadLimit></capability>'
    )


def _table(described: ServedTable, *, columns: bool) -> str:
    listed = "".join(map(_column, described.fields)) if columns else ""
    keys = "".join(
        f"<foreignKey><targetTable>{target}</targetTable><fkColumn><fromColumn>{column}</fromColumn>"
        f"<targetColumn>{other}</targetColumn></fkColumn><description>{escape(text)}</description></foreignKey>"
        for _, name, column, target, other, text in KEYS
        if columns and name == described.full_name
    )
    description = f"<description>{escape(described.description)}</description>"
    return f'<table type="table"><name>{described.full_name}</name>{description}{listed}{keys}</table>'


def _column(column: Field) -> str:
    size = f' arraysize="{column.arraysize}"' if column.arraysize else ""
    xtype = f' extendedType="{column.xtype}"' if column.xtype else ""
    kind = f'<dataType xsi:type="vs:VOTableType"{size}{xtype}>{column.datatype}</dataType>'
    parts = (("description", column.description), ("unit", column.unit), ("ucd", column.ucd))
    known = "".join(f"<{tag}>{escape(value)}</{tag}>" for tag, value in parts if value)
    flags = "".join(f"<flag>{name}</flag>" for name, on in (("indexed", column.indexed),) if on)
    return f"<column><name>{escape(shown(column.name))}</name>{known}{kind}{flags}</column>"
