"""PROV-JSON documents: names, literals and relations as the specification writes them, and a checker that notices."""

from __future__ import annotations

import copy
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.prov import Document, literal, qualified
from tests.support.prov import NAME, Graph

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def small() -> dict[str, Any]:
    document = Document()
    document.entity("sos:file", "sos:File", label="a file", rows=12)
    document.entity("sos:number", "sos:Number", label="a number", value=4811.5, unit=None)
    document.entity("sos:plan", "prov:Plan", label="a plan")
    document.entity("sos:all", "prov:Collection", label="all numbers")
    document.activity("sos:work", "sos:Work", label="some work", started=AT)
    document.agent("sos:code", "prov:SoftwareAgent", label="a program", **{"xgboost-cpu": "3.2"})
    document.used("sos:work", "sos:file")
    document.used("sos:work", "sos:file")
    document.generated("sos:number", "sos:work", at=AT)
    document.derived("sos:number", "sos:file", "sos:work")
    document.associated("sos:work", "sos:code", plan="sos:plan")
    document.attributed("sos:number", "sos:code")
    document.member("sos:all", "sos:number")
    return document.as_mapping()


def test_a_document_is_written_as_the_specification_says():
    document = small()
    assert document["entity"]["sos:number"] == {
        "prov:type": [{"$": "sos:Number", "type": "prov:QUALIFIED_NAME"}],
        "prov:label": "a number",
        "prov:value": {"$": "4811.5", "type": "xsd:double"},
    }
    assert document["activity"]["sos:work"]["prov:startTime"] == "2026-01-05T09:00:00+00:00"
    assert document["agent"]["sos:code"]["sos:xgboost-cpu"] == "3.2"
    assert document["used"] == {"_:used1": {"prov:activity": "sos:work", "prov:entity": "sos:file"}}
    assert document["wasAssociatedWith"] == {
        "_:wasAssociatedWith1": {"prov:activity": "sos:work", "prov:agent": "sos:code", "prov:plan": "sos:plan"}
    }
    assert document["prefix"]["sos"] == "urn:sos:"
    assert Graph(document).reached("sos:all", "sos:File") == ["sos:file"]


@pytest.mark.parametrize("part", ["a b", "ü/ß", "x:y", "100%", "'q'", "end.", "..", "-", "(1,2)", 'a"b\\'])
def test_whatever_is_named_gives_a_qualified_name(part: str):
    assert re.fullmatch(NAME, qualified("figure", part))
    assert qualified("figure", part) != qualified("figure", part + "x")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("text", "text"),
        (True, {"$": "true", "type": "xsd:boolean"}),
        (2**62 + 1, {"$": "4611686018427387905", "type": "xsd:integer"}),
        (0.1, {"$": "0.1", "type": "xsd:double"}),
        (1e-7, {"$": "1e-07", "type": "xsd:double"}),
        (AT, {"$": "2026-01-05T09:00:00+00:00", "type": "xsd:dateTime"}),
    ],
)
def test_values_carry_their_type(value: object, written: object):
    assert literal(value) == written


def test_what_is_no_value_is_refused():
    with pytest.raises(TypeError, match="no literal"):
        literal([1, 2])


BROKEN = {
    "a dangling end": ("used", "_:used1", {"prov:entity": "sos:nothing"}),
    "an end of another kind": ("used", "_:used1", {"prov:entity": "sos:code"}),
    "no end": ("wasAttributedTo", "_:wasAttributedTo1", {"prov:agent": None}),
    "a time that is none": ("wasGeneratedBy", "_:wasGeneratedBy1", {"prov:time": "yesterday"}),
    "a derivation by what did not use it": ("wasDerivedFrom", "_:wasDerivedFrom1", {"prov:usedEntity": "sos:plan"}),
    "a derivation of what was not made": ("wasDerivedFrom", "_:wasDerivedFrom1", {"prov:generatedEntity": "sos:all"}),
    "a circle": ("used", "_:used1", {"prov:entity": "sos:number"}),
    "no collection": ("hadMember", "_:hadMember1", {"prov:collection": "sos:plan"}),
    "no plan": ("wasAssociatedWith", "_:wasAssociatedWith1", {"prov:plan": "sos:file"}),
    "an unknown prefix": ("entity", "sos:file", {"foaf:name": "x"}),
    "a wrong literal": ("entity", "sos:file", {"sos:rows": {"$": "many", "type": "xsd:integer"}}),
    "no qualified name": ("entity", "a file", {}),
    "an unknown relation": ("wasInventedBy", "_:x", {"prov:entity": "sos:file"}),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_checker_of_documents_notices(fault: str):
    kind, name, change = BROKEN[fault]
    document = copy.deepcopy(small())
    record = {**document.get(kind, {}).get(name, {}), **change}
    document.setdefault(kind, {})[name] = {key: value for key, value in record.items() if value is not None}
    with pytest.raises(AssertionError):
        Graph(document)
