"""What a PROV-JSON document must be: its grammar as a JSON schema, and the rules of PROV-DM that a graph can break.

The schema is written from the grammar of the W3C member submission
(https://www.w3.org/Submission/2013/SUBM-prov-json-20130424/), with qualified names as PROV-N defines them.
"""

from __future__ import annotations

import re
from typing import Any

from jsonschema import Draft202012Validator

_OTHERS = r"[/@~&+*?#$!]|%[0-9A-Fa-f]{2}|\\[=\'(),:;\[\].-]"
_LOCAL = rf"(?:\w|{_OTHERS})(?:(?:[\w.-]|{_OTHERS})*(?:[\w-]|{_OTHERS}))?"
_PREFIX = r"[A-Za-z](?:[\w.-]*[\w-])?"
NAME = rf"^{_PREFIX}:{_LOCAL}$"
BLANK = r"^_:[A-Za-z0-9]+$"
DATE_TIME = r"^-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?$"

# Of each relation: its two ends and what they are, the subject first; then what it may have besides.
RELATIONS: dict[str, tuple[tuple[str, str], tuple[str, str], dict[str, str]]] = {
    "used": (("activity", "activity"), ("entity", "entity"), {"time": "time"}),
    "wasGeneratedBy": (("entity", "entity"), ("activity", "activity"), {"time": "time"}),
    "wasDerivedFrom": (("generatedEntity", "entity"), ("usedEntity", "entity"), {"activity": "activity"}),
    "wasAssociatedWith": (("activity", "activity"), ("agent", "agent"), {"plan": "entity"}),
    "wasInformedBy": (("informed", "activity"), ("informant", "activity"), {}),
    "wasAttributedTo": (("entity", "entity"), ("agent", "agent"), {}),
    "hadMember": (("collection", "entity"), ("entity", "entity"), {}),
}

_NAME, _TIME = {"type": "string", "pattern": NAME}, {"type": "string", "pattern": DATE_TIME}


def _relation(ends: tuple[tuple[str, str], tuple[str, str], dict[str, str]]) -> dict[str, Any]:
    (first, _), (second, _), more = ends
    optional = {f"prov:{name}": _TIME if kind == "time" else _NAME for name, kind in more.items()}
    record = {
        "type": "object",
        "properties": {f"prov:{first}": _NAME, f"prov:{second}": _NAME, **optional},
        "required": [f"prov:{first}", f"prov:{second}"],
        "additionalProperties": False,
    }
    return {"type": "object", "propertyNames": {"anyOf": [{"pattern": BLANK}, _NAME]}, "additionalProperties": record}


def _element(**known: Any) -> dict[str, Any]:
    record = {
        "type": "object",
        "properties": {f"prov:{name}": schema for name, schema in known.items()},
        "propertyNames": _NAME,
        "additionalProperties": {"$ref": "#/$defs/values"},
    }
    return {"type": "object", "minProperties": 1, "propertyNames": _NAME, "additionalProperties": record}


SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["prefix"],
    "additionalProperties": False,
    "properties": {
        "prefix": {"type": "object", "additionalProperties": {"type": "string", "pattern": r"^[a-z][a-z0-9+.-]*:\S+$"}},
        "entity": _element(),
        "activity": _element(startTime=_TIME, endTime=_TIME),
        "agent": _element(),
        **{kind: _relation(ends) for kind, ends in RELATIONS.items()},
    },
    "$defs": {
        "typed": {
            "type": "object",
            "properties": {"$": {"type": "string"}, "type": _NAME, "lang": {"type": "string"}},
            "required": ["$"],
            "additionalProperties": False,
        },
        "value": {"anyOf": [{"type": ["string", "number", "boolean"]}, {"$ref": "#/$defs/typed"}]},
        "values": {
            "anyOf": [
                {"$ref": "#/$defs/value"},
                {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/value"}},
            ]
        },
    },
}

_LEXICAL = {
    "xsd:integer": re.compile(r"[+-]?\d+"),
    "xsd:double": re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?INF|NaN"),
    "xsd:boolean": re.compile(r"true|false|0|1"),
    "xsd:dateTime": re.compile(DATE_TIME),
    "prov:QUALIFIED_NAME": re.compile(NAME),
}


