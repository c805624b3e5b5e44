"""The one gate of all requests to an embedder: how many at once, how many a minute, and when none."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from batchwright.contracts.embedder import EmbedderLimits
from batchwright.errors import RunInterrupted

MINUTE = 60.0
_LOOK_EVERY = 0.1  # seconds between two looks at whether the work is to end


class Gate:
    """Lets requests pass. After a 429 half as many may be under way; each one that succeeds adds a little.

    Whoever's request fails keeps the place until it is left: others might be refused for the same reason.

    Args:
        limits: How many requests and tokens.
    """

    def __init__(self, limits: EmbedderLimits) -> None:
        self._limits = limits
        self._changed = threading.Condition()
        self._under_way: dict[object, int] = {}
        self._failing: set[int] = set()
        self._allowed = float(max(1, limits.at_once))
        self._slowed = self._rest_until = 0.0
        self._begun: deque[tuple[float, int]] = deque()
        self._tokens = 0

    @property
    def allowed(self) -> int:
        """How many requests may be under way at the same time, now."""
        return int(self._allowed)

    @contextmanager
    def turn(self, tokens: int, request: object, who: int, stop: threading.Event) -> Iterator[float]:
        """Wait for one's turn with a request; yields when it began.

        Args:
            tokens: Its tokens.
            request: What `end` knows it by.
            who: Whose it is: a thread, which makes one after the other.
            stop: Ends the wait at once.

        Raises:
            RunInterrupted: The work was stopped.
        """
        with self._changed:
            while not stop.is_set() and (wait := self._wait(tokens, who, time.monotonic())) > 0:
                self._changed.wait(min(wait, _LOOK_EVERY))
            if stop.is_set():
                raise RunInterrupted("stopped before a request was sent")
            began = time.monotonic()
            self._under_way[request] = who
            if self._is_counted:
                self._begun.append((began, tokens))
                self._tokens += tokens
        try:
            yield began
        except BaseException:
            self.end(request, failed=True)
            raise
        self.end(request)

    def end(self, request: object, *, failed: bool = False) -> None:
        """Note that a request ended, or hangs and is left behind; what becomes of it then is ignored."""
        with self._changed:
            who = self._under_way.pop(request, None)
            if who is not None:
                (self._failing.add if failed else self._failing.discard)(who)
            self._changed.notify_all()

    def leave(self, who: int) -> None:
        """Note that a request that failed is not made again."""
        with self._changed:
            self._failing.discard(who)
            self._changed.notify_all()

    def succeeded(self) -> None:
        """Note that a request succeeded."""
        with self._changed:
            self._allowed = min(float(max(1, self._limits.at_once)), self._allowed + 1 / self._allowed)
            self._changed.notify_all()

    def slow_down(self, began: float, wait: float) -> None:
        """Note that the other side asks for fewer requests.

        Args:
            began: When the request that it refused began: those that were under way with it count once.
            wait: Seconds in which none may begin.
        """
        with self._changed:
            if began > self._slowed:
                self._allowed = max(1.0, self._allowed / 2)
                self._slowed = time.monotonic()
            self._rest_until = max(self._rest_until, time.monotonic() + wait)

    @property
    def _is_counted(self) -> bool:
        return self._limits.requests_a_minute is not None or self._limits.tokens_a_minute is not None

    def _wait(self, tokens: int, who: int, now: float) -> float:
        """Return the seconds until a request of so many tokens may begin, as far as is known; 0 for now."""
        if self._rest_until > now:
            return self._rest_until - now
        before = {*self._under_way.values(), *(() if who in self._failing else self._failing)}
        if len(before) >= self.allowed:
            return MINUTE  # one that ends wakes those who wait
        while self._begun and self._begun[0][0] <= now - MINUTE:
            self._tokens -= self._begun.popleft()[1]
        requests, most = self._limits.requests_a_minute, self._limits.tokens_a_minute
        is_full = requests is not None and len(self._begun) >= requests
        is_full = is_full or (most is not None and self._tokens + tokens > most)
        return self._begun[0][0] + MINUTE - now if is_full and self._begun else 0.0
