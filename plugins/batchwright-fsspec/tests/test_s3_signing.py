"""Requests for objects are those that S3's own client would send, with its signature."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256

import pytest
from batchwright_fsspec import S3Source
from pydantic import SecretStr

from batchwright import Item

from .servers import Reply, S3Server, refusal
from .test_s3_listing import HOSTILE

Make = Callable[..., S3Source]

SECRET = "wJalrXUtnFEMI"


def signature_of(path: str, headers: dict[str, str], secret: str) -> str:
    """Return the signature of a request without a query as S3's manual says (Signature Version 4)."""
    sent = {name.lower(): value for name, value in headers.items()}
    scope, names = (
        sent["authorization"].partition(f"{part}=")[2] for part in ("Credential", "SignedHeaders")
    )
    day, region, service, end = scope.partition(",")[0].split("/")[1:]
    signed = names.partition(",")[0]
    canonical = "".join(f"{name}:{sent[name]}\n" for name in signed.split(";"))
    request = f"GET\n{path}\n\n{canonical}\n{signed}\n{sent['x-amz-content-sha256']}"
    text = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            sent["x-amz-date"],
            f"{day}/{region}/{service}/{end}",
            sha256(request.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, end, text):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


@pytest.mark.parametrize("token", [None, SecretStr("session/token==")])
def test_a_request_is_signed_as_the_manual_says_whatever_the_key(
    s3: S3Server, make: Make, token: SecretStr | None
) -> None:
    s3.objects = {f"docs/{key}": b"x" for key in HOSTILE}
    docs = make(region="eu-central-1", **({"session_token": token} if token else {}))
    for key in HOSTILE:
        docs.fetch(Item(key, f"docs/{key}"))
    assert len(s3.requests) == len(HOSTILE)
    for path, headers in s3.requests:
        assert "/eu-central-1/s3/" in headers["Authorization"]
        assert headers["Authorization"].rpartition("=")[2] == signature_of(path, headers, SECRET)
        assert headers.get("X-Amz-Security-Token") == (token.get_secret_value() if token else None)


def test_the_client_asks_for_the_same_object(s3: S3Server, make: Make) -> None:
    s3.objects = {f"docs/{key}": b"x" for key in HOSTILE}
    ours, clients = make(), make(requester_pays=True)
    for key in HOSTILE:
        item = Item(key, f"docs/{key}")
        assert ours.fetch(item).fingerprint == clients.fetch(item).fingerprint
    sent = [(path.partition("?")[0], headers.get("x-amz-request-payer")) for path, headers in s3.requests]
    assert [path for path, payer in sent if payer is None] == [path for path, payer in sent if payer]


def test_what_the_store_refuses_is_asked_for_again_by_the_client(s3: S3Server, make: Make) -> None:
    s3.objects = {"docs/a.md": b"x"}
    s3.script = lambda kind, key, number: refusal(403, "SignatureDoesNotMatch") if number == 1 else None
    assert make().fetch(Item("a.md", "docs/a.md")).open().read() == b"x"


def test_a_bucket_in_another_region_is_found(s3: S3Server, make: Make) -> None:
    def elsewhere(kind: str, key: str, number: int) -> Reply | None:
        if "/eu-west-1/" in s3.requests[-1][1]["Authorization"]:
            return None
        body = b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"
        return Reply(400, body, {"Content-Type": "application/xml"})

    s3.objects, s3.script = {"docs/a.md": b"x"}, elsewhere
    docs = make(region="us-east-1")
    [item] = docs.list()
    assert docs.fetch(item).open().read() == b"x"


def test_a_public_bucket_is_read_without_a_signature(s3: S3Server, make: Make) -> None:
    s3.objects = {"docs/a.md": b"x"}
    docs = make(access_key_id=None, secret_access_key=None, anon=True)
    [item] = docs.list()
    assert docs.fetch(item).open().read() == b"x"
    assert not any("Authorization" in headers or "Signature" in path for path, headers in s3.requests)
