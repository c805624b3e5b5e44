"""Checks: making, opening, probing, closing; options; travelling to workers."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import pickle
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from batchwright.contracts.sink import AnySink, SinkLimits, SinkOptions, Store
from batchwright.errors import ConfigError, SinkError
from batchwright.testing.calls import within
from batchwright.testing.records import COLLECTION, batch, receipt, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks, with_url

_ROUNDS = 8


class LifecycleChecks(SinkChecks):
    """From options to `close`."""

    def test_the_sink_says_what_it_is(self, rig: Rig) -> None:
        """Fails: `name`, `schemes`, `options_type` or `limits` is not what the engine can work with."""
        sink = rig.make()
        assert isinstance(sink.name, str)
        assert sink.name.strip() == sink.name != "", "`name` is empty, or has spaces around it"
        assert isinstance(sink.schemes, tuple), "`schemes` is a tuple: mind the comma of ('one',)"
        assert sink.schemes, "without `schemes` no URL picks the sink"
        for scheme in sink.schemes:
            assert scheme == scheme.lower(), f"the scheme {scheme!r} must be in lower case"
            assert ":" not in scheme, f"the scheme {scheme!r} must be without a colon"
        assert issubclass(sink.options_type, SinkOptions)
        assert isinstance(sink.options, sink.options_type), "`options` must be an `options_type`"

    def test_the_limits_make_sense(self, rig: Rig) -> None:
        """Fails: a limit is 0, negative or no whole number."""
        limits = rig.limits
        assert isinstance(limits, SinkLimits)
        for name, value in (("rows", limits.rows), ("bytes", limits.bytes), ("writers", limits.writers)):
            assert value is None or (type(value) is int and value >= 1), f"limits.{name} is {value!r}"
        assert limits.rows is not None
        assert limits.writers is not None

    def test_an_unknown_option_is_refused(self, rig: Rig) -> None:
        """Fails: a misspelt option is ignored. Keep `extra="forbid"` of SinkOptions."""
        options = rig.make().options
        given = options.model_dump(by_alias=True, exclude_unset=True)
        type(options).model_validate(given)
        with pytest.raises(ConfigError, match="no_such_option"):
            type(options).model_validate({**given, "no_such_option": "x"})

    def test_options_keep_the_url_secret_and_do_not_change(self, rig: Rig) -> None:
        """Fails: `url` is a plain str, or options can be assigned to. Keep SinkOptions' settings."""
        options = rig.make().options
        assert isinstance(options.url, SecretStr)
        with pytest.raises(ConfigError):
            options.url = SecretStr("x")

    def test_a_wrong_target_is_refused(self, rig: Rig, wrong_target: AnySink) -> None:
        """Fails: what the URL says is ignored, as the host by a sink of files. Refuse what you don't use."""
        with pytest.raises(Exception) as caught:  # noqa: PT011 - any, so long as it is one
            within(rig.patience + 20, "`open` of a wrong target", partial(_open_and_close, wrong_target))
        assert str(caught.value).strip(), "the error has no message; say what is wrong and what to do"

    def test_an_unknown_parameter_of_the_url_is_a_mistake_in_the_settings(self, rig: Rig) -> None:
        """Fails: a misspelt parameter is ignored, or isn't a ConfigError. `sinkkit.local_path` may help."""
        sink = rig.make()
        url = sink.options.url.get_secret_value()
        mistaken = with_url(sink, f"{url}{'&' if '?' in url else '?'}no_such_parameter=x")
        with pytest.raises(ConfigError):
            within(rig.patience + 20, "`open` of a mistaken target", partial(_open_and_close, mistaken))

    def test_making_a_sink_connects_to_nothing(self, rig: Rig, wrong_target: AnySink) -> None:
        """Fails: the constructor connects. Leave that to `open`: sinks are made to be listed and pickled."""
        del wrong_target  # that it could be made is the point
        before = _descriptors()
        sinks = [rig.make() for _ in range(_ROUNDS)]
        assert _descriptors() <= before, f"{len(sinks)} sinks hold files or sockets without being open"

    def test_a_sink_travels_by_pickle(self, rig: Rig) -> None:
        """Fails: workers can't be given the sink. Locks and connections belong to the store."""
        try:
            copy: AnySink = pickle.loads(pickle.dumps(rig.make()))  # noqa: S301 - made a moment ago
        except Exception as error:  # noqa: BLE001 - pickle raises what it likes
            pytest.fail(f"{type(error).__name__}: {error}")
        one = sample("a.md")
        with copy.open() as store:
            rig.publish(store, one)
        rig.expect(one.chunks, "after a pickled sink wrote")

    def test_a_closed_store_refuses_to_write(self, rig: Rig) -> None:
        """Fails: a write after `close` hangs or pretends to succeed. Raise SinkError."""
        store = rig.open()
        store.close()
        with pytest.raises(Exception):  # noqa: B017, PT011 - any, so long as it is one
            within(rig.patience, "a write after `close`", partial(_publish, store))
        rig.open()
        rig.expect([], "after a write to a store that was closed")

    def test_closing_twice_does_no_harm(self, rig: Rig) -> None:
        """Fails: the second `close` raises. Forget the connection at the first."""
        store, one = rig.open(), sample("a.md")
        rig.publish(store, one)
        for _ in range(3):
            within(rig.patience, "`close`", store.close)
        rig.expect(one.chunks, "after closing")

    def test_a_sink_can_be_opened_again(self, rig: Rig) -> None:
        """Fails: one sink opens once. `open` returns a new store each time: a lost one is replaced."""
        sink, one, other = rig.make(), sample("a.md"), sample("b.md")
        with sink.open() as store:
            rig.publish(store, one)
        with sink.open() as store, sink.open() as beside:
            assert store is not beside, "two calls of `open` return one store"
            rig.publish(store, other)
        rig.expect([*one.chunks, *other.chunks], "after a sink was opened again")

    def test_closing_lets_go_of_everything(self, rig: Rig, wrong_target: AnySink) -> None:
        """Fails: files, sockets or threads are left after `close`. A service opens stores for months."""
        rig.publish(rig.open(), sample("a.md"))
        before = _descriptors(), threading.active_count()
        kept = []
        for number in range(_ROUNDS):
            store = rig.make().open()
            rig.publish(store, sample(f"{number}.md"))
            store.close()
            kept.append(store)
        _open_in_vain(wrong_target, rig.patience, _ROUNDS)
        after = _descriptors(), threading.active_count()
        assert after[0] < before[0] + _ROUNDS, f"{after[0] - before[0]} files or sockets are left open"
        assert after[1] < before[1] + _ROUNDS, f"{after[1] - before[1]} threads are left running"

    def test_a_failed_write_leaks_nothing(self, rig: Rig) -> None:
        """Fails: each failed write leaves a connection or thread behind. Close it before making another."""
        store, one = rig.open(), sample("a.md")
        rig.publish(store, one)
        before = _descriptors(), threading.active_count()
        for _ in range(_ROUNDS):
            rig.fail(store, one.chunks, 5, receipt(3, continued=(one.id,)))
        after = _descriptors(), threading.active_count()
        assert after[0] < before[0] + _ROUNDS, f"{after[0] - before[0]} files or sockets are left open"
        assert after[1] < before[1] + _ROUNDS, f"{after[1] - before[1]} threads are left running"

    def test_a_healthy_sink_passes_its_probe(self, rig: Rig) -> None:
        """Fails: `probe` raises or hangs though all is well; an outage would never end."""
        store, one = rig.open(), sample("a.md")
        within(rig.patience, "`probe` of an empty target", store.probe)
        rig.publish(store, one)
        within(rig.patience, "`probe`", store.probe)
        rig.publish(store, sample("b.md"))

    def test_a_probe_stores_nothing(self, rig: Rig) -> None:
        """Fails: `probe` leaves rows or receipts behind."""
        store, one = rig.open(), sample("a.md")
        rig.publish(store, one)
        for _ in range(3):
            store.probe()
        rig.expect(one.chunks, "after probes")
        if store.ledger is not None:
            assert not store.ledger.committed(""), "a probe recorded a receipt"
            assert [known.version for known in store.ledger.documents(COLLECTION)] == [one.version]
            assert (store.ledger.pending(COLLECTION), store.ledger.rejects()) == ([], [])

    def test_a_target_that_was_loaded_exists(self, rig: Rig) -> None:
        """Fails: `exists` says no of a target with rows; commands would say that nothing is loaded."""
        store = rig.open()
        rig.publish(store, sample("a.md"))
        assert rig.make().exists(), "open and loaded, but said not to exist"
        store.close()
        assert rig.make().exists(), "loaded, but said not to exist when no store is open"

    def test_asking_whether_a_target_exists_creates_nothing(self, rig: Rig) -> None:
        """Fails: `exists` makes what it asks for. Only `open` may."""
        first = rig.make().exists()
        assert rig.make().exists() == first, "it did not exist until it was asked about"

    def test_opening_without_creating_creates_nothing(self, rig: Rig) -> None:
        """Fails: `open(create=False)` makes a missing target, or opens nothing. Raise SinkError."""
        if rig.make().exists():
            pytest.skip("the sink says that an empty target exists")
        with pytest.raises(SinkError) as caught:
            within(rig.patience, "`open` of a missing target", partial(rig.make().open, create=False))
        assert str(caught.value).strip(), "the error has no message; say what is missing and what to do"
        assert not rig.make().exists(), "`open(create=False)` made the target"
        one = sample("a.md")
        rig.publish(rig.open(), one)
        with rig.make().open(create=False) as store:
            rig.publish(store, sample("b.md"))
        rig.expect([*one.chunks, *sample("b.md").chunks], "after a target that is there was opened")

    def test_equal_urls_have_one_identity(self, rig: Rig) -> None:
        """Fails: `identity` is empty, or differs from sink to sink. A ledger beside is found by it."""
        named = rig.make().identity()
        assert named.strip(), "`identity` is empty"
        assert rig.make().identity() == named
        rig.publish(rig.open(), sample("a.md"))
        assert rig.make().identity() == named, "it differs once the target was loaded"

    def test_two_stores_may_be_open_on_one_target(self, rig: Rig) -> None:
        """Fails: the second `open` raises, or one doesn't see what the other wrote. Readers come any time."""
        first, second = rig.open(), rig.open()
        one, other = sample("a.md"), sample("b.md")
        rig.publish(first, one)
        within(rig.patience, "a write while another store is open", lambda: rig.publish(second, other))
        rig.expect([*one.chunks, *other.chunks], "after two open stores wrote in turn")
        if second.ledger is not None:
            assert second.ledger.document(COLLECTION, "a.md") is not None


def _publish(store: Store) -> None:
    """Write to a store as it is: one that is closed can't be asked about its ledger."""
    one = sample("a.md")
    store.write(batch(one.chunks), receipt(3, publications=(one.publication(),)))


def _open_and_close(sink: AnySink) -> None:
    sink.open().close()


def _open_in_vain(sink: AnySink, seconds: float, times: int) -> None:
    """Open what can't be opened; what can after all is closed again."""
    for _ in range(times):
        with suppress(Exception):
            within(seconds + 20, "`open` of a wrong target", partial(_open_and_close, sink))


def _descriptors() -> int:
    """Count the open files and sockets of this process; 0 where there is no way to."""
    for folder in (Path("/proc/self/fd"), Path("/dev/fd")):
        if folder.is_dir():
            return sum(1 for _ in folder.iterdir())
    return 0
