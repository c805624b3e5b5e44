"""Events as values: frozen, plain, and the same after a journey to another process."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any

import pytest

from batchwright.contracts.events import Event, RunFinished, RunNotStarted, from_dict
from batchwright.testing import every_event, ordinary_run
from batchwright.testing.samples import event_types

EVENTS = [*every_event(), *ordinary_run()]


def leaves(value: Any) -> Iterator[Any]:
    if is_dataclass(value):
        for field in fields(value):
            yield from leaves(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield from value.keys()
        yield from value.values()
    else:
        yield value


def test_every_kind_of_event_is_tried_here() -> None:
    assert {type(event) for event in EVENTS} == set(event_types())
    assert {type(event) for event in ordinary_run()} == set(event_types()) - {RunNotStarted}


@pytest.mark.parametrize("kind", event_types())
def test_events_are_frozen_and_slotted(kind: type[Event]) -> None:
    event = next(event for event in EVENTS if type(event) is kind)
    assert not hasattr(event, "__dict__")
    name = fields(event)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(event, name, getattr(event, name))


def test_events_hold_plain_values_only() -> None:
    for event in EVENTS:
        assert {type(value) for value in leaves(event)} <= {str, int, float, bool, type(None)}, event


def test_every_event_is_the_same_after_pickling() -> None:
    for event in EVENTS:
        assert pickle.loads(pickle.dumps(event)) == event


def test_every_event_is_the_same_after_a_journey_as_json() -> None:
    for event in EVENTS:
        sent = json.dumps(event.as_dict(), allow_nan=False)
        again = from_dict(json.loads(sent))
        assert again == event
        assert type(again) is type(event)
        assert [*map(type, leaves(again))] == [*map(type, leaves(event))]


def test_the_dict_of_an_event_names_it_and_can_be_changed_without_harm() -> None:
    event = ordinary_run()[-1]
    assert isinstance(event, RunFinished)
    values = event.as_dict()
    assert values["event"] == "RunFinished"
    values["account"]["records"]["written"] += 1
    assert event.as_dict() != values


@pytest.mark.parametrize("name", ["Account", "NoSuchEvent", "from_dict", "dataclass"])
def test_what_is_no_event_is_not_made(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        from_dict({"event": name})
