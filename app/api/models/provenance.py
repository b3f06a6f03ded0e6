"""The shape of a provenance document: the W3C's PROV-JSON."""

from __future__ import annotations

from typing import Any, TypeAlias

from typing_extensions import TypedDict

Records: TypeAlias = dict[str, dict[str, Any]]


class ProvAnswer(TypedDict, total=False):
    """Records by kind and identifier; kinds that do not occur are left out."""

    prefix: dict[str, str]
    entity: Records
    activity: Records
    agent: Records
    used: Records
    wasGeneratedBy: Records
    wasDerivedFrom: Records
    wasAssociatedWith: Records
    wasInformedBy: Records
    wasAttributedTo: Records
    hadMember: Records
