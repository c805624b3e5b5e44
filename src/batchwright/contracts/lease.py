"""The lease: a run's right to a collection, and the process that holds it."""

from __future__ import annotations

import json
from dataclasses import asdict, fields

from batchwright.values import dataclass


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds a lease. Nobody can tell whether it still runs where a part is not known.

    Attributes:
        host: The name of its machine, for people.
        pid: Its number, as it sees itself.
        boot_id: Names the machine, from one start to the next; None where it can't be read.
        namespace: The namespace in which the number counts: each container has its own. None likewise.
        started: When the process began, in clock ticks since the machine started; None likewise.
    """

    host: str
    pid: int
    boot_id: str | None = None
    namespace: str | None = None
    started: int | None = None

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    def as_json(self) -> str:
        """Return it as ledgers keep it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Owner:
        """Return what `as_json` made; what another version of batchwright knows besides is ignored."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease, as the ledger has it.

    Attributes:
        collection: The collection.
        token: Names the lease. No other has the same.
        run_id: The run that took it.
        owner: The process that took it.
        since: When (ISO 8601, UTC).
        beat: Another number after each heartbeat.
        age: Seconds since the last heartbeat, by the ledger's clock.
        relation: The published relation of the target that it was found in; as for `Reject`.
    """

    collection: str
    token: str
    run_id: str
    owner: Owner
    since: str
    beat: int = 0
    age: float = 0.0
    relation: str | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds, for what others write to a collection whose lease is being taken.

    Attributes:
        writing: For what they write just now.
        ending: After that, for the end of their sessions, which the ledger brings about if it can; None for
            leaving them alone.
    """

    writing: float
    ending: float | None = None
