"""The record under which a registry of the Virtual Observatory lists a service (VOResource 1.1, VODataService 1.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from app.domain.fields import ServedTable
from app.domain.surveys import Survey
from app.domain.versions import Version
from app.vo.limits import USUAL_ROWS
from app.vo.vosi import DECLARATION, XSI, capability_elements, interface, schema_elements

STANDARD_CONE = "ivo://ivoa.net/std/ConeSearch"
# Concepts of the Unified Astronomy Thesaurus, as VOResource asks for.
SUBJECTS = ("fundamental-parameters-of-stars", "stellar-abundances", "spectroscopy", "surveys")
WAVEBANDS = ("Optical", "Infrared")

_NAMESPACES = (
    'xmlns:ri="http://www.ivoa.net/xml/RegistryInterface/v1.0" xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0" '
    'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" xmlns:tr="http://www.ivoa.net/xml/TAPRegExt/v1.0" '
    f'xmlns:cs="http://www.ivoa.net/xml/ConeSearch/v1.0" {XSI}'
)
_ABOUT = (
    "Effective temperatures, surface gravities and metallicities of stars from several spectroscopic surveys, brought "
    "to one scale and combined into one value with an asymmetric 68 % interval for each star; every survey's own "
    "measurements beside them, as reported and as calibrated. Combined are: "
)


@dataclass(frozen=True)
class Publisher:
    """Who publishes a service.

    Attributes:
        authority: identifier of the naming authority that it has in the registry, such as `org.example`.
        name: of the organization.
        contact: name of whom to ask.
        email: address of whom to ask.
    """

    authority: str
    name: str
    contact: str
    email: str


@dataclass(frozen=True)
class Subject:
    """What is published: the version that is served, the day of the first one, the surveys, the tables, and a star.

    Attributes:
        version: the published version.
        begun_at: when the first version was begun.
        surveys: what is combined.
        tables: what queries may name.
        star: right ascension and declination, in degrees, of a star that a cone search finds.
    """

    version: Version
    begun_at: datetime
    surveys: tuple[Survey, ...]
    tables: tuple[ServedTable, ...]
    star: tuple[float, float]


def record(publisher: Publisher, subject: Subject, address: str) -> str:
    """Return the record of a service as a document.

    Args:
        publisher: who publishes it.
        subject: what is published.
        address: of the service, as the world sees it.
    """
    base = address.rstrip("/")
    published = _instant(subject.version.published_at or subject.begun_at)
    return (
        f'{DECLARATION}<ri:Resource {_NAMESPACES} xsi:type="vs:CatalogService" '
        f"created={quoteattr(_instant(subject.begun_at))} updated={quoteattr(published)} "
        'status="active" version="1.1">'
        f"<title>Survey of Surveys: stellar parameters on one scale</title><shortName>SoS</shortName>"
        f"<identifier>ivo://{escape(publisher.authority)}/sos</identifier>"
        f"{_curation(publisher, subject.version.version_id, published)}{_content(subject.surveys, base)}"
        f"<rights>Whoever uses the catalogue cites the surveys that it combines.</rights>"
        f"{capability_elements(f'{base}/tap')}{_cone_search(base, subject.star)}"
        f"<coverage>{''.join(f'<waveband>{name}</waveband>' for name in WAVEBANDS)}</coverage>"
        f"<tableset>{schema_elements(subject.tables)}</tableset></ri:Resource>\n"
    )


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _curation(publisher: Publisher, version: int, published: str) -> str:
    return (
        f"<curation><publisher>{escape(publisher.name)}</publisher>"
        f'<creator><name>{escape(publisher.contact)}</name></creator><date role="Updated">{published}</date>'
        f"<version>{version}</version>"
        f"<contact><name>{escape(publisher.contact)}</name><email>{escape(publisher.email)}</email></contact></curation>"
    )


def _content(surveys: Iterable[Survey], base: str) -> str:
    sources = "; ".join(f"{survey.title} {survey.release} ({survey.citation})" for survey in surveys)
    return (
        f"<content>{''.join(f'<subject>{name}</subject>' for name in SUBJECTS)}"
        f"<description>{escape(_ABOUT + sources)}</description><referenceURL>{escape(base)}/</referenceURL>"
        "<type>Catalog</type><contentLevel>Research</contentLevel></content>"
    )


def _cone_search(base: str, star: tuple[float, float]) -> str:
    """Return the capability of cone searches (SimpleDALRegExt)."""
    ra, dec = star
    return (
        f'<capability standardID="{STANDARD_CONE}" xsi:type="cs:ConeSearch">{interface(f"{base}/scs?", use="base")}'
        f"<maxSR>180</maxSR><maxRecords>{USUAL_ROWS}</maxRecords><verbosity>true</verbosity>"
        f"<testQuery><ra>{ra}</ra><dec>{dec}</dec><sr>0.01</sr></testQuery></capability>"
    )
