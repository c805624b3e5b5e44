"""Where settings come from, who wins, and what a wrong one says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from batchwright import config
from batchwright.builtin.sqlite.options import database_path
from batchwright.config import BatchConfig, Settings, in_lines
from batchwright.errors import ConfigError
from batchwright.home import from_home
from batchwright.model import DATE_FIELDS, ErrorRecoveryAction

load_config = partial(config.load_config, BatchConfig)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def complaint(arguments: Mapping[str, object], environ: Mapping[str, str], file: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(arguments, environ, file)
    return str(caught.value)


DOCS = {"input_dir": Path("docs")}


def test_arguments_win_over_environment_over_file_over_defaults(here: Path) -> None:
    write(
        here / "batchwright.toml",
        'batch_size = 1\nworkers = 2\nchunk_max_tokens = 100\nto = "sqlite:///file.db"',
    )
    environ = {"BATCHWRIGHT_BATCH_SIZE": "10", "BATCHWRIGHT_WORKERS": "20"}
    config = load_config({**DOCS, "batch_size": 100}, environ, None)
    assert (config.batch_size, config.workers, config.chunk_max_tokens) == (100, 20, 100)
    assert (config.to, config.encoding) == ("sqlite:///file.db", "cl100k_base")


def test_an_argument_of_none_counts_as_not_given(here: Path) -> None:
    assert load_config({**DOCS, "batch_size": None}, {"BATCHWRIGHT_BATCH_SIZE": "7"}, None).batch_size == 7


def test_an_empty_variable_counts_as_not_set(here: Path) -> None:
    write(here / "batchwright.toml", "batch_size = 3")
    assert load_config(DOCS, {"BATCHWRIGHT_BATCH_SIZE": " "}, None).batch_size == 3


def test_the_file_in_the_working_directory_gives_way_to_the_one_given(here: Path) -> None:
    write(here / "batchwright.toml", "batch_size = 3\nworkers = 9")
    other = write(here / "other.toml", "batch_size = 4")
    config = load_config(DOCS, {}, other)
    assert (config.batch_size, config.workers) == (4, 1)


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("*.md, *.txt ,", ("*.md", "*.txt")),
        ('["*.md", "a,b.md"]', ("*.md", "a,b.md")),
        ("[a-z]*.md", ("[a-z]*.md",)),
    ],
)
def test_a_list_in_a_variable_is_json_or_comma_separated(
    here: Path, text: str, patterns: tuple[str, ...]
) -> None:
    assert load_config(DOCS, {"BATCHWRIGHT_PATTERNS": text}, None).patterns == patterns


def test_disabled_plugins_are_stripped_of_spaces(here: Path) -> None:
    config = load_config(DOCS, {"BATCHWRIGHT_DISABLE_PLUGINS": " a , b,"}, None)
    assert config.disable_plugins == ("a", "b")


def test_sections_are_merged_option_by_option(here: Path) -> None:
    write(
        here / "batchwright.toml",
        '[sink.postgres]\ntable = "file"\nschema = "kb"\n[sink.sqlite]\ntable = "other"',
    )
    config = load_config(DOCS, {"BATCHWRIGHT_SINK__POSTGRES__TABLE": "variable"}, None)
    assert config.sink == {"postgres": {"table": "variable", "schema": "kb"}, "sqlite": {"table": "other"}}


def test_a_whole_section_can_come_as_json(here: Path) -> None:
    config = load_config(DOCS, {"BATCHWRIGHT_SINK": '{"postgres": {"table": "t"}}'}, None)
    assert config.sink == {"postgres": {"table": "t"}}


def test_an_option_that_only_looks_like_json_stays_text(here: Path) -> None:
    config = load_config(DOCS, {"BATCHWRIGHT_SINK__POSTGRES__PASSWORD": "[x{y"}, None)
    assert config.sink["postgres"]["password"] == "[x{y"


def test_sqlstates_are_set_one_by_one_and_in_any_case_of_the_action(here: Path) -> None:
    write(here / "batchwright.toml", '[sqlstates]\n23505 = "SKIP"\n23 = "fail"')
    config = load_config(DOCS, {"BATCHWRIGHT_SQLSTATES__23505": "retry"}, None)
    assert config.sqlstates == {"23505": ErrorRecoveryAction.RETRY, "23": ErrorRecoveryAction.FAIL}


def test_variables_for_tests_and_of_others_are_passed_over(here: Path) -> None:
    config = load_config(DOCS, {"BATCHWRIGHT_TEST_DSN": "x", "PATH": "y", "BATCH_SIZE": "z"}, None)
    assert config.model_dump() == BatchConfig(input_dir=Path("docs")).model_dump()


def test_an_origin_names_the_place_where_a_setting_was_made(here: Path) -> None:
    write(here / "batchwright.toml", 'workers = 2\n[sink.postgres]\ntable = "t"\nschema = "s"')
    environ = {"BATCHWRIGHT_SINK__POSTGRES__TABLE": "v"}
    config = load_config({**DOCS, "batch_size": 5}, environ, None)
    assert config.origin("batch_size") == "--batch-size"
    assert config.origin("sink.postgres.table") == "BATCHWRIGHT_SINK__POSTGRES__TABLE"
    assert config.origin("sink.postgres.schema") == "batchwright.toml: sink.postgres.schema"
    assert config.origin("encoding") == "encoding"


# --- errors -------------------------------------------------------------------------------------------


def test_a_misspelled_setting_names_its_place_and_the_nearest(here: Path) -> None:
    file = write(here / "my.toml", "batch_sise = 3")
    assert complaint(DOCS, {}, file) == f"{file}: batch_sise: no such setting; did you mean batch_size?"
    assert complaint(DOCS, {"BATCHWRIGHT_BATCH_SISE": "3"}) == (
        "BATCHWRIGHT_BATCH_SISE: no such setting; did you mean BATCHWRIGHT_BATCH_SIZE?"
    )


def test_a_section_variable_with_single_underscores_is_told_how_to_write_it(here: Path) -> None:
    assert "BATCHWRIGHT_SINK__NAME__OPTION" in complaint(DOCS, {"BATCHWRIGHT_SINK_POSTGRES_TABLE": "t"})


@pytest.mark.parametrize(
    "variable", ["BATCHWRIGHT_BATCH_SIZE__X", "BATCHWRIGHT_SINK__A__B__C", "BATCHWRIGHT_SINK____B"]
)
def test_a_variable_with_too_many_or_empty_parts_is_no_setting(here: Path, variable: str) -> None:
    assert complaint(DOCS, {variable: "3"}).startswith(f"{variable}: no such setting")


def test_all_errors_come_at_once_one_a_line(here: Path) -> None:
    write(here / "batchwright.toml", "worker = 3\nchunk_max_tokens = 1")
    told = complaint({**DOCS, "batch_size": 0}, {"BATCHWRIGHT_MAX_RETRIES": "many", "BATCHWRIGHT_X": "1"})
    assert sorted(told.splitlines()) == [
        "--batch-size: should be greater than or equal to 1",
        "BATCHWRIGHT_MAX_RETRIES: should be a valid integer",
        "BATCHWRIGHT_X: no such setting",
        "batchwright.toml: chunk_max_tokens: should be greater than or equal to 16",
        "batchwright.toml: worker: no such setting; did you mean workers?",
    ]


def test_a_syntax_error_names_file_and_line(here: Path) -> None:
    file = write(here / "my.toml", 'workers = 2\nto = "sqlite://\n')
    assert complaint(DOCS, {}, file).startswith(f"{file}: line 2, column ")


def test_a_file_that_is_missing_or_no_text_is_named(here: Path) -> None:
    assert complaint(DOCS, {}, Path("none.toml")) == "none.toml: no such file"
    assert complaint(DOCS, {}, here).startswith(f"{here}: can't be read: ")
    (here / "bytes.toml").write_bytes(b"a = '\xff'")
    assert complaint(DOCS, {}, Path("bytes.toml")) == "bytes.toml: byte 5 is not UTF-8, and TOML has to be"


@pytest.mark.parametrize("text", ["a = " + "[" * 5_000 + "]" * 5_000, ".".join("a" * 5_000) + " = 1"])
def test_a_file_that_is_nested_too_deep_is_named(here: Path, text: str) -> None:
    file = write(here / "deep.toml", text)
    assert complaint(DOCS, {}, file) == f"{file}: lists or tables in it are nested too deep"
    environ = {"BATCHWRIGHT_SINK": "[" * 100_000, "BATCHWRIGHT_SOURCES": '{"a":' * 100_000}
    assert "BATCHWRIGHT_SINK: " in complaint(DOCS, environ)


def test_a_wrong_directory_is_a_message_of_its_own(here: Path) -> None:
    write(here / "file.md", "")
    assert complaint({"input_dir": "none"}, {}).startswith("no such directory: none;")
    assert complaint({"input_dir": "file.md"}, {}).startswith("not a directory: file.md;")
    assert complaint({}, {"BATCHWRIGHT_INPUT_DIR": "none"}).startswith(
        "BATCHWRIGHT_INPUT_DIR: no such directory: none;"
    )


def test_a_wrong_sqlstate_is_named_with_what_one_looks_like(here: Path) -> None:
    write(here / "batchwright.toml", '[sqlstates]\nunique = "skip"\n23505 = "ignore"')
    told = complaint(DOCS, {})
    assert "batchwright.toml: sqlstates.unique: is no SQLSTATE" in told
    assert "batchwright.toml: sqlstates.23505: should be 'retry', 'skip' or 'fail'" in told


def test_settings_that_contradict_each_other_name_both(here: Path) -> None:
    told = complaint({**DOCS, "chunk_overlap": 300}, {})
    assert told == "--chunk-overlap: 300 is too much; it must be less than half of chunk_max_tokens (512)"


def test_no_error_shows_a_value_that_may_be_secret(here: Path) -> None:
    write(here / "batchwright.toml", '[sink]\npostgres = "hunter2"\n[reporter.x]\n')
    told = complaint(
        {**DOCS, "to": ["hunter2"]}, {"BATCHWRIGHT_WORKERS": "hunter2", "BATCHWRIGHT_PASSWORD": "hunter2"}
    )
    assert len(told.splitlines()) == 4
    assert "hunter2" not in told


def test_the_target_does_not_show_its_password() -> None:
    config = BatchConfig(
        input_dir=Path(), to="postgresql://me:hunter2@host/db", sink={"p": {"password": "hunter2"}}
    )
    assert "hunter2" not in repr(config) + str(config)
    assert config.to == "postgresql://me:hunter2@host/db"


class Options(Settings):
    table: str
    port: int = 1
    password: SecretStr = SecretStr("")


def test_complaints_name_section_and_field_and_the_nearest_and_no_value() -> None:
    with pytest.raises(ConfigError) as caught:
        Options.model_validate({"tabel": "hunter2", "port": "hunter2", "password": 12})
    assert in_lines(caught.value.complaints, "sink.mine").splitlines() == [
        "sink.mine.table: is missing",
        "sink.mine.port: should be a valid integer",
        "sink.mine.password: should be a valid string",
        "sink.mine.tabel: no such setting; did you mean table?",
    ]


def test_variables_that_kubernetes_sets_for_a_service_are_passed_over_with_one_warning(here: Path) -> None:
    services = {
        "BATCHWRIGHT_SERVICE_HOST": "10.0.0.7",
        "BATCHWRIGHT_SERVICE_PORT_HTTP": "8080",
        "BATCHWRIGHT_PORT": "tcp://10.0.0.7:8080",
        "BATCHWRIGHT_PORT_8080_UDP_ADDR": "10.0.0.7",
        "BATCHWRIGHT_STAGING_DB_SERVICE_PORT": "5432",
        "BATCHWRIGHT_STAGING_DB_PORT_5432_TCP": "tcp://10.0.0.8:5432",
        "BATCHWRIGHT_NAME": "/web/batchwright",  # with PORT beside them, these are Docker's
        "BATCHWRIGHT_ENV_PATH": "/usr/bin",
    }
    warnings: list[str] = []
    config = load_config(DOCS, {**services, "BATCHWRIGHT_WORKERS": "3"}, None, warn=warnings.append)
    assert config.workers == 3
    [warning] = warnings
    assert all(name in warning for name in services)
    assert "enableServiceLinks: false" in warning


@pytest.mark.parametrize(
    "name", ["BATCHWRIGHT_PORTS", "BATCHWRIGHT_SERVICE", "BATCHWRIGHT_PORT_SIZE", "BATCHWRIGHT_NAME"]
)
def test_what_only_begins_like_such_a_variable_is_a_mistake(here: Path, name: str) -> None:
    assert f"{name}: no such setting" in complaint(DOCS, {name: "1"})


def test_the_defaults_about_documents_are_those_of_their_reader() -> None:
    config = BatchConfig()
    assert config.date_fields == DATE_FIELDS


def test_with_headers_counted_the_overlap_is_at_most_a_quarter() -> None:
    BatchConfig(chunk_max_tokens=100, chunk_overlap=25, count_header=True)
    with pytest.raises(ConfigError, match="count_header"):
        BatchConfig(chunk_max_tokens=100, chunk_overlap=26, count_header=True)


def test_a_file_with_a_byte_order_mark_is_read(here: Path) -> None:
    file = here / "marked.toml"
    file.write_bytes(b"\xef\xbb\xbfworkers = 3\n")
    assert BatchConfig.load(file, environ={}).workers == 3


@pytest.mark.parametrize("name", ["exclude", "patterns", "reporters", "plugins"])
def test_a_text_in_place_of_a_list_says_how_the_list_is_written(here: Path, name: str) -> None:
    file = write(here / "my.toml", f'{name} = "drafts"\n')
    with pytest.raises(ConfigError) as caught:
        BatchConfig.load(file, environ={})
    assert str(caught.value) == f'{file}: {name}: write a list: {name} = ["drafts"]'


def test_an_unreadable_file_is_the_only_error(here: Path) -> None:
    file = write(here / "my.toml", 'chunk_max_tokens = 1000\nsource = "docs\n')
    with pytest.raises(ConfigError) as caught:
        load_config({"chunk_overlap": 400}, {}, file)  # too much for the default, not for what the file says
    assert len(str(caught.value).splitlines()) == 1


def test_a_tilde_in_a_target_is_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert database_path("sqlite:///~/sub/kb.db") == tmp_path / "sub" / "kb.db"
    assert database_path("sqlite:///./~/kb.db").parent.name == "~"
    with pytest.raises(ConfigError, match=r"names no home here.*sqlite:///\./~nobody-of-this-name"):
        database_path("sqlite:///~nobody-of-this-name/kb.db")


def test_a_tilde_in_any_path_of_the_settings_is_the_home(
    monkeypatch: pytest.MonkeyPatch, here: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / "notes").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    write(home / "my.toml", 'ledger = "~/ledger.db"\nsource = "~/notes"')
    for loaded in (
        BatchConfig.load("~/my.toml", environ={}),
        BatchConfig.load(environ={"BATCHWRIGHT_SOURCE": "~/notes", "BATCHWRIGHT_LEDGER": "~/ledger.db"}),
        BatchConfig(input_dir=Path("~/notes"), ledger="~/ledger.db"),  # type: ignore[arg-type]
    ):
        assert loaded.source_url == (home / "notes").as_uri()
        assert loaded.ledger == home / "ledger.db"


def test_a_tilde_behind_a_dot_is_a_name(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    monkeypatch.setenv("HOME", "/nowhere")
    named = Path.cwd() / "~"
    named.mkdir()
    assert BatchConfig(source="./~").source_url == named.as_uri()
    assert from_home("./~") == from_home(from_home("./~")) == named
    assert from_home("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")  # as in a shell


def test_a_source_that_is_a_broken_link_is_told_so(here: Path) -> None:
    (here / "gone.md").symlink_to("nowhere.md")
    with pytest.raises(ConfigError, match=r"source: a link that leads nowhere: gone\.md"):
        BatchConfig(source="gone.md")


def test_a_source_that_is_empty_is_not_the_working_directory(here: Path) -> None:
    with pytest.raises(ConfigError, match="source: it is empty, as a variable of the shell may be"):
        BatchConfig(source="")
    (here / "batchwright.toml").write_text('source = ""')
    assert "source: it is empty" in complaint({}, {})
    assert "it is empty" in complaint({"source": ""}, {})


def test_a_file_of_settings_that_is_a_broken_link_is_not_passed_over(here: Path) -> None:
    file = here / "batchwright.toml"
    file.symlink_to("elsewhere.toml")
    assert complaint({}, {}) == "batchwright.toml: is a link that leads nowhere; mend or remove it"
    file.unlink()
    file.symlink_to("batchwright.toml")
    assert complaint({}, {}).startswith("batchwright.toml: can't be read: Too many levels of symbolic links")


def test_a_pipe_that_is_called_like_the_file_of_settings_is_not_waited_for(here: Path) -> None:
    os.mkfifo(here / "batchwright.toml")
    assert complaint({}, {}).startswith("batchwright.toml: isn't a file; remove or rename it")
