"""The options of the embedder."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from batchwright import EmbedderOptions
from batchwright_openai.models import MODELS

_OURS = frozenset({"input", "model", "encoding_format", "dimensions", "user"})


class OpenAIOptions(EmbedderOptions):
    """Options of the embedder ``openai``.

    Attributes:
        base_url: What ``/embeddings`` is put behind.
        model: The model's name, as the server calls it.
        dimensions: Numbers a vector. Needed unless the model is OpenAI's.
        send_dimensions: Whether the server is asked for so many. By default it is, where the model is
            OpenAI's, can shorten its vectors, and has another number of its own.
        revision: Tells versions of the model apart, where you know of them: another one means new vectors.
        api_key: The key.
        api_key_file: A file that holds it.
        api_key_env: An environment variable that holds it. By default OPENAI_API_KEY, for OpenAI's own server
            alone, and AZURE_OPENAI_API_KEY for Azure's.
        key_header: The header that the key is sent in. By default ``Authorization``, as a bearer token, and
            ``api-key`` for Azure.
        api_version: Azure's ``api-version``.
        headers: More headers.
        secret_headers: More headers, whose values are shown nowhere.
        user: Sent as ``user``: whom the requests are made for.
        extra_body: More members of the request's body. They are part of what the model is.
        query_extra_body: More members, besides or in place of those, for what is searched for.
        encoding_format: How numbers are asked for; base64 is a quarter as long. Either is understood.
        texts: Texts a request, at most.
        tokens: Tokens a request, at most.
        tokens_a_text: Tokens a text, at most. Servers often cut a longer one without a word.
        at_once: Requests at the same time, at most.
        requests_a_minute: Requests begun in a minute, at most; by default there is no limit.
        tokens_a_minute: Tokens sent in a minute, at most; by default there is no limit.
        timeout: Seconds a request may take.
        allow_http: Whether texts and the key may go unencrypted to another machine.
    """

    base_url: str = "https://api.openai.com/v1"
    model: str = Field(default="text-embedding-3-small", min_length=1)
    dimensions: int | None = Field(default=None, ge=1, le=100_000)
    send_dimensions: bool | None = None
    revision: str = ""
    api_key: SecretStr | None = None
    api_key_file: Path | None = None
    api_key_env: str | None = Field(default=None, min_length=1)
    key_header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$")
    api_version: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.-]+$")
    headers: dict[str, str] = Field(default_factory=dict)
    secret_headers: dict[str, SecretStr] = Field(default_factory=dict)
    user: str | None = None
    extra_body: dict[str, Any] = Field(default_factory=dict)
    query_extra_body: dict[str, Any] = Field(default_factory=dict)
    encoding_format: Literal["base64", "float"] = "base64"
    texts: int = Field(default=64, ge=1, le=2048)
    tokens: int | None = Field(default=300_000, ge=1)
    tokens_a_text: int | None = Field(default=8_191, ge=1)
    at_once: int = Field(default=4, ge=1, le=256)
    requests_a_minute: int | None = Field(default=None, ge=1)
    tokens_a_minute: int | None = Field(default=None, ge=1)
    timeout: float = Field(default=60.0, gt=0, le=3600, allow_inf_nan=False)
    allow_http: bool = False

    @field_validator("base_url")
    @classmethod
    def _is_a_plain_url(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https") or not value.isprintable():
            raise ValueError("not a URL; write https://HOST/v1")
        if parts.username is not None:
            raise ValueError("put the key into api_key or api_key_file, not into the URL")
        if parts.query or parts.fragment:
            raise ValueError("leave out what begins with ? or #; Azure's version is api_version")
        return value.rstrip("/")

    @field_validator("extra_body", "query_extra_body")
    @classmethod
    def _leaves_ours_alone(cls, value: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(_OURS & value.keys()):
            raise ValueError(f"{taken[0]} is no extra: it is set by an option of its own, or by the texts")
        return value

    @model_validator(mode="after")
    def _fits(self) -> OpenAIOptions:
        if sum(given is not None for given in (self.api_key, self.api_key_file, self.api_key_env)) > 1:
            raise ValueError("give one of api_key, api_key_file and api_key_env")
        if self.dimensions is None and self.model not in MODELS:
            raise ValueError(
                f"{self.model!r} is no model of OpenAI's: say its dimensions, and with tokens_a_text how "
                "many tokens it takes"
            )
        if urlsplit(self.base_url).scheme == "http" and not self.allow_http and not self.is_local:
            raise ValueError(
                "base_url is http and of another machine: texts and key would go unencrypted; "
                "write https, or allow_http = true"
            )
        return self

    @property
    def hostname(self) -> str:
        """The host of the base URL, without its port."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        try:
            return ipaddress.ip_address(self.hostname).is_loopback
        except ValueError:
            return self.hostname == "localhost" or self.hostname.endswith(".localhost")

    @property
    def is_azure(self) -> bool:
        """Whether the server is Azure's."""
        return self.api_version is not None or self.hostname.endswith(
            (".azure.com", ".azure.us", ".azure.cn")
        )
