"""Build frozen dataclasses from parsed TOML: the annotations of the classes are the schema."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from app.domain.errors import DescriptorError

_NAMES = {int: "a whole number", float: "a number", str: "text in quotes", bool: "true or false"}


def build(kind: Any, value: object, *, file: str, key: str = "") -> Any:
    """Return `value` as an instance of `kind`: a dataclass, enum, number, text, tuple, dict or union of these.

    A dataclass whose first field is `column` may be written as the column's name alone.

    Raises:
        DescriptorError: with the file, the dotted key and what would be right.
    """
    origin = typing.get_origin(kind)
    if origin in {typing.Union, types.UnionType}:
        return _build_union(typing.get_args(kind), value, file=file, key=key)
    if origin is tuple:
        return _build_tuple(typing.get_args(kind)[0], value, file=file, key=key)
    if origin is dict:
        return _build_dict(typing.get_args(kind)[1], value, file=file, key=key)
    if is_dataclass(kind):
        return _build_dataclass(kind, value, file=file, key=key)
    if issubclass(kind, StrEnum):
        return _build_enum(kind, value, file=file, key=key)
    return _build_scalar(kind, value, file=file, key=key)


def _build_union(kinds: tuple[Any, ...], value: object, *, file: str, key: str) -> Any:
    kinds = tuple(kind for kind in kinds if kind is not type(None))
    exact = [kind for kind in kinds if type(value) is kind]
    if exact or len(kinds) == 1:
        return build((exact or kinds)[0], value, file=file, key=key)
    if isinstance(value, list):
        kinds = tuple(kind for kind in kinds if typing.get_origin(kind) is tuple) or kinds
    for kind in kinds[:-1]:
        try:
            return build(kind, value, file=file, key=key)
        except DescriptorError:
            continue
    return build(kinds[-1], value, file=file, key=key)


def _build_tuple(item: Any, value: object, *, file: str, key: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise DescriptorError(file, key, f"must be a list in [ ], got {value!r}")
    return tuple(build(item, one, file=file, key=f"{key}[{i}]") for i, one in enumerate(value))


def _build_dict(item: Any, value: object, *, file: str, key: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DescriptorError(file, key, f"must be a table of name = value, got {value!r}")
    return {name: build(item, one, file=file, key=f"{key}.{name}") for name, one in value.items()}


def _build_enum(kind: type[StrEnum], value: object, *, file: str, key: str) -> StrEnum:
    if not isinstance(value, str) or value not in list(kind):
        raise DescriptorError(file, key, f"must be one of {', '.join(kind)}, got {value!r}")
    return kind(value)


def _build_scalar(kind: Any, value: object, *, file: str, key: str) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise DescriptorError(file, key, f"must be {_NAMES[kind]}, got {value!r}")
    return value


def _build_dataclass(kind: Any, value: object, *, file: str, key: str) -> Any:
    known = {one.name: one for one in fields(kind) if not one.metadata.get("derived")}
    if isinstance(value, str) and next(iter(known)) == "column":
        value = {"column": value}
    if not isinstance(value, Mapping):
        raise DescriptorError(file, key, f"must be a table with the keys {', '.join(known)}, got {value!r}")
    _check_keys(known, value, file=file, key=key)
    annotations = typing.get_type_hints(kind)
    given = {name: build(annotations[name], one, file=file, key=_join(key, name)) for name, one in value.items()}
    try:
        return kind(**given)
    except ValueError as error:
        name, _, problem = str(error).partition(": ")
        raise DescriptorError(file, _join(key, name), problem) from error


def _check_keys(known: dict[str, Any], value: Mapping[str, object], *, file: str, key: str) -> None:
    for name in value:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
            raise DescriptorError(file, _join(key, name), f"unknown key; {hint}")
    for name, one in known.items():
        if one.default is MISSING and one.default_factory is MISSING and name not in value:
            raise DescriptorError(file, _join(key, name), "is missing")


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
