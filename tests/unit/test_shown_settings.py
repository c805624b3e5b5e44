"""What settings show of themselves, and what of a database's words about a row is shown."""

from __future__ import annotations

import pickle
import traceback
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from batchwright import BatchConfig, ConfigError
from batchwright.contracts.plugin import PluginOptions
from batchwright.plugins.manager import PluginManager
from batchwright.secrets import describe, is_ambiguous, masked_url, revealed, secrets_in

URL = "postgresql://ann:0penSesame@db.example/kb"


def config(tmp_path: Path) -> BatchConfig:
    return BatchConfig(
        input_dir=tmp_path,
        to=URL,
        sink={"postgres": {"dsn": "host=h", "nested": [{"api_token": "0penSesame"}]}, "web": {"url": URL}},
        reporter={"mail": {"password": "0penSesame"}},
    )


def test_nothing_that_settings_show_has_a_password(tmp_path: Path) -> None:
    shown = config(tmp_path)
    for text in (
        str(shown.to),
        f"{shown.to}",
        f"{shown.to!r:>60}",
        repr(shown),
        str(shown),
        shown.model_dump_json(),
        str(shown.model_dump()),
        str(shown.model_dump(mode="json")),
        str(shown.model_dump(include={"to", "reporter"})),
    ):
        assert "0penSesame" not in text


def test_settings_keep_what_they_do_not_show(tmp_path: Path) -> None:
    kept = config(tmp_path)
    for same in (kept, pickle.loads(pickle.dumps(kept)), kept.model_copy(update={"workers": 2})):
        assert same.to == URL
        assert revealed(same.to) == URL
        assert same.reporter["mail"]["password"] == "0penSesame"


def test_options_of_a_plugin_show_no_secret_either() -> None:
    class MailOptions(PluginOptions):
        server: str
        password: str
        token: SecretStr
        url: str

    options = MailOptions(server="mx", password="0penSesame", token=SecretStr("0penSesame"), url=URL)
    for text in (repr(options), str(options), options.model_dump_json(), str(options.model_dump())):
        assert "0penSesame" not in text
        assert "mx" in text
    wrong = {"server": "mx", "password": [URL], "token": URL, "url": URL}
    with pytest.raises(ConfigError) as caught:
        MailOptions(**wrong)  # type: ignore[arg-type]
    assert "0penSesame" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "password", ["0pen@Sesame", "0pen/Sesame", "0pen#Sesame", "0pen?Sesame", "0pen[Sesame", "12/Sesame"]
)
def test_a_password_that_is_not_encoded_is_shown_nowhere_and_refused(password: str) -> None:
    url = f"postgresql://ann:{password}@db.example/kb"
    assert is_ambiguous(url)
    assert masked_url(url) == "postgresql://ann:***@db.example/kb"
    with pytest.raises(ConfigError, match="%40") as caught:
        PluginManager.load().make_sink(url)
    shown = "".join(traceback.format_exception(caught.value))
    assert "0pen" not in shown.replace(__file__, "")
    assert "Sesame" not in str(caught.value)
    assert "Sesame" not in masked_url(f"no route to {url}, giving up")


def test_any_part_of_it_that_a_driver_takes_for_a_port_is_masked() -> None:
    error = ValueError('invalid port number: "0pen"')
    assert describe(error, secrets_in("postgresql://ann:0pen/Sesame@h/kb")) == 'invalid port number: "***"'


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///a@b.db",
        "postgresql://h:5432/kb?user=ann@corp",
        "postgresql://h1:1,h2:2/kb?user=ann@corp",
        "postgresql://[::1]:5432/kb?user=ann@corp",
        "postgresql://ann:a%40b@h:5/kb",
        "postgresql://ann@h/kb",
    ],
)
def test_a_url_that_is_written_as_it_must_be_is_not_doubted(url: str) -> None:
    assert not is_ambiguous(url)


class Diagnosis:
    message_primary: str | None = None
    message_hint: str | None = None

    def __init__(self, detail: str = "", context: str = "") -> None:
        self.message_detail, self.context = detail, context


class Refused(psycopg.Error):
    """An error with what a server says about a row."""

    def __init__(self, detail: str = "", context: str = "") -> None:
        super().__init__(f"no\nDETAIL:  {detail}\nCONTEXT:  {context}".strip())
        self.said = Diagnosis(detail, context)

    @property
    def diag(self) -> Diagnosis:  # type: ignore[override]
        return self.said


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ("Failing row contains (7, 0penSesame, (x), 1).", "Failing row contains (…)."),
        ("Fehlgeschlagene Zeile enthält (7, 0penSesame\n).", "Fehlgeschlagene Zeile enthält (…)."),
        (
            "Key (id, lower(name))=(7, 0penSesame) already exists.",
            "Key (id, lower(name))=(…) already exists.",
        ),
        ("Nothing in brackets.", "Nothing in brackets."),
    ],
)
def test_the_values_of_a_row_are_cut_from_what_a_database_says(detail: str, shown: str) -> None:
    said = describe(Refused(detail, 'COPY fruit, line 3, column price: "0penSesame"'))
    assert shown in said
    assert 'COPY fruit, line 3, column price: "…"' in said
    assert "0penSesame" not in said


def test_the_statements_of_a_function_of_ours_are_cut() -> None:
    error = Refused(
        "Key (id)=(0penSesame) already exists.",
        "PL/pgSQL function kb_write_c5187485(text[], bigint[]) line 64",
    )
    error.said.message_primary, error.said.message_hint = "duplicate key", None
    assert describe(error) == "duplicate key\nKey (id)=(…) already exists."
    theirs = Refused("", "PL/pgSQL function audit(text) line 3 at RAISE")
    assert "function audit(text) line 3" in describe(theirs)
