"""An open target that was loaded before, and which of its relations a command is about."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.sink import AnySink
from batchwright.engine.dispatch import Dispatcher
from batchwright.errors import BatchwrightError, ConfigError, SinkError
from batchwright.operations.connections import Connections, understandable
from batchwright.operations.relation import Relation, no_collection
from batchwright.plugins.manager import PluginManager

logger = logging.getLogger("batchwright")

WAY_ON = ": --table NAME, in a program Target(…, table=NAME)"
"""What to do where a command can't be about several relations: the end of a message."""

_NAMED = 10  # relations or collections that a message names


class OpenTarget:
    """The relations of a target that have a ledger: all of them, or the one that was asked for.

    They are opened one after the other, as they are looked at. One that can't be opened, because its layout
    is an older one or the role may not read it, is left out and named. If it is the only one, that is an
    error.

    Args:
        config: The settings.
        relations: The relations, by name.

    Attributes:
        name: The URL, without a password.
        relations: The relations.
        unreadable: Why a relation was left out, by its name.
    """

    def __init__(self, config: BatchConfig, relations: Sequence[Relation]) -> None:
        self.name = config.target_shown
        self.relations = tuple(relations)
        self.unreadable: dict[str, BatchwrightError] = {}
        self._collection = config.collection

    def about(self, collection: str | None = None) -> Iterable[Relation]:
        """Return the relations that a command is about: the one that has a collection, or all.

        Args:
            collection: Its name; None for the one that the settings name, if any.

        Raises:
            ConfigError: No relation has the collection, or several have.
            SinkError: No relation can be read.
        """
        name = collection or self._collection
        return self.each() if name is None or len(self.relations) == 1 else [self.having(name)]

    def about_past(self, collection: str | None = None) -> Iterable[Relation]:
        """Return the relations as `about` does; all, where the collection is there no more."""
        name = collection or self._collection
        if name is None or len(self.relations) == 1:
            return self.each()
        return self._with_collection(name)[0] or self.each()

    def having(self, collection: str, *, certainly: bool = False) -> Relation:
        """Return the relation that has a collection.

        Args:
            collection: Its name.
            certainly: Whether a relation that can't be read, and might have it, is an error.

        Raises:
            ConfigError: None has it, or several have.
            SinkError: A relation that might have it can't be read.
        """
        found, others = self._with_collection(collection)
        if certainly and self.unreadable:
            name, error = next(iter(self.unreadable.items()))
            raise SinkError(f"{name} may have a collection {collection}, too: {error}; choose one{WAY_ON}")
        if not found:
            raise no_collection(collection, self.name, others)
        return found[0]

    def named(self, name: str | None) -> Relation:
        """Return a relation by its name; the only one, where it has none.

        Raises:
            ConfigError: There is none of this name, or several, of which none was named.
        """
        for relation in self.relations:
            if name == relation.name or (name is None and len(self.relations) == 1):
                return relation
        if name is None:
            raise ConfigError(f"{self.name} has several relations: {_some(self._names)}; name one{WAY_ON}")
        raise no_relation(name, self.name, self._names)

    def of_one_type(self, what: str, relations: Iterable[Relation]) -> list[Relation]:
        """Return the relations, whose records are to be of one type.

        Args:
            what: What can't be done with several, as the subject of a sentence.
            relations: Which.

        Raises:
            ConfigError: They hold records of several types.
        """
        found = [*relations]
        if len(found) > 1 and len({relation.record_type.name for relation in found}) > 1:
            listed = _some(f"{relation.name} ({relation.record_type.name})" for relation in found)
            raise ConfigError(
                f"{what} takes records of one type, and {self.name} has several: {listed}; choose one{WAY_ON}"
            )
        return found

    def each(self) -> Iterator[Relation]:
        """Yield the relations, open; the next one may close those before it until they are asked again.

        Raises:
            SinkError, ConfigError: None can be opened.
        """
        any_read, last = False, None
        for relation in self.relations:
            try:
                has_ledger = relation.has_ledger
            except (SinkError, ConfigError) as error:
                if len(self.relations) == 1:
                    raise
                self._leave_out(relation, error)
                last = error
                continue
            any_read = True
            self.unreadable.pop(str(relation.name), None)
            if has_ledger:
                yield relation
        if last is not None and not any_read:
            raise last

    def _leave_out(self, relation: Relation, error: BatchwrightError) -> None:
        name = str(relation.name)
        if name not in self.unreadable:
            logger.warning("the relation %s is left out: %s", name, error)
        self.unreadable[name] = error

    def _with_collection(self, name: str) -> tuple[list[Relation], list[str]]:
        """Return the relation that has a collection, if any, and else the collections that there are."""
        found: list[Relation] = []
        others: dict[str, None] = {}
        for relation in self.each():
            names = [collection.name for collection in relation.ledger.collections()]
            if name in names:
                found.append(relation)
            others.update(dict.fromkeys(names))
        if len(found) > 1:
            listed = _some(str(relation.name) for relation in found)
            raise ConfigError(
                f"the collection {name} is in several relations of {self.name}: {listed}; choose one{WAY_ON}"
            )
        return found, [*islice(others, _NAMED)]

    @property
    def _names(self) -> list[str]:
        return [str(relation.name) for relation in self.relations]


@contextmanager
def existing(
    config: BatchConfig,
    manager: PluginManager,
    dispatcher: Dispatcher | None = None,
    *,
    table: str | None = None,
) -> Iterator[OpenTarget]:
    """Open the target of the settings.

    Args:
        config: The settings.
        manager: The plugins.
        dispatcher: Where events of writes go.
        table: The relation that it is about; None for all.

    Raises:
        ConfigError: There is no such relation.
        SinkError: Nothing was ever loaded there, or it can't be reached.
    """
    with understandable(config), Connections(config, manager, dispatcher or Dispatcher()) as connections:
        manager.hide(secrets_of(config))
        sinks: Sequence[AnySink] = manager.make_sink(config.to, config.sink).relations()
        if not sinks:
            raise nothing_loaded(config)
        wanted = [sink for sink in sinks if table in (None, sink.relation)]
        if not wanted:
            raise no_relation(
                str(table), config.target_shown, [str(sink.relation) for sink in sinks if sink.relation]
            )
        target = OpenTarget(config, [Relation(sink, connections) for sink in wanted])
        if len(wanted) == 1 and not target.relations[0].has_ledger:
            raise nothing_loaded(config)
        yield target


def nothing_loaded(config: BatchConfig) -> SinkError:
    """Return the error of a command that needs something loaded."""
    name = config.target_shown
    return SinkError(f"nothing is loaded in {name} yet; load something: batchwright run SOURCE --to {name}")


def no_relation(name: str, target: str, there: Sequence[str]) -> ConfigError:
    """Return the error of a command that names a relation which a target doesn't have."""
    return ConfigError(
        f"there is no relation {name} in {target}; its relations: {_some(there) or 'one, unnamed'}"
    )


def _some(names: Iterable[str]) -> str:
    """Return the names for a message, which does not get longer and longer."""
    first = [*islice(rest := iter(names), _NAMED)]
    more = sum(1 for _ in rest)
    return ", ".join([*first, *([f"and {more} more"] if more else [])])
