"""Objects of Google Cloud Storage and of Azure Blob Storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from batchwright_fsspec.drivers import file_system
from batchwright_fsspec.filesystem import FsspecSource
from batchwright_fsspec.location import Location
from batchwright_fsspec.options import AzureOptions, GcsOptions, secret_of


class GcsSource(FsspecSource[GcsOptions]):
    """Objects of Google Cloud Storage, by gcsfs."""

    name = "gcs"
    schemes: ClassVar[tuple[str, ...]] = ("gs", "gcs")
    options_type = GcsOptions

    def arguments(self, url: str) -> Mapping[str, Any]:
        """Return project, credentials and server."""
        Location.of(url)
        options = self.options
        given = {"project": options.project, "endpoint_url": options.endpoint_url}
        token = (
            "anon" if options.anon else str(options.credentials_file) if options.credentials_file else None
        )
        return {name: value for name, value in {**given, "token": token}.items() if value is not None}


class AzureSource(FsspecSource[AzureOptions]):
    """Objects of Azure Blob Storage, by adlfs."""

    name = "azure"
    schemes: ClassVar[tuple[str, ...]] = ("az", "abfs", "abfss")
    options_type = AzureOptions

    def arguments(self, url: str) -> Mapping[str, Any]:
        """Return account and credentials; ``abfss://CONTAINER@ACCOUNT.dfs.…/`` names the account as well."""
        options = self.options
        connection = options.connection_string
        given = {
            "account_name": options.account_name,
            "account_key": secret_of(options.account_key, options.account_key_file),
            "sas_token": secret_of(options.sas_token, options.sas_token_file),
            "connection_string": connection.get_secret_value() if connection else None,
            "anon": options.anon,
        }
        said: Mapping[str, Any] = file_system(self._scheme)._get_kwargs_from_urls(url)
        return {**said, **{name: value for name, value in given.items() if value is not None}}
