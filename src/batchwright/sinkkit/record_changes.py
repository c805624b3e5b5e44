"""What becomes of a target when the record type it was made for has changed since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from batchwright.contracts.fields import INTEGER_DIGITS, Field
from batchwright.contracts.records import RecordType
from batchwright.errors import ConfigError

META_KEY = "record_type"
"""Under which a ledger's meta keeps the record type, as JSON."""

_ROLES = ("key", "text", "heading", "text_hash")


def added_fields(
    stored: RecordType,
    wanted: RecordType,
    relation: str,
    another: str = "another relation with table=",
    *,
    widens: bool = False,
) -> tuple[Field, ...]:
    """Return the fields that a target lacks, all of which may be None.

    Fields that the target has beside those wanted are accepted where they may be None: while a program is
    being replaced by its next version, both load.

    Args:
        stored: What the target was made for.
        wanted: What it is to hold now.
        relation: The published relation, for messages.
        another: Where records of another type can go, for messages.
        widens: Whether the target can widen fields; see `widened_fields`.

    Raises:
        ConfigError: They differ otherwise; says how, and what to do.
    """
    if stored.name != wanted.name:
        raise ConfigError(
            f"{relation} holds records of the type {stored.name}, not {wanted.name}; one relation holds one "
            f"type: load into {another}"
        )
    widened = widened_fields(stored, wanted) if widens else ()
    if differences := list(_differences(stored, wanted, frozenset(field.name for field in widened))):
        raise ConfigError(
            f"{relation} was made for another {stored.name}: {'; '.join(differences)}. Declare it as it was "
            f"(a new field may be nullable), or load into {another}"
        )
    return tuple(field for field in wanted.fields if field.name not in stored.names)


def widened_fields(stored: RecordType, wanted: RecordType) -> tuple[Field, ...]:
    """Return the fields of which the type changes to one that holds every value of the stored one.

    A whole number becomes a decimal with room for 64 bits; a decimal gets more digits, before and behind the
    point. A key can't become a decimal.
    """
    return tuple(
        now for now in wanted.fields if now.name in stored.names and is_wider(stored.field(now.name), now)
    )


def is_wider(was: Field, now: Field) -> bool:
    """Tell whether a field holds every value of another, with an equal value, and more."""
    if now.type != "decimal" or now.nullable != was.nullable or now == was:
        return False
    whole = now.precision - now.scale
    if was.type == "integer":
        return whole >= INTEGER_DIGITS
    return was.type == "decimal" and whole >= was.precision - was.scale and now.scale >= was.scale


def extended(stored: RecordType, fields: tuple[Field, ...]) -> RecordType:
    """Return the record type with fields more, at its end, and with widened ones in their places."""
    changed = {field.name: field for field in fields}
    kept = (changed.pop(field.name, field) for field in stored.fields)
    return replace(stored, fields=(*kept, *changed.values()))


def _differences(stored: RecordType, wanted: RecordType, widened: frozenset[str]) -> Iterator[str]:
    for field in stored.fields:
        if field.name not in wanted.names:
            if not field.nullable:
                yield f"{field.name} ({field.kind}) is gone, but can't be NULL"
        elif (now := wanted.field(field.name)) != field and field.name not in widened:
            yield f"{field.name} was {field.kind} and is {now.kind} now"
    for field in wanted.fields:
        if field.name not in stored.names and not field.nullable:
            yield f"{field.name} ({field.kind}) is new, but not nullable"
    for role in _ROLES:
        was, now = getattr(stored, role), getattr(wanted, role)
        if was != now:
            kept = f" ({role}={was!r} keeps it)" if was is not None else ""
            yield f"its {role} was {was} and is {now} now{kept}"