class Graph:
    """A document that has been found valid, to be followed from a thing to what it came from.

    Raises:
        AssertionError: the document breaks the grammar, or a rule of the model; it says which and where.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        Draft202012Validator.check_schema(SCHEMA)
        problems = [
            f"{error.json_path}: {error.message[:300]}" for error in Draft202012Validator(SCHEMA).iter_errors(document)
        ]
        assert not problems, problems
        self.document = document
        self.kind = {name: kind for kind in ("entity", "activity", "agent") for name in document.get(kind, {})}
        self.edges: dict[str, set[str]] = {name: set() for name in self.kind}
        self._check_literals()
        for kind, ends in RELATIONS.items():
            for record in document.get(kind, {}).values():
                self._relate(kind, ends, record)
        self._check_derivations()
        self._check_acyclic()

    def attributes(self, name: str) -> dict[str, Any]:
        """Return the attributes of a thing, those of our namespace without its prefix, typed values as Python's."""
        found = self.document[self.kind[name]][name]
        return {key.removeprefix("sos:"): _python(value) for key, value in found.items()}

    def types(self, name: str) -> set[str]:
        """Return the types of a thing."""
        return {one["$"] for one in self.document[self.kind[name]][name]["prov:type"]}

    def of_type(self, kind: str) -> list[str]:
        """Return every thing of a type."""
        return [name for name in self.kind if kind in self.types(name)]

    def reached(self, name: str, kind: str) -> list[str]:
        """Return the things of a type that the relations lead to from one."""
        seen, todo = {name}, [name]
        while todo:
            new = self.edges[todo.pop()] - seen
            seen |= new
            todo += new
        return sorted(one for one in seen if kind in self.types(one))

    def sources(self, name: str, kind: str) -> list[str]:
        """Return the things of a type from which one was derived directly."""
        used = [
            one["prov:usedEntity"]
            for one in self.document["wasDerivedFrom"].values()
            if one["prov:generatedEntity"] == name
        ]
        return sorted(one for one in used if kind in self.types(one))

    def _relate(self, kind: str, ends: Any, record: dict[str, str]) -> None:
        (first, _), (second, _), more = ends
        for end, wanted in (*ends[:2], *more.items()):
            name = record.get(f"prov:{end}")
            if wanted != "time" and name is not None:
                assert self.kind.get(name) == wanted, f"{kind}: {name} is {self.kind.get(name)}, not {wanted}"
        self.edges[record[f"prov:{first}"]].add(record[f"prov:{second}"])
        if "prov:plan" in record:
            assert "prov:Plan" in self.types(record["prov:plan"]), record
            self.edges[record["prov:activity"]].add(record["prov:plan"])
        if kind == "hadMember":
            assert "prov:Collection" in self.types(record["prov:collection"]), record

    def _check_literals(self) -> None:
        prefixes = self.document["prefix"]
        for name in self.kind:
            assert name.split(":")[0] in prefixes, name
            for key, values in self.document[self.kind[name]][name].items():
                assert key.split(":")[0] in prefixes, key
                for value in values if isinstance(values, list) else [values]:
                    if isinstance(value, dict):
                        assert _LEXICAL[value["type"]].fullmatch(value["$"]), (name, key, value)
                        assert value["type"].split(":")[0] in prefixes, value

    def _check_derivations(self) -> None:
        """What is derived was generated once, by the activity that is said to have used the source."""
        made = [(one["prov:entity"], one["prov:activity"]) for one in self.document.get("wasGeneratedBy", {}).values()]
        assert len({entity for entity, _ in made}) == len(made), "something was generated twice"
        used = {(one["prov:activity"], one["prov:entity"]) for one in self.document.get("used", {}).values()}
        for one in self.document.get("wasDerivedFrom", {}).values():
            assert (one["prov:generatedEntity"], one["prov:activity"]) in made, one
            assert (one["prov:activity"], one["prov:usedEntity"]) in used, one

    def _check_acyclic(self) -> None:
        left = {name: set(ends) for name, ends in self.edges.items()}
        while left:
            ends = [name for name, onwards in left.items() if not onwards & left.keys()]
            assert ends, f"a circle among {sorted(left)}"
            for name in ends:
                del left[name]


def _python(value: Any) -> Any:
    if isinstance(value, list):
        return [_python(one) for one in value]
    if isinstance(value, dict):
        read = {"xsd:integer": int, "xsd:double": float}.get(value.get("type", ""), str)
        return read(value["$"])
    return value
