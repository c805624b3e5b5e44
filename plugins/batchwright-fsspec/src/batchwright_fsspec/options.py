"""The options of the sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, model_validator

from batchwright import ConfigError, SourceOptions


class RemoteOptions(SourceOptions):
    """What the sources of this package have in common.

    Attributes:
        at_once: Objects fetched at the same time, at most.
        requests_a_minute: Objects fetched in a minute, at most; by default there is no limit.
        connect_timeout: Seconds to wait for a connection.
        read_timeout: Seconds to wait for the next bytes of an answer.
    """

    at_once: int = Field(default=16, ge=1, le=1000)
    requests_a_minute: int | None = Field(default=None, ge=1)
    connect_timeout: float = Field(default=10.0, gt=0, le=3600, allow_inf_nan=False)
    read_timeout: float = Field(default=60.0, gt=0, le=3600, allow_inf_nan=False)


class S3Options(RemoteOptions):
    """Options of the source of S3, and of the stores that speak its protocol.

    Whatever isn't said here botocore takes from its usual places: ``AWS_…`` variables, ``~/.aws``, the role
    of the machine.

    Attributes:
        endpoint_url: Of a store that isn't Amazon's, such as ``http://minio.local:9000``.
        region: The bucket's region.
        profile: A profile of ``~/.aws/config``.
        anon: Whether to sign nothing, for a public bucket.
        access_key_id: The access key's id.
        secret_access_key: The secret that belongs to it.
        session_token: The token that belongs to temporary keys.
        access_key_id_file: A file that holds the access key's id.
        secret_access_key_file: A file that holds the secret.
        session_token_file: A file that holds the token.
        requester_pays: Whether you pay for requests to a bucket that asks for that.
        path_style: Whether the bucket stands in the URL's path, and not in the host's name.
        ordered: Whether the store lists keys in order, as S3 does except for its directory buckets. Else they
            are sorted on disk.
        check_md5: Whether to compare what was fetched with an ETag that is an MD5.
    """

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    anon: bool = False
    access_key_id: SecretStr | None = None
    secret_access_key: SecretStr | None = None
    session_token: SecretStr | None = None
    access_key_id_file: Path | None = None
    secret_access_key_file: Path | None = None
    session_token_file: Path | None = None
    requester_pays: bool = False
    path_style: bool = False
    ordered: bool = True
    check_md5: bool = True

    @model_validator(mode="after")
    def _keys_come_from_one_place(self) -> S3Options:
        for name in ("access_key_id", "secret_access_key", "session_token"):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"give {name} or {name}_file, not both")
        has_id = self.access_key_id is not None or self.access_key_id_file is not None
        has_secret = self.secret_access_key is not None or self.secret_access_key_file is not None
        if has_id != has_secret:
            raise ValueError("access_key_id and secret_access_key belong together: give both, or neither")
        return self


class GcsOptions(RemoteOptions):
    """Options of the source of Google Cloud Storage.

    Attributes:
        project: The project, where the credentials belong to none.
        credentials_file: A service account's file. By default the application's default credentials are used.
        anon: Whether to sign in nowhere, for a public bucket.
        endpoint_url: Of another server that speaks its protocol.
    """

    project: str | None = None
    credentials_file: Path | None = None
    anon: bool = False
    endpoint_url: str | None = None


class AzureOptions(RemoteOptions):
    """Options of the source of Azure Blob Storage.

    Whatever isn't said here adlfs takes from ``AZURE_STORAGE_…`` variables, or Azure's default credentials.

    Attributes:
        account_name: The storage account.
        account_key: Its key.
        account_key_file: A file that holds it.
        sas_token: A shared access signature, in place of a key.
        sas_token_file: A file that holds it.
        connection_string: All of that in one.
        anon: Whether to sign in nowhere, for a public container.
    """

    account_name: str | None = None
    account_key: SecretStr | None = None
    account_key_file: Path | None = None
    sas_token: SecretStr | None = None
    sas_token_file: Path | None = None
    connection_string: SecretStr | None = None
    anon: bool | None = None


class HttpOptions(RemoteOptions):
    """Options of the source of HTTP.

    Attributes:
        bearer_token: Sent as ``Authorization: Bearer``, to this host only.
        bearer_token_file: A file that holds it.
    """

    bearer_token: SecretStr | None = None
    bearer_token_file: Path | None = None


class FilesystemOptions(RemoteOptions):
    """Options of the source of fsspec's other file systems.

    Attributes:
        storage: Passed on to the file system, such as a port or a password.
    """

    at_once: int = Field(default=1, ge=1, le=1000)
    storage: dict[str, Any] = Field(default_factory=dict)


def secret_of(given: SecretStr | None, file: Path | None) -> str | None:
    """Return a secret that is given, or stands in a file; None where there is neither.

    Raises:
        ConfigError: The file can't be read, or is empty.
    """
    if given is not None:
        return given.get_secret_value()
    if file is None:
        return None
    try:
        text = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't read the secret in {file}: {type(error).__name__}") from None
    if not text:
        raise ConfigError(f"the secret in {file} is empty")
    return text
