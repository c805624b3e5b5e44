"""Record types: what fields a record has, as data."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from functools import cached_property
from operator import attrgetter
from typing import Any

from batchwright.contracts.fields import Field, check_name
from batchwright.contracts.rows import RowColumns
from batchwright.errors import ConfigError, SinkError
from batchwright.model import ProcessedChunk
from batchwright.values import dataclass

_KEYS = ("text", "integer", "uuid", "date")
"""Types that name a document: the same value has the same text everywhere."""


@dataclass(frozen=True)
class RecordType:
    """What a store holds rows of.

    Attributes:
        name: Names the type.
        fields: The fields, in the order of the columns.
        key: The field that names the document a record belongs to; None where none does, as for the rows of a
            log.
        text: The field that is searched, or None.
        heading: The field that says where the text stands, or None.
        text_hash: The field that holds the SHA-256 of the text, or None.

    Raises:
        ConfigError: The fields don't go together.
    """

    name: str
    fields: tuple[Field, ...]
    key: str | None
    text: str | None = None
    heading: str | None = None
    text_hash: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name, "record type")
        known: dict[str, str] = {}
        for field in self.fields:
            other = known.setdefault(field.name.casefold(), field.name)
            if other is not field.name:
                raise ConfigError(
                    f"{self.name} has the fields {other} and {field.name}; "
                    "many databases take these for one: rename one of them"
                )
        if self.key is not None:
            self._check_key(self.key)
        for role, name in (("text", self.text), ("heading", self.heading), ("text_hash", self.text_hash)):
            if name is not None and (name not in self.names or self.field(name).type != "text"):
                raise ConfigError(f"{self.name} has no field {name} of texts, which was to be its {role}")

    def _check_key(self, name: str) -> None:
        if name not in self.names:
            raise ConfigError(
                f"{self.name} has no field {name}, which was to be its key, but {', '.join(self.names)}"
            )
        key = self.field(name)
        if key.nullable or key.type not in _KEYS:
            raise ConfigError(
                f"the key of {self.name} is {key.name} ({key.kind}); "
                f"a key is one of {', '.join(_KEYS)}, and never None"
            )

    @classmethod
    def of(
        cls,
        record: type,
        *,
        key: str | None = None,
        text: str | None = None,
        heading: str | None = None,
        text_hash: str | None = None,
        name: str | None = None,
    ) -> RecordType:
        """Return the record type of a class.

        Args:
            record: `ProcessedChunk`, a pydantic model, a dataclass, or a TypedDict.
            key: The field that names a record; by default ``id``. A chunk has its own.
            text: The field that is searched.
            heading: The field that says where the text stands.
            text_hash: The field that holds the SHA-256 of the text.
            name: Of the type; by default the class's in snake_case.

        Raises:
            ConfigError: A field has a type that can't be held, or there is no such key.
        """
        if record is ProcessedChunk:
            return CHUNK
        from batchwright.contracts.record_classes import fields_of, snake_case  # they need what is here

        name = name or snake_case(record.__name__)
        if name == CHUNK.name:
            raise ConfigError(
                f"the name {name} is taken by batchwright's own chunks; give another with name="
            )
        found = fields_of(record)
        if key is None and "id" not in {field.name for field in found}:
            raise ConfigError(
                f"say which field names a {name}, as in RecordType.of({record.__name__}, key=…)"
            )
        return cls(name, found, key or "id", text, heading, text_hash)

    # --- as data --------------------------------------------------------------------------------------

    def as_json(self) -> str:
        """Return it as JSON, as a ledger keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RecordType:
        """Return the record type that `as_json` wrote.

        Raises:
            SinkError: It isn't one.
        """
        try:
            values = json.loads(text)
            return cls(**{**values, "fields": tuple(Field(**field) for field in values["fields"])})
        except (ValueError, TypeError, LookupError, ConfigError) as error:
            raise SinkError(
                f"what the target says of its fields can't be understood ({error}): it is damaged, or was "
                "made by a newer batchwright; upgrade, restore it from a backup, or load into another"
            ) from error

    # --- its fields -----------------------------------------------------------------------------------

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the fields."""
        return tuple(field.name for field in self.fields)

    def field(self, name: str) -> Field:
        """Return a field by its name."""
        return self.fields[self.names.index(name)]

    @property
    def is_chunk(self) -> bool:
        """Whether its records are `ProcessedChunk`, not `Row`."""
        return self.name == "processed_chunk"

    @property
    def id_column(self) -> str:
        """The name of the records' ids in the published relation."""
        return "id" if self.is_chunk else "_id"

    @property
    def collection_column(self) -> str:
        """The name of the collections in the published relation."""
        return "collection" if self.is_chunk else "_collection"

    @property
    def relation(self) -> str:
        """The name of the published relation, where no other is given."""
        return "knowledge_base" if self.is_chunk else self.name

    # --- its records ----------------------------------------------------------------------------------

    @cached_property
    def values(self) -> Callable[[Any], tuple[Any, ...]]:
        """Returns the values of a record in a batch, in the order of the fields."""
        return attrgetter(*self.names) if self.is_chunk else attrgetter("values")

    def rows(self, records: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the values of the records of a batch, in the order of the fields."""
        return list(map(self.values, records))

    def columns(self, records: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Return the values of the records of a batch by field, in the order of the fields."""
        if isinstance(records, RowColumns):
            return records.columns
        return list(zip(*self.rows(records), strict=True)) or [()] * len(self.fields)


def _chunk_type() -> RecordType:
    kinds: dict[object, tuple[Any, bool]] = {
        "str": ("text", False),
        "str | None": ("text", True),
        "int": ("integer", False),
        "int | None": ("integer", True),
        "date | None": ("date", True),
        "Mapping[str, Any]": ("json", False),
    }
    found = [Field(field.name, *kinds[field.type]) for field in fields(ProcessedChunk) if field.name != "id"]
    # the engine's own come first: whatever is added to a chunk, they stay where they are
    found.sort(key=lambda field: not field.name.startswith("span_"))
    return RecordType(
        "processed_chunk",
        tuple(found),
        key="source_file",
        text="chunk_text",
        heading="context_header",
        text_hash="chunk_hash",
    )


CHUNK = _chunk_type()
"""The chunk of a document: `ProcessedChunk` as a record type."""


def relation_of(table: str | None, record_type: RecordType | None) -> str:
    """Return the name of the published relation: the one given, else the record type's.

    Args:
        table: What the sink's options say.
        record_type: What the sink is opened for; None for what it holds.
    """
    return table or (record_type or CHUNK).relation
