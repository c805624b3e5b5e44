"""Checks: leases. One run at a time loads a collection, and one that was replaced writes nothing more."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from batchwright.contracts.lease import Lease, Owner, Patience
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Collection, Receipt, Run
from batchwright.contracts.sink import Store
from batchwright.errors import CollectionBusy, LeaseLost
from batchwright.testing.calls import Call
from batchwright.testing.fuses import Gate
from batchwright.testing.records import COLLECTION, batch, receipt, reject, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks, ledger_of

_OWNER = Owner("elsewhere", 4711, "another boot", "pid:[1]", 12)
_FIRST = Lease(COLLECTION, "first", "first run", _OWNER, "2026-01-31T12:00:00+00:00")
_SECOND, _THIRD = (replace(_FIRST, token=name, run_id=f"{name} run") for name in ("second", "third"))
_OTHER = "another collection"
_UNDER_WAY = 0.2  # seconds after which a takeover that waits for a write has surely begun to
_TICK = 0.05  # seconds between two heartbeats that a clock must tell apart


class LeaseChecks(SinkChecks):
    """`Ledger.swap_lease` is a compare-and-swap, and each write checks the lease as it is then."""

    def test_a_lease_is_taken_once(self, rig: Rig) -> None:
        """Fails: a second run gets a lease that stands. Where `token` is None there must be none."""
        ledger = _entered(rig, rig.open())
        assert ledger.lease(COLLECTION) is None, "there is a lease before anybody took it"
        assert _swap(rig, ledger, None, _FIRST), "nobody had it, yet it can't be taken"
        assert not _swap(rig, ledger, None, _SECOND), "taken, though another has it"
        assert _token(ledger) == _FIRST.token, "the second one has overwritten the first"

    def test_a_lease_comes_back_as_it_was(self, rig: Rig) -> None:
        """Fails: who has it is lost. Others judge by the owner whether the run is dead."""
        ledger = _entered(rig, rig.open())
        _swap(rig, ledger, None, _FIRST)
        found = ledger.lease(COLLECTION)
        assert found is not None, "taken, but nobody has it"
        assert replace(found, beat=0, age=0.0) == _FIRST
        assert 0 <= found.age < rig.patience, "taking it is its first heartbeat"

    def test_a_lease_is_seen_by_another_store(self, rig: Rig) -> None:
        """Fails: it is kept in the store, or goes with it. A run that was killed has it still."""
        store = rig.open()
        _swap(rig, _entered(rig, store), None, _FIRST)
        store.close()
        other = rig.open()
        assert _token(rig.ledger(other)) == _FIRST.token, "it went with the store that took it"
        with pytest.raises(CollectionBusy):
            rig.publish(other, sample("a.md"))

    def test_a_takeover_replaces_just_the_token_it_names(self, rig: Rig) -> None:
        """Fails: of two runs that find a dead one both take its place. Compare and swap under a lock."""
        ledger = _entered(rig, rig.open())
        _swap(rig, ledger, None, _FIRST)
        assert not _swap(rig, ledger, "unknown", _THIRD), "nobody has this token"
        assert _swap(rig, ledger, _FIRST.token, _SECOND), "it was there, yet it can't be replaced"
        assert not _swap(rig, ledger, _FIRST.token, _THIRD), "somebody else was quicker"
        assert _token(ledger) == _SECOND.token

    def test_a_lease_is_given_back_by_its_token_only(self, rig: Rig) -> None:
        """Fails: a run that was replaced gives back the lease of the one in its place."""
        ledger = _entered(rig, rig.open())
        _swap(rig, ledger, None, _FIRST)
        _swap(rig, ledger, _FIRST.token, _SECOND)
        assert not _swap(rig, ledger, _FIRST.token, None), "it was not its own any more"
        assert _token(ledger) == _SECOND.token, "the lease of another was given back"
        assert _swap(rig, ledger, _SECOND.token, None)
        assert ledger.lease(COLLECTION) is None, "given back, but still there"
        assert not _swap(rig, ledger, _SECOND.token, None), "it was given back before"

    def test_a_heartbeat_is_noted(self, rig: Rig) -> None:
        """Fails: a lease looks the same after a heartbeat, and its run counts as silent."""
        ledger = _entered(rig, rig.open())
        _swap(rig, ledger, None, _FIRST)
        before = ledger.lease(COLLECTION)
        time.sleep(_TICK)
        assert ledger.beat(COLLECTION, _FIRST.token), "it has this token"
        after = ledger.lease(COLLECTION)
        assert before is not None
        assert after is not None
        assert after.beat != before.beat, "nothing tells that a heartbeat came"
        assert 0 <= after.age < rig.patience

    def test_a_heartbeat_is_of_the_token_only(self, rig: Rig) -> None:
        """Fails: a run that was replaced keeps another's lease alive, and doesn't notice."""
        ledger = _entered(rig, rig.open())
        assert not ledger.beat(COLLECTION, _FIRST.token), "nobody has a lease"
        _swap(rig, ledger, None, _FIRST)
        _swap(rig, ledger, _FIRST.token, _SECOND)
        assert not ledger.beat(COLLECTION, _FIRST.token), "another run has it by now"
        _swap(rig, ledger, _SECOND.token, None)
        assert not ledger.beat(COLLECTION, _SECOND.token), "it was given back"

    def test_who_has_the_lease_writes(self, rig: Rig) -> None:
        """Fails: the run itself is refused, or a batch under the token that took a dead one's place."""
        store, one, two = rig.open(), sample("a.md"), sample("a.md", 4, content="2")
        ledger = _entered(rig, store)
        _swap(rig, ledger, None, _FIRST)
        rig.publish(store, one, **_under(_FIRST))
        _swap(rig, ledger, _FIRST.token, _SECOND)
        rig.publish(store, two, **_under(_SECOND))
        rig.expect(two.chunks, "after two runs in a row wrote under their leases")

    def test_a_write_under_an_old_token_is_refused(self, rig: Rig) -> None:
        """Fails: a run that slept, and was replaced, writes on. Raise LeaseLost with the run in its place."""
        store, one = rig.open(), sample("a.md")
        ledger = _entered(rig, store)
        _swap(rig, ledger, None, _FIRST)
        _swap(rig, ledger, _FIRST.token, _SECOND)
        lost = _refused(LeaseLost, lambda: rig.publish(store, one, **_under(_FIRST)))
        assert _SECOND.run_id in str(lost), f"it doesn't say which run has its place: {lost}"
        _swap(rig, ledger, _SECOND.token, None)
        _refused(LeaseLost, lambda: rig.publish(store, one, **_under(_SECOND)))
        rig.expect([], "after runs without a lease tried to write")

    def test_a_refused_write_leaves_nothing(self, rig: Rig) -> None:
        """Fails: rows, rejects, or parts of the ledger stay. Look at the lease before anything is stored."""
        store, old, gone = rig.open(), sample("a.md"), sample("gone.md", 2)
        begun, new = sample("b.md", 4), sample("a.md", 5, content="2")
        ledger = _entered(rig, store)
        rig.publish(store, old, gone)
        rig.write(store, begun.chunks[:2], begun=(begun.version,))
        _swap(rig, ledger, None, _SECOND)
        late = partial(
            receipt,
            len(new.chunks),
            publications=(new.publication(),),
            discarded=(begun.id,),
            deleted=((gone.version.key, gone.id),),
            rejects=(reject(new.chunks[0]),),
        )
        writes: list[tuple[type[Exception], Receipt]]
        writes = [(LeaseLost, late(**_under(_FIRST))), (CollectionBusy, late())]
        for kind, written in writes:
            _refused(kind, lambda written=written: rig.send(store, new.chunks, written))  # type: ignore[misc]
            rig.expect([*old.chunks, *gone.chunks], f"after a write was refused: {kind.__name__}")
            assert not ledger.committed(written.batch_id), "refused, yet the receipt is there"
            assert ledger.rejects() == [], "refused, yet a reject is there"
            assert ledger.pending(COLLECTION) == [begun.version], "refused, yet what was begun is gone"
            assert [known.version for known in ledger.documents(COLLECTION)] == [old.version, gone.version]
        _swap(rig, ledger, _SECOND.token, None)
        rig.expect_gone(new)

    def test_a_program_is_refused_while_a_run_has_the_lease(self, rig: Rig) -> None:
        """Fails: a program writes beside a run. Raise CollectionBusy, which says who has the collection."""
        store, one = rig.open(), sample("a.md", brought_by="program")
        _swap(rig, _entered(rig, store), None, _FIRST)
        busy = _refused(CollectionBusy, lambda: rig.write(store, one.chunks, patched=(one.version,)))
        assert isinstance(busy, CollectionBusy)
        said = (busy.collection, busy.run_id, busy.held_by, busy.since)
        assert said == (COLLECTION, _FIRST.run_id, str(_OWNER), _FIRST.since)
        rig.expect([], "after a program tried to write beside a run")

    def test_a_program_writes_once_the_lease_is_given_back(self, rig: Rig) -> None:
        """Fails: the collection stays closed. Without a lease anybody writes who brings no token."""
        store, one = rig.open(), sample("a.md", brought_by="program")
        ledger = _entered(rig, store)
        _swap(rig, ledger, None, _FIRST)
        _refused(CollectionBusy, lambda: rig.write(store, one.chunks, patched=(one.version,)))
        _swap(rig, ledger, _FIRST.token, None)
        rig.write(store, one.chunks, patched=(one.version,))
        rig.expect(one.chunks, "after the lease was given back")

    def test_a_lease_is_of_one_collection(self, rig: Rig) -> None:
        """Fails: a run keeps others from loading, or from writing into, another collection."""
        store, one = rig.open(), sample("a.md", collection=_OTHER)
        ledger = _entered(rig, store)
        ledger.enter_collection(Collection(_OTHER))
        _swap(rig, ledger, None, _FIRST)
        rig.publish(store, one, collection=_OTHER)
        other = replace(_SECOND, collection=_OTHER)
        assert _swap(rig, ledger, None, other, _OTHER), "a lease of one collection holds another"
        assert (_token(ledger), _token(ledger, _OTHER)) == (_FIRST.token, other.token), "mixed up"
        _swap(rig, ledger, _FIRST.token, None)
        assert _token(ledger, _OTHER) == other.token, "given back together with another's"

    def test_nothing_older_commits_after_a_takeover(self, rig: Rig) -> None:
        """Fails: a write looks at the lease, and commits later. Look under a lock that takeovers need."""
        first, second, one = rig.open(), rig.open(), sample("a.md", 6)
        ledger_of(first)
        ledger = _entered(rig, second)
        _swap(rig, ledger, None, _FIRST)
        gate = Gate(3, patience=rig.patience)
        written = receipt(6, publications=(one.publication(),), **_under(_FIRST))
        write = Call(partial(_errors_of, partial(first.write, batch(gate.fuse.fit(one.chunks)), written)))
        assert gate.reached.wait(rig.patience), "the write doesn't read its records"
        takeover = Call(partial(_swap, rig, ledger, _FIRST.token, _SECOND))
        takeover.ends_within(_UNDER_WAY)
        gate.open()
        assert takeover.result(rig.patience * 3, "a takeover"), "nobody else has taken it"
        there, error = rig.rows(), write.result(rig.patience * 3, "the write of the run that was replaced")
        assert error is None or isinstance(error, LeaseLost), error
        assert rig.rows() == there, "what a run began before it was replaced was committed afterwards"
        rig.expect([] if error else one.chunks, f"after a write beside a takeover ({error!r})")

    def test_receipts_go_with_their_run(self, rig: Rig) -> None:
        """Fails: receipts of runs that ended pile up, or one goes that a live run may ask for."""
        store, runs = rig.open(), ("ended", "live")
        ledger = _entered(rig, store)
        written: dict[str, str] = {}
        for run_id in runs:
            run = Run(run_id, _FIRST.since, COLLECTION, "docs")
            ledger.start_run(run)
            lease = replace(_FIRST, token=f"of {run_id}", run_id=run_id)
            _swap(rig, ledger, None, lease)
            made = receipt(0, batch_id=f"{run_id}/1", run_id=run_id, token=lease.token)
            rig.send(store, [], made)
            written[run_id] = made.batch_id
            if run_id == "ended":
                ledger.finish_run(replace(run, state="done"))
                _swap(rig, ledger, lease.token, None)
        program = rig.write(store, [], collection=_OTHER)
        ledger.drop_receipts()
        assert not ledger.committed(written["ended"]), "its run has ended"
        assert ledger.committed(written["live"]), "its run goes on, and may ask whether it is stored"
        assert ledger.committed(program.batch_id), "that of a program was dropped"


def _entered(rig: Rig, store: Store) -> Ledger:
    """Return the ledger, the collection in it."""
    ledger = rig.ledger(store)
    ledger.enter_collection(Collection(COLLECTION))
    return ledger


def _swap(
    rig: Rig, ledger: Ledger, token: str | None, lease: Lease | None, collection: str = COLLECTION
) -> bool:
    return ledger.swap_lease(collection, token, lease, Patience(rig.patience))


def _under(lease: Lease) -> dict[str, str]:
    """Return what a receipt says of the lease under which its run writes."""
    return {"token": lease.token, "run_id": lease.run_id}


def _token(ledger: Ledger, collection: str = COLLECTION) -> str | None:
    lease = ledger.lease(collection)
    return lease.token if lease else None


def _refused(kind: type[Exception], write: Callable[[], object]) -> Exception:
    with pytest.raises(kind) as caught:
        write()
    return caught.value


def _errors_of(write: Callable[[], None]) -> Exception | None:
    try:
        write()
    except Exception as error:  # noqa: BLE001 - to be judged by the check
        return error
    return None
