"""The fields of a class: what its annotations say, as types that databases have."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import (
    Annotated,
    Any,
    Literal,
    NewType,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, NaiveDatetime
from pydantic.fields import FieldInfo

from batchwright.contracts.fields import USUAL_SCALE, Field, FieldType
from batchwright.errors import ConfigError

# A datetime is a date and a bool an int, so these come first.
_TYPES: tuple[tuple[type, FieldType], ...] = (
    (bool, "boolean"),
    (str, "text"),
    (int, "integer"),
    (float, "real"),
    (Decimal, "decimal"),
    (datetime, "datetime"),
    (date, "date"),
    (time, "time"),
    (UUID, "uuid"),
    (bytes, "bytes"),
)
_WRAPPERS = (Required, NotRequired, getattr(typing, "ReadOnly", Required))  # the last came with Python 3.13
_HOW = (
    "a field is a str, int, float, Decimal, bool, date, time, datetime (AwareDatetime for one with a zone), "
    "UUID, bytes, a dict, list or model (kept as JSON), or one of these or None"
)


def snake_case(name: str) -> str:
    """Return the name of a class as a relation is called: ``HTTPLog`` is ``http_log``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def fields_of(record: type) -> tuple[Field, ...]:
    """Return the fields of a pydantic model, a dataclass or a TypedDict, in their order.

    Raises:
        ConfigError: It is none of these, has no fields, or has one whose type can't be held; says which.
    """
    name = record.__name__
    try:
        found = tuple(_field(name, *one) for one in _annotated(record))
    except (NameError, TypeError) as error:
        raise ConfigError(f"the annotations of {name} can't be understood: {error}") from error
    if not found:
        raise ConfigError(f"{name} has no fields")
    return found


def _annotated(record: type) -> Iterator[tuple[str, Any, bool]]:
    """Yield each field's name, its type, and whether it may be left out."""
    if issubclass(record, BaseModel):
        for name, info in record.model_fields.items():
            yield name, Annotated[info.annotation, info], False
    elif is_dataclass(record):
        hints = get_type_hints(record, include_extras=True)
        yield from ((field.name, hints[field.name], False) for field in dataclass_fields(record))
    elif is_typeddict(record):
        optional = record.__optional_keys__  # type: ignore[attr-defined]
        for name, hint in get_type_hints(record, include_extras=True).items():
            # with annotations as text, the class itself doesn't know which are wrapped
            wrapped = get_origin(hint)
            yield name, hint, wrapped is NotRequired or (name in optional and wrapped is not Required)
    else:
        raise ConfigError(f"{record!r} is no record; give a pydantic model, a dataclass or a TypedDict")


def _field(owner: str, name: str, annotation: Any, left_out: bool) -> Field:
    metadata: list[Any] = []
    kinds, nullable = _kinds(annotation, metadata)
    if len(kinds) != 1:
        said = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
        said = said.__name__ if isinstance(said, type) and not get_args(said) else said
        raise ConfigError(f"the field {name} of {owner} is {said}, which no column can hold: {_HOW}")
    [kind] = kinds
    digits: dict[str, int] = {}
    if kind == "decimal":
        for attribute, target in (("max_digits", "precision"), ("decimal_places", "scale")):
            given = [value for one in metadata if (value := getattr(one, attribute, None)) is not None]
            digits.update({target: given[-1]} if given else {})
        if "precision" in digits:
            digits.setdefault("scale", min(USUAL_SCALE, digits["precision"]))
    return Field(name, kind, nullable or left_out, **digits)


def _kinds(annotation: Any, metadata: list[Any]) -> tuple[set[FieldType], bool]:
    """Return the types that an annotation allows, and whether None; add what it is annotated with."""
    if annotation is None or annotation is type(None):
        return set(), True
    if annotation is AwareDatetime:
        return {"timestamp"}, False
    if annotation is NaiveDatetime:
        return {"datetime"}, False
    if annotation is Any:
        return {"json"}, False
    if isinstance(annotation, NewType):
        return _kinds(annotation.__supertype__, metadata)
    if hasattr(annotation, "__value__"):  # of the `type` statement
        return _kinds(annotation.__value__, metadata)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        for one in arguments[1:]:
            metadata.extend([one, *one.metadata] if isinstance(one, FieldInfo) else [one])
        return _kinds(arguments[0], metadata)
    if origin in _WRAPPERS:
        return _kinds(arguments[0], metadata)
    if origin in (Union, types.UnionType):
        return _together(_kinds(one, metadata) for one in arguments)
    if origin is Literal:
        return _together(_kinds(None if one is None else type(one), metadata) for one in arguments)
    return _kind(origin or annotation), False


def _together(kinds: Iterator[tuple[set[FieldType], bool]]) -> tuple[set[FieldType], bool]:
    found, nullable = set[FieldType](), False
    for some, none in kinds:
        found |= some
        nullable |= none
    return found, nullable


def _kind(annotation: Any) -> set[FieldType]:
    if is_typeddict(annotation) or is_dataclass(annotation):
        return {"json"}
    if not isinstance(annotation, type):
        return set()
    if issubclass(annotation, Enum):
        return {kind for member in annotation for kind in _kind(type(member.value))}
    for base, kind in _TYPES:
        if issubclass(annotation, base):
            return {kind}
    is_json = issubclass(annotation, BaseModel | Mapping | Sequence) and not issubclass(
        annotation, bytearray | memoryview
    )
    return {"json"} if is_json else set()
