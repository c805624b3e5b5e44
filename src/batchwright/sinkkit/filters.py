"""Which records a search is about: conditions that fields, or keys of a chunk's metadata, have values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from batchwright.contracts.fields import Field
from batchwright.contracts.record_json import value_of
from batchwright.contracts.records import RecordType
from batchwright.contracts.search import SearchMode
from batchwright.errors import ConfigError, SinkError
from batchwright.values import dataclass

METADATA = "metadata"
"""The field of a chunk whose keys can be asked for."""

_AS_TEXT = (date, datetime, time, Decimal, UUID)


@dataclass(frozen=True, slots=True)
class Condition:
    """That records have a value.

    Attributes:
        name: The field's name, or the key of the metadata.
        field: The field; None for a key of the metadata.
        value: The value, of the field's type; of the metadata, as JSON has it in a text. None for none.
    """

    name: str
    field: Field | None
    value: Any


def conditions(record_type: RecordType, where: Mapping[str, Any] | None) -> list[Condition]:
    """Return the conditions.

    Raises:
        ConfigError: There is no such field, or a value is none of it.
    """
    fields = {field.name: field for field in record_type.fields}
    found = []
    for name, given in (where or {}).items():
        field = fields.get(name)
        if field is None and not record_type.is_chunk:
            known = ", ".join(fields)
            raise ConfigError(f"{record_type.name} has no field {name!r} to search by; it has {known}")
        if field is None:
            found.append(Condition(name, None, _text_of(given)))
            continue
        if field.type == "json":
            raise ConfigError(f"records can't be searched by {name}, which holds JSON; name a key of it")
        found.append(Condition(name, field, _value(field, given)))
    return found


def check_known(asked: Iterable[Condition], is_known: Callable[[str], bool]) -> None:
    """Check that some record has each key of the metadata that is asked for.

    Args:
        asked: The conditions.
        is_known: Tells whether a record has the key.

    Raises:
        ConfigError: None has one of them.
    """
    if unknown := [repr(one.name) for one in asked if one.field is None and not is_known(one.name)]:
        raise ConfigError(f"no record has {', '.join(unknown)}, neither as a field nor in its metadata")


def only_text(mode: SearchMode, where: Mapping[str, Any] | None) -> None:
    """Refuse a search by more than words, in a sink that has nothing else.

    Raises:
        SinkError: It is asked for.
    """
    if mode != "text":
        raise SinkError(f"this sink keeps no vectors, so it can't search by mode {mode!r}; search by text")
    if where:
        raise SinkError("this sink can't search by fields; leave `where` out")


def _value(field: Field, given: Any) -> Any:
    if given is None:
        return None
    plain = str(given) if isinstance(given, _AS_TEXT) else given
    if isinstance(plain, str) and field.type in ("integer", "boolean"):
        with suppress(ValueError, RecursionError):
            plain = json.loads(plain.strip())
    try:
        return value_of(field, plain)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _text_of(given: Any) -> str | None:
    if given is None:
        return None
    return json.dumps(given) if isinstance(given, bool | int | float) else str(given)
