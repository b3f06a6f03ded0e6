"""Examples of answers about tables that are homogenized."""

from __future__ import annotations

from typing import Any

LOOK: dict[str, Any] = {}
QUEUED_TABLE: dict[str, Any] = {}
TABLE: dict[str, Any] = {}
TABLE_REPORT: dict[str, Any] = {}
