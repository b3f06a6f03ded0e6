"""Documents of the W3C's provenance model (PROV-DM) in the form of PROV-JSON.

https://www.w3.org/TR/prov-dm/, https://www.w3.org/Submission/2013/SUBM-prov-json-20130424/
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import quote

NAMESPACES = {
    "prov": "http://www.w3.org/ns/prov#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "sos": "urn:sos:",
}

Json: TypeAlias = dict[str, Any]


def qualified(*parts: object) -> str:
    """Return the qualified name `sos:part/part/...`; what a local name cannot hold is percent-encoded.

    >>> qualified("version", 3, "figure", "before & after.png")
    'sos:version/3/figure/before%20%26%20after.png'
    """
    local = "/".join(quote(str(part), safe="") for part in parts)
    return f"sos:{local[:-1]}%2E" if local.endswith(".") else f"sos:{local}"


def literal(value: object) -> Any:
    """Return a value as PROV-JSON writes it: text as it is, everything else with its XML Schema type."""
    match value:
        case str():
            return value
        case bool():
            return _typed(str(value).lower(), "xsd:boolean")
        case int():
            return _typed(str(value), "xsd:integer")
        case float():
            return _typed(repr(value), "xsd:double")
        case datetime():
            return _typed(value.isoformat(), "xsd:dateTime")
    raise TypeError(f"no literal of provenance: {value!r}")


def _typed(text: str, kind: str) -> Json:
    return {"$": text, "type": kind}


class Document:
    """Entities, activities and agents, and how they relate; the same said twice is kept once.

    Attributes given as keywords are in our namespace: `rows_read=12` is `sos:rows_read`; None is left out.
    """

    def __init__(self) -> None:
        self._records: dict[str, Json] = {}
        self._said: set[tuple[str, ...]] = set()

    def as_mapping(self) -> Json:
        """Return the document as PROV-JSON: records by kind and identifier, `prefix` with the namespaces first."""
        return {"prefix": NAMESPACES, **self._records}

    def entity(self, identifier: str, *types: str, label: str, value: object = None, **attributes: object) -> str:
        """Declare a thing of these types (qualified names), with the value that it holds if it is one."""
        return self._declare("entity", identifier, types, label, {"prov:value": value}, attributes)

    def activity(
        self,
        identifier: str,
        *types: str,
        label: str,
        started: datetime | None = None,
        ended: datetime | None = None,
        **attributes: object,
    ) -> str:
        """Declare what was done; times are left out where they are not known."""
        times = {"prov:startTime": started, "prov:endTime": ended}
        known = {name: at.isoformat() for name, at in times.items() if at is not None}
        return self._declare("activity", identifier, types, label, known, attributes)

    def agent(self, identifier: str, *types: str, label: str, **attributes: object) -> str:
        """Declare who did it."""
        return self._declare("agent", identifier, types, label, {}, attributes)

    def used(self, activity: str, entity: str) -> None:
        """Say what an activity used."""
        self._relate("used", activity=activity, entity=entity)

    def generated(self, entity: str, activity: str, *, at: datetime | None = None) -> None:
        """Say what made an entity, and when, where that is known."""
        self._relate("wasGeneratedBy", entity=entity, activity=activity, time=None if at is None else at.isoformat())

    def derived(self, entity: str, source: str, activity: str) -> None:
        """Say what an entity was made from, and by what."""
        self._relate("wasDerivedFrom", generatedEntity=entity, usedEntity=source, activity=activity)

    def associated(self, activity: str, agent: str, *, plan: str | None = None) -> None:
        """Say who carried an activity out, and by which plan."""
        self._relate("wasAssociatedWith", activity=activity, agent=agent, plan=plan)

    def informed(self, informed: str, informant: str) -> None:
        """Say that an activity used something that another one made."""
        self._relate("wasInformedBy", informed=informed, informant=informant)

    def attributed(self, entity: str, agent: str) -> None:
        """Say whose an entity is."""
        self._relate("wasAttributedTo", entity=entity, agent=agent)

    def member(self, collection: str, entity: str) -> None:
        """Say that a collection holds an entity."""
        self._relate("hadMember", collection=collection, entity=entity)

    def _declare(
        self, kind: str, identifier: str, types: tuple[str, ...], label: str, known: Json, attributes: Json
    ) -> str:
        ours = {f"sos:{quote(name, safe='/')}": value for name, value in attributes.items()}
        values = {"prov:label": label, **known, **ours}
        self._records.setdefault(kind, {})[identifier] = {
            "prov:type": [_typed(name, "prov:QUALIFIED_NAME") for name in types],
            **{name: literal(value) for name, value in values.items() if value is not None},
        }
        return identifier

    def _relate(self, kind: str, **ends: str | None) -> None:
        record = {f"prov:{end}": name for end, name in ends.items() if name is not None}
        said = (kind, *record.values())
        if said not in self._said:
            self._said.add(said)
            records = self._records.setdefault(kind, {})
            records[f"_:{kind}{len(records) + 1}"] = record
