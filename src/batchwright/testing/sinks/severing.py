"""Checks: connections that are lost, before a write and in the middle of one; and what no sink may do."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from functools import partial

import pytest

from batchwright.contracts.sink import AnySink, Store
from batchwright.testing.calls import silent, within
from batchwright.testing.fuses import Fuse
from batchwright.testing.records import receipt, sample
from batchwright.testing.sinks.rig import Rig, Sever, SinkChecks, says


class SeveringChecks(SinkChecks):
    """A store may die with its connection; the sink must not, and must say that it was the connection."""

    def test_a_lost_connection_is_a_connection_error(self, rig: Rig, sever: Sever | None) -> None:
        """Fails: another error, which isn't taken for an outage; or none, and nothing is stored."""
        store, one = _connected(rig, sever), sample("b.md")
        assert sever is not None
        sever()
        written = receipt(len(one.chunks), publications=(one.publication(),))
        if _ends(rig, store, one.chunks, written, "a write after the connection was lost"):
            rig.send(rig.open(), one.chunks, written)
        rig.expect([*sample("a.md").chunks, *one.chunks], "after a lost connection, written once more")

    def test_a_connection_lost_in_a_write_stores_nothing_or_all(self, rig: Rig, sever: Sever | None) -> None:
        """Fails: half of a batch is stored when the connection is lost in the middle of it, or twice."""
        store, one = _connected(rig, sever), sample("b.md", 12)
        assert sever is not None
        reads = Fuse()
        rig.write(store, reads.fit(sample("c.md", 12).chunks), begun=(sample("c.md", 12).version,))
        written = receipt(len(one.chunks), publications=(one.publication(),))
        fuse = Fuse(max(1, reads.reads // 2), sever)
        lost = _ends(rig, store, fuse.fit(one.chunks), written, "a write whose connection is lost")
        assert fuse.blown, "the batch was not read"
        if lost:
            rig.send(rig.open(), one.chunks, written)
        rig.expect([*sample("a.md").chunks, *one.chunks], "after a connection was lost in a write")

    def test_a_sink_outlives_its_connections(self, rig: Rig, sever: Sever | None) -> None:
        """Fails: the sink keeps a connection, and dies with it. What is open belongs to the store."""
        sink = rig.make()
        with sink.open() as store:
            rig.publish(store, sample("a.md"))
            if sever is None:
                pytest.skip("the fixture `sever` is not supplied")
            sever()
        try:
            with within(rig.patience, "`open` after the connection was lost", sink.open) as again:
                within(rig.patience, "`probe` of a new store", again.probe)
                rig.publish(again, sample("b.md"))
        except ConnectionError as error:
            pytest.fail(f"a new store has no new connection: {says(str(error))}")
        rig.expect([*sample("a.md").chunks, *sample("b.md").chunks], "after a sink was opened again")

    def test_a_probe_of_a_lost_connection_raises(self, rig: Rig, sever: Sever | None) -> None:
        """Fails: `probe` says that all is well, hangs, or raises something else than ConnectionError."""
        store = _connected(rig, sever)
        assert sever is not None
        sever()
        with pytest.raises(ConnectionError):
            within(rig.patience, "`probe` after the connection was lost", store.probe)
        within(rig.patience, "`close` after the connection was lost", store.close)

    def test_nothing_is_written_to_stdout(self, rig: Rig, capfd: pytest.CaptureFixture[str]) -> None:
        """Fails: it prints. Stdout belongs to the results of the command; log, or write to stderr."""
        store = rig.open()
        rig.publish(store, sample("a.md"))
        store.probe()
        store.close()
        silent(capfd, "the sink")

    def test_what_it_raises_is_an_exception(self, rig: Rig, wrong_target: AnySink) -> None:
        """Fails: it calls `sys.exit`, as where a library is missing. Raise SinkError."""
        try:
            within(rig.patience + 20, "`open` of a wrong target", lambda: wrong_target.open().close())
        except Exception:  # noqa: BLE001 - which one is for another check
            return
        except BaseException as error:  # noqa: BLE001 - the point
            pytest.fail(f"{type(error).__name__}: {says(str(error))}")


def _connected(rig: Rig, sever: Sever | None) -> Store:
    """Return a store that has written."""
    if sever is None:
        pytest.skip("the fixture `sever` is not supplied")
    store = rig.open()
    rig.publish(store, sample("a.md"))
    return store


def _ends(rig: Rig, store: Store, chunks: object, written: object, what: str) -> bool:
    """Write; tell whether it failed, as it does where the connection is lost: with a ConnectionError."""
    try:
        within(rig.patience, what, partial(rig.send, store, chunks, written))  # type: ignore[arg-type]
    except ConnectionError:
        return True
    except Exception as error:  # noqa: BLE001 - none but that may come
        pytest.fail(f"{type(error).__name__}, not ConnectionError: {says(str(error))}")
    return False
