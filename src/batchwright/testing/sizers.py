"""The contract of a sizer, as checks."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, product
from typing import Any, ClassVar

import pytest

from batchwright.contracts.sizing import SizeLimits, SizingFeedback
from batchwright.testing.asking import ask, offers
from batchwright.testing.calls import silent, within

_ROUNDS = 80
_SETTLED = 30
_WILD = 4.0
_LIMITS = SizeLimits(rows=5_000, bytes=32 * 1024 * 1024)


class SizerContract:
    """Subclass it as ``TestMySizer``, and supply a fixture.

    Fixtures to supply:
        sizer: The plugin: a module or object with a hook `batch_size`; new for each test.

    Attributes:
        heeds_limits: True for a sizer that promises never to answer more than the limits allow; without
            that promise the engine's clamping is relied on.
        patience: Seconds that all answers together may take.
    """

    heeds_limits: ClassVar[bool] = False
    patience: ClassVar[float] = 10.0

    @pytest.fixture
    def sizer(self) -> object:
        """Override: return the plugin."""
        pytest.fail("override the fixture `sizer`: it returns the plugin, a module or object")

    def test_the_plugin_loads_as_a_sizer(self, sizer: object) -> None:
        """Fails: the hook is misspelt, or lacks @batchwright.hookimpl."""
        assert "sizer" in offers(sizer), f"it offers {', '.join(offers(sizer)) or 'nothing'}"

    def test_nothing_makes_it_raise(self, sizer: object) -> None:
        """Fails: it divides by zero, or takes a first batch for a later one. All figures may be 0."""
        for feedback, limits in every_feedback():
            try:
                _ask(sizer, feedback, limits)
            except Exception as error:  # noqa: BLE001 - none may come
                pytest.fail(f"{type(error).__name__} ({error}) for {feedback}, {limits}")

    def test_it_answers_a_whole_number_from_one_or_none(self, sizer: object) -> None:
        """Fails: an answer is a fraction, a text, 0 or less. No opinion is None."""
        for feedback, limits in every_feedback():
            answer = _ask(sizer, feedback, limits)
            assert answer is None or type(answer) is int, f"{answer!r} for {feedback}, {limits}"
            assert answer is None or answer >= 1, f"{answer} for {feedback}, {limits}"

    def test_limits_are_heeded_where_that_is_promised(self, sizer: object) -> None:
        """Fails: an answer is more than `limits.rows`, though `heeds_limits` is set."""
        if not self.heeds_limits:
            pytest.skip("`heeds_limits` is not set; the engine clamps")
        for feedback, limits in every_feedback():
            answer = _ask(sizer, feedback, limits)
            assert answer is None or answer <= limits.rows, f"{answer} for {feedback}, {limits}"

    @pytest.mark.parametrize(
        ("fixed", "each"), [(0.0, 0.0), (0.001, 1e-6), (0.02, 1e-4), (0.005, 0.001), (0.0, 0.1), (5.0, 0.01)]
    )
    def test_it_settles_when_nothing_changes(self, sizer: object, fixed: float, each: float) -> None:
        """Fails: sizes jump up and down though the sink is as fast as before. Leave a band between."""
        sizes = _sizes(sizer, lambda size: (fixed + each * size, False))[-_SETTLED:]
        if sizes:
            assert max(sizes) <= _WILD * min(sizes), f"at {fixed} + {each} s a record it still jumps: {sizes}"

    @pytest.mark.parametrize("room", [3_000, 700, 100, 10, 1])
    def test_it_shrinks_when_batches_are_too_large(self, sizer: object, room: int) -> None:
        """Fails: it asks again for what the sink refused. After `too_large`, ask for fewer."""
        size, answers = 4_000, [4_000]
        for _ in range(_ROUNDS):
            feedback = SizingFeedback(
                100_000, adaptive=True, last_size=size, last_records=size, last_seconds=0.01, too_large=True
            )
            answer = _ask(sizer, feedback, _LIMITS)
            if answer is None:
                return
            answers.append(answer)
            if answer <= room:
                return
            assert answer < size, f"refused at {size}, it asks for {answer}"
            size = answer
        pytest.fail(f"with room for {room}, refused {_ROUNDS} times: {answers[:5]} … {answers[-3:]}")

    def test_nothing_is_written_to_stdout(self, sizer: object, capfd: pytest.CaptureFixture[str]) -> None:
        """Fails: it prints. Stdout belongs to the results of the command; log, or write to stderr."""
        for feedback, limits in islice(every_feedback(), 100):
            _ask(sizer, feedback, limits)
        silent(capfd, "the sizer")

    def test_answers_come_soon(self, sizer: object) -> None:
        """Fails: an answer takes long, and a batch waits for it."""

        def all_of_them() -> None:
            for feedback, limits in every_feedback():
                _ask(sizer, feedback, limits)

        within(self.patience, "answering all feedback", all_of_them)


def every_feedback() -> Iterator[tuple[SizingFeedback, SizeLimits]]:
    """Yield feedback of every kind, with limits of every kind; the same each time."""
    grid = product(
        (0, 1, 99, 101, 1_001, 10**9),
        (False, True),
        (0, 1, 32, 5_000),
        (0, 1, 31, 5_000),
        (0.0, 1e-9, 0.1, 1.0, 3_600.0),
        (False, True),
        (False, True),
    )
    limits = [SizeLimits(1), SizeLimits(5_000, 1), SizeLimits(10**6, None)]
    for number, values in enumerate(grid):
        yield SizingFeedback(*values), limits[number % len(limits)]
    for limit in limits:
        yield SizingFeedback(0), limit


def _ask(sizer: object, feedback: SizingFeedback, limits: SizeLimits) -> Any:
    return ask(sizer, "batch_size", feedback=feedback, limits=limits)


def _sizes(sizer: object, sink: Callable[[int], tuple[float, bool]]) -> list[int]:
    """Return the sizes of a long run with full batches, clamped as the engine does; [] for no opinion.

    Where it has none, at first say, the size stays what it was.
    """
    feedback = SizingFeedback(10**7, adaptive=True)
    sizes = []
    asked = False
    for _ in range(_ROUNDS):
        answer = _ask(sizer, feedback, _LIMITS)
        asked = asked or answer is not None
        size = max(1, min(answer or feedback.last_size or _LIMITS.preferred, _LIMITS.rows))
        seconds, too_large = sink(size)
        feedback = SizingFeedback(
            10**7, True, last_size=size, last_records=size, last_seconds=seconds, too_large=too_large
        )
        sizes.append(size)
    return sizes if asked else []
