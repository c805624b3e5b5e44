"""Asking plugins, and making what they offer."""

from __future__ import annotations

from typing import Any

import pytest

from batchwright import (
    ConfigError,
    ErrorRecoveryAction,
    Failure,
    PluginError,
    SizeLimits,
    Verdict,
)
from tests.support.notes import (
    FEEDBACK,
    NotesReporter,
    NotesSink,
    classifier,
    load,
    offering,
    sizer,
)

# --- asking -----------------------------------------------------------------------------------------


def test_the_plugin_registered_last_is_asked_first_and_none_means_no_opinion() -> None:
    retry, skip = ErrorRecoveryAction.RETRY, ErrorRecoveryAction.SKIP
    manager = load(classifier(Verdict(retry), "first"), classifier(skip, "second"), classifier(None, "third"))
    decision = manager.classify(Failure(KeyError()))
    assert (decision.action, decision.decided_by) == (skip, "second")


@pytest.mark.parametrize("answer", [ZeroDivisionError("oops password=hunter2"), "retry", 3])
def test_a_classifier_that_raises_or_babbles_means_fail(
    answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    manager = load(classifier(ErrorRecoveryAction.RETRY, "good"), classifier(answer, "bad"))
    decision = manager.classify(Failure(KeyError()))
    assert (decision.action, decision.decided_by) == (ErrorRecoveryAction.FAIL, "bad")
    assert "'bad' raised" in decision.verdict.reason
    assert "hunter2" not in decision.verdict.reason + caplog.text


def test_nobody_s_answer_means_fail() -> None:
    assert load().classify(Failure(KeyError())).action is ErrorRecoveryAction.FAIL


@pytest.mark.parametrize(("answer", "size"), [(10, 10), (10_000, 500), (0, 1), (-5, 1), (None, 500)])
def test_a_size_is_clamped_to_the_limits(answer: int | None, size: int) -> None:
    assert load(sizer(answer)).batch_size(FEEDBACK, SizeLimits(rows=500)) == size


def test_a_sizer_that_raises_is_passed_over_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    manager = load(sizer(7, "good"), sizer(ZeroDivisionError("oops"), "bad"))
    assert [manager.batch_size(FEEDBACK, SizeLimits(rows=500)) for _ in range(3)] == [7, 7, 7]
    assert caplog.text.count("'bad' raised") == 1


# --- making sinks and reporters ---------------------------------------------------------------------


def test_the_scheme_picks_the_sink_and_sections_and_query_are_its_options() -> None:
    manager = load(offering(NotesSink))
    sink = manager.make_sink("notes://desk/top?colour=red&other=1", {"notes": {"key": "k"}})
    assert isinstance(sink, NotesSink)
    assert sink.options.colour == "red"
    assert sink.options.key.get_secret_value() == "k"
    assert sink.options.url.get_secret_value() == "notes://desk/top?other=1"
    assert manager.make_sink("NOTEBOOK://x").options.colour == "white"


def test_a_url_without_options_of_the_sink_is_handed_on_as_it_is() -> None:
    url = "notes:///a%20b?x=%2F&y"
    assert load(offering(NotesSink)).make_sink(url).options.url.get_secret_value() == url
    bare = load(offering(NotesSink)).make_sink("notes:///a/b?colour=red").options.url.get_secret_value()
    assert bare == "notes:///a/b"


@pytest.mark.parametrize(
    ("url", "sections", "message"),
    [
        ("ntoes://x", {}, r"to: no sink for 'ntoes'; did you mean 'notes'\?; installed: notebook, notes"),
        ("mongodb://me:hunter2@x", {}, r"no sink for 'mongodb'; installed: notebook, notes"),
        ("just a path", {}, r"not a URL"),
        ("notes://x", {"notse": {}}, r"sink.notse: no sink has this name; did you mean 'notes'\?"),
        ("notes://x", {"notes": {"color": "red"}}, r"sink\.notes\.color.*colour"),
        ("notes://x", {"notes": {"colour": ["hunter2"]}}, r"sink\.notes\.colour"),
    ],
)
def test_a_wrong_target_is_a_clear_error(url: str, sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(offering(NotesSink)).make_sink(url, sections)
    assert "hunter2" not in str(caught.value)


def test_a_reporter_is_made_by_name() -> None:
    manager = load(offering(reporters=[NotesReporter]))
    assert isinstance(manager.make("reporter", "notes"), NotesReporter)
    with pytest.raises(
        ConfigError, match=r"reporter\.nots: no reporter has this name \(nots\); did you mean 'notes'"
    ):
        manager.make("reporter", "nots")
    with pytest.raises(ConfigError, match=r"reporter\.notes\.loud"):
        manager.make("reporter", "notes", {"notes": {"loud": True}})


@pytest.mark.parametrize(
    ("offer", "message"),
    [
        (int, "offers <class 'int'> as a sink; offer a subclass of batchwright.Sink"),
        ("notes", "offers 'notes' as a sink"),
        (type("Nameless", (NotesSink,), {"name": ""}), "the sink Nameless has no name"),
        (type("Lax", (NotesSink,), {"options_type": dict}), "Lax has options that are no SinkOptions"),
    ],
)
def test_what_is_no_sink_is_not_taken_for_one(offer: Any, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        load(offering(offer))


def test_a_misspelt_option_of_a_sink_that_is_not_used_is_a_mistake_too() -> None:
    other = type("Other", (NotesSink,), {"name": "other", "schemes": ("other",)})
    with pytest.raises(ConfigError, match=r"sink\.notes\.color: no such setting; did you mean colour\?"):
        load(offering(NotesSink, other)).make_sink("other://x", {"notes": {"color": "red"}})
