"""Passwords are masked wherever a text may carry them."""

from __future__ import annotations

import time

import pytest

from batchwright.secrets import TargetUrl, describe, mask, masked_url, secrets_in


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:hunter2@host/db",
        "could not reach postgresql://me:hunter2@host:5432/db?x=1: refused",
        "postgresql://me:hun@ter2@host/db",
        "host=h password=hunter2 dbname=d",
        "password='hunter2 with space'",
        "postgresql://h/db?user=me&password=hunter2&sslmode=require",
        '{"password": "hunter2"}',
        "api_key=hunter2",
        "{'TOKEN': 'hunter2'}",
        "sslpassword=hunter2",
        "https://hunter2@example.org/a.md",
        "https://b.s3.amazonaws.com/a.md?X-Amz-Expires=60&X-Amz-Signature=hunter2",
        "https://b.s3.amazonaws.com/a.md?X-Amz-Security-Token=hunter2&X-Amz-Date=1",
        "https://storage.googleapis.com/b/a.md?X-Goog-Signature=hunter2",
        "https://me.blob.core.windows.net/c/a.md?sv=2024&sig=hunter2&se=1",
        "AccountName=me;AccountKey=hunter2;EndpointSuffix=core.windows.net",
        "BlobEndpoint=https://x/;SharedAccessSignature=hunter2",
        "s3://bucket/docs/?access_key_id=AKID&secret_access_key=hunter2",
    ],
)
def test_passwords_are_masked(text: str) -> None:
    masked = mask(text)
    assert "hunter2" not in masked
    assert "ter2" not in masked
    assert "***" in masked


@pytest.mark.parametrize(
    "text",
    [
        "http://host:80/path",
        "a@b.example",
        "postgresql://me@host/db",
        "the signature is wrong",
        "the password is wrong for user",
        "sqlite:///a.db",
        "12:30 x@y",
        "max_token: no such setting",
    ],
)
def test_what_is_no_password_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("piece", ["x", "_secret", "a://", "password=", "u:p@", "a.b-"])
def test_a_long_word_takes_no_long_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    began = time.perf_counter()
    mask(text)
    assert time.perf_counter() - began < 5.0  # it takes some 0.1 s, and took minutes


def test_the_passwords_of_a_url_are_masked_in_any_text() -> None:
    secrets = secrets_in("postgresql://me:p%40ss%2Fword@host/db?password=second")
    assert mask("driver says p@ss/word, p%40ss%2Fword and second", secrets) == "driver says ***, *** and ***"


def test_a_target_hides_its_password_from_repr_but_not_from_use() -> None:
    target = TargetUrl("postgresql://me:hunter2@host/db")
    assert repr(target) == "'postgresql://me:***@host/db'"
    assert target == "postgresql://me:hunter2@host/db"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hun%40ter2@host:5432/db?table=a", "postgresql://me:***@host:5432/db?table=a"),
        ("postgresql://me:hun@te/r?2#@host:5432/db", "postgresql://me:***@host:5432/db"),
        ("postgresql://me:hun/ter2@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:[hunter2@host/db", "postgresql://me:***@host/db"),
        ("sqlite:////home/me@work/a:b@c.db", "sqlite:////home/me@work/a:b@c.db"),
    ],
)
def test_a_url_that_is_wrong_for_its_password_does_not_show_it(url: str, shown: str) -> None:
    assert masked_url(url) == shown


def test_the_signature_of_a_presigned_url_and_a_token_as_user_are_masked_in_any_text() -> None:
    secrets = secrets_in("https://t0ken@host/a.md?X-Amz-Signature=se%2Fsame&X-Amz-Expires=60")
    assert mask("it says t0ken, se/same and 60", secrets) == "it says ***, *** and 60"
    assert secrets_in("postgresql://me@host/db") == ()


@pytest.mark.parametrize("before", [0, 32 * 1024 - 20, 32 * 1024, 64 * 1024 - 30])
def test_a_very_long_message_is_cut_and_shows_no_part_of_a_password(before: int) -> None:
    error = ValueError("x" * before + " postgresql://me:hunter2hunter2@h/db " + "y" * 3_000_000)
    told = describe(error)
    assert len(told) == 32 * 1024 + 1
    assert told.endswith("…")
    assert "hunter" not in told


def test_what_is_noted_beside_an_error_is_told_with_it_and_masked() -> None:
    error = ValueError("no room")
    error.add_note("ask postgresql://me:hunter2@h/db for more")
    assert describe(error) == "no room; ask postgresql://me:***@h/db for more"
