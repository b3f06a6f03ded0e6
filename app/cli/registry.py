"""`sos registry`: the record under which a registry of the Virtual Observatory lists this service."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from app.cli import context

if TYPE_CHECKING:
    from app.factory import Factory
    from app.vo.registry import Publisher, Subject


def registry() -> None:
    """Print the VOResource record of the service, from SOS_PUBLIC_URL and SOS_REGISTRY_*."""
    from app.factory import Factory
    from app.vo.registry import record

    publisher, address = _publisher()
    with (
        context.open_database() as database,
        closing(Factory(database.url, pool_size=1, stream_pool_size=1)) as factory,
    ):
        context.emit(record(publisher, _subject(factory), address).rstrip())


def _publisher() -> tuple[Publisher, str]:
    from app.vo.registry import Publisher

    chosen = context.settings()
    publisher = Publisher(
        authority=_needed("SOS_REGISTRY_AUTHORITY", chosen.registry_authority, "the naming authority, org.example"),
        name=_needed("SOS_REGISTRY_PUBLISHER", chosen.registry_publisher, "the organization that publishes"),
        contact=_needed("SOS_REGISTRY_CONTACT", chosen.registry_contact, "the name of whom to ask"),
        email=_needed("SOS_REGISTRY_EMAIL", chosen.registry_email, "the address of whom to ask"),
    )
    return publisher, _needed("SOS_PUBLIC_URL", chosen.public_url, "the address of the service as the world sees it")


def _needed(name: str, value: str | None, meaning: str) -> str:
    from app.domain.errors import ParameterError

    if not value:
        raise ParameterError(name, f"is needed for a record: {meaning}")
    return value


def _subject(factory: Factory) -> Subject:
    import orjson

    from app.domain.catalog import Page, Slice
    from app.domain.columns import CATALOG, choose
    from app.vo.registry import Subject

    version = factory.versions().get(None)
    place = Slice(columns=choose(CATALOG, ("ra", "dec")))
    star = orjson.loads(factory.downloads().catalogue_page(place, Page(1), version.version_id).json)[0]
    return Subject(
        version=version,
        begun_at=min(one.created_at for one in factory.versions().list_all()),
        surveys=tuple(factory.surveys().contents()),
        tables=tuple(factory.queries().tables()),
        star=(star["ra"], star["dec"]),
    )
