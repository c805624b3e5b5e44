"""A wrong setting is a ConfigError with its place, however the settings are made, and shows no secret."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batchwright import BatchConfig, BatchProcessor, ConfigError, PluginManager, ProcessedChunk
from batchwright.builtin.sqlite import SqliteOptions
from batchwright.cli.main import execute


@dataclass(frozen=True)
class Wrong:
    """A wrong setting: its path, its value, and what is said about it; late ones once they are used."""

    path: str
    value: Any
    said: str
    late: bool = False


EARLY = (
    Wrong("batch_sise", 3, "no such setting; did you mean "),
    Wrong("batch_size", 0, "should be greater than or equal to 1"),
    Wrong("workers", "hunter2", "should be a valid integer"),
    Wrong("max_outage", "hunter2", "should be a valid number"),
    Wrong("prune", "hunter2", "should be a valid boolean"),
    Wrong("unstorable", "hunter2", "should be 'reject', 'strip' or 'escape'"),
    Wrong("chunk_overlap", 300, "300 is too much; it must be less than half of chunk_max_tokens (512)"),
    Wrong("sqlstates.UNIQUE", "skip", "is no SQLSTATE"),
    Wrong("sqlstates.23505", "hunter2", "should be 'retry', 'skip' or 'fail'"),
    Wrong("source", "/dev/null", "neither a file nor a folder: /dev/null; pipe what it holds into"),
    Wrong("source", "none", "no such file or directory: none; name what to load"),
    Wrong("source", "n" * 300, "can't be examined: File name too long; check its name, and the permissions"),
    Wrong("source", "x9://me:hunter2@b/docs", "no source for 'x9'", late=True),
    Wrong("source", "file://elsewhere/docs", "'elsewhere' is another machine"),
)
LATE = (
    Wrong("sink.sqlite.tabel", "hunter2", "no such setting; did you mean table?", late=True),
    Wrong("sink.sqlite.busy_timeout", "hunter2", "should be a valid number", late=True),
    Wrong("sink.postgres.tabel", "hunter2", "no such setting; did you mean table?", late=True),
    Wrong("sink.sqlit.table", "hunter2", "no sink has this name; did you mean 'sqlite'?", late=True),
    Wrong("reporter.logging.formt", "hunter2", "no such setting; did you mean format?", late=True),
    Wrong("executor", "locl", "no executor has this name (locl); did you mean 'local'?", late=True),
    Wrong("to", "sqlte://me:hunter2@h/kb.db", "no sink for 'sqlte'; did you mean 'sqlite'?", late=True),
)
EACH = pytest.mark.parametrize("wrong", [*EARLY, *LATE], ids=lambda w: f"{w.path}-{w.said[:12]}")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A\n\ntext\n", "utf-8")
    return tmp_path


def settings_of(wrong: Wrong) -> dict[str, Any]:
    value = wrong.value
    name, *rest = wrong.path.split(".")
    for part in reversed(rest):
        value = {part: value}
    return {"source": "docs", name: value}


def use(config: BatchConfig) -> None:
    BatchProcessor(config).run()


def complaint(make: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as caught:
        make()
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value)
    return str(caught.value)


def variable_of(wrong: Wrong) -> str:
    return "BATCHWRIGHT_" + wrong.path.replace(".", "__").upper()


def write_toml(settings: dict[str, Any]) -> None:
    lines = []
    for name, value in settings.items():
        if isinstance(value, dict):
            value = "{" + ", ".join(f"{key} = {_inline(inner)}" for key, inner in value.items()) + "}"
        else:
            value = json.dumps(value)
        lines.append(f"{name} = {value}")
    Path("batchwright.toml").write_text("\n".join(lines), "utf-8")


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {json.dumps(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value)


@EACH
def test_by_the_constructor_it_names_the_setting(wrong: Wrong) -> None:
    told = complaint(lambda: use(BatchConfig(**settings_of(wrong))))
    # a name that is not there is said where it stands
    assert told.startswith(f"{wrong.path}: ") or (wrong.late and told.startswith(wrong.path.split(".")[0]))
    assert wrong.said in told


@EACH
def test_by_model_validate_it_is_one_as_well(wrong: Wrong) -> None:
    assert wrong.said in complaint(lambda: use(BatchConfig.model_validate(settings_of(wrong))))


@EACH
def test_in_a_file_it_names_the_file_and_the_setting(wrong: Wrong) -> None:
    write_toml(settings_of(wrong))
    told = complaint(lambda: use(BatchConfig.load(environ={})))
    place = wrong.path if "has this name" not in wrong.said else wrong.path.rpartition(".")[0]
    assert told.startswith(f"batchwright.toml: {place}")
    assert wrong.said in told


@EACH
def test_in_the_environment_it_names_the_variable(wrong: Wrong, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable_of(wrong), str(wrong.value))
    monkeypatch.setenv("BATCHWRIGHT_SOURCE", str(settings_of(wrong)["source"]))
    told = complaint(lambda: use(BatchConfig.load()))
    assert told.startswith(f"{variable_of(wrong)}: ")
    assert wrong.said in told


@EACH
def test_as_an_argument_of_load_it_names_the_argument(wrong: Wrong) -> None:
    told = complaint(lambda: use(BatchConfig.load(environ={}, **settings_of(wrong))))
    assert told.startswith(wrong.path.partition(".")[0])
    assert wrong.said in told


@EACH
def test_the_command_says_the_same_as_load(
    wrong: Wrong, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable_of(wrong), str(wrong.value))
    monkeypatch.setenv("BATCHWRIGHT_SOURCE", str(settings_of(wrong)["source"]))
    expected = complaint(lambda: use(BatchConfig.load()))
    assert execute(["run"]) == 2
    assert expected in capsys.readouterr().err


def test_load_reads_what_the_command_reads() -> None:
    write_toml({"source": "docs", "workers": 2, "max_retries": 7})
    config = BatchConfig.load(environ={"BATCHWRIGHT_WORKERS": "3", "BATCHWRIGHT_READERS": "2"}, readers=1)
    assert (config.source, config.workers, config.readers, config.max_retries) == ("docs", 3, 1, 7)
    assert BatchConfig.load("batchwright.toml", environ={}).workers == 2
    assert "BATCHWRIGHT_WORKERS" not in os.environ


def test_a_file_that_is_missing_is_one() -> None:
    assert complaint(lambda: BatchConfig.load("none.toml", environ={})) == "none.toml: no such file"


def test_a_source_and_its_older_name_exclude_each_other() -> None:
    said = "source: input_dir is set as well; it is the older name for the same, so leave one out"
    assert complaint(lambda: BatchConfig(source="docs", input_dir=Path("docs"))) == said
    write_toml({"source": "docs", "input_dir": "docs"})
    assert complaint(lambda: BatchConfig.load(environ={})) == f"batchwright.toml: {said}"


@pytest.mark.parametrize("older", ["source", "input_dir"])
@pytest.mark.parametrize("newer", ["source", "input_dir"])
def test_one_of_them_takes_the_place_of_the_other_where_it_overrides_it(
    here: Path, older: str, newer: str
) -> None:
    (here / "others").mkdir()
    write_toml({older: "docs"})
    config = BatchConfig.load(environ={f"BATCHWRIGHT_{newer.upper()}": "others"})
    assert config.source_shown == "others"


@pytest.mark.parametrize("given", ["docs", Path("docs"), "file://{here}/docs", "file://localhost{here}/docs"])
def test_a_source_is_a_path_or_the_url_of_a_folder(here: Path, given: str | Path) -> None:
    source = given.format(here=here) if isinstance(given, str) else given
    config = BatchConfig(source=source, to="sqlite:///kb.db")
    assert config.source_url == (here / "docs").as_uri() or config.source == source
    assert BatchProcessor(config).run().account.documents.added == 1


def test_the_url_of_a_folder_may_be_quoted(here: Path) -> None:
    (here / "my docs").mkdir()
    assert BatchConfig(source=f"file://{here}/my%20docs").source_url.endswith("/my%20docs")


def test_without_a_source_a_processor_loads_only_what_a_program_brings() -> None:
    processor = BatchProcessor(BatchConfig(to="sqlite:///kb.db"))
    assert processor.insert_chunks([ProcessedChunk("text", source_file="mine")]).account.records.written == 1
    assert complaint(processor.run).startswith("no source is set: BatchConfig(source=…)")
    processor.__exit__(None, None, None)


def test_the_command_asks_for_a_source(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("run", "plan"):
        assert execute([command]) == 2
        assert "load what? Name it: batchwright run SOURCE" in capsys.readouterr().err


def test_late_settings_are_found_by_programs_that_bring_records_too() -> None:
    write_toml({"sink": {"sqlite": {"tabel": "x"}}})
    processor = BatchProcessor(BatchConfig.load(environ={}))
    told = complaint(lambda: processor.insert_chunks([ProcessedChunk("text", source_file="mine")]))
    assert told == "batchwright.toml: sink.sqlite.tabel: no such setting; did you mean table?"


def test_options_of_a_plugin_are_checked_in_the_same_way() -> None:
    told = complaint(lambda: SqliteOptions(url="sqlite:///x", tabel="hunter2"))  # type: ignore[call-arg,arg-type]
    assert told == "tabel: no such setting; did you mean table?"
    sections = {"sqlite": {"busy_timeout": "hunter2"}}
    told = complaint(lambda: PluginManager.load().make_sink("sqlite:///x.db", sections))
    assert told == "sink.sqlite.busy_timeout: should be a valid number"


def test_what_a_plugins_validator_says_is_masked() -> None:
    from pydantic import field_validator

    from batchwright.contracts.plugin import PluginOptions

    class Options(PluginOptions):
        password: str = ""

        @field_validator("password")
        @classmethod
        def _long(cls, password: str) -> str:
            raise ValueError(f"{password} is too short")

    assert complaint(lambda: Options(password="hunter2")) == "password: *** is too short"


def test_the_error_says_which_settings_are_wrong() -> None:
    with pytest.raises(ConfigError) as caught:
        BatchConfig(workers=0, sink={"sqlite": "x"})  # type: ignore[dict-item]
    assert [path for path, _ in caught.value.complaints] == [("sink", "sqlite"), ("workers",)]


@EACH
def test_in_a_copy_it_names_the_setting(wrong: Wrong) -> None:
    settings = settings_of(wrong)
    changes = {name: value for name, value in settings.items() if (name, value) != ("source", "docs")}
    told = complaint(lambda: use(BatchConfig(source="docs").model_copy(update=changes)))
    assert wrong.said in told


@pytest.mark.parametrize("name", ["batch_size", "to", "sink"])
def test_settings_that_are_assigned_to_say_how_to_make_a_copy(name: str) -> None:
    config = BatchConfig(to="sqlite:///kb.db")
    told = complaint(lambda: setattr(config, name, "hunter2"))
    assert told == f'{name}: settings never change; make a copy, as by model_copy(update={{"{name}": …}})'
    assert complaint(lambda: delattr(config, name)).startswith(f"{name}: settings never change")
    assert config == BatchConfig(to="sqlite:///kb.db")


def test_options_that_are_assigned_to_say_so_too() -> None:
    options = SqliteOptions(url="sqlite:///x")  # type: ignore[arg-type]
    assert complaint(lambda: setattr(options, "table", "x")).startswith("table: settings never change")


def test_a_setting_that_is_misspelt_where_it_is_assigned_to_is_named_rightly() -> None:
    config = BatchConfig()
    assert complaint(lambda: setattr(config, "batch_sise", 3)) == (
        "batch_sise: no such setting; did you mean batch_size?"
    )


def test_a_copy_is_checked_as_a_whole_and_has_the_values_of_the_right_types() -> None:
    config = BatchConfig(source="docs", chunk_overlap=100)
    copy = config.model_copy(update={"workers": "3", "sqlstates": {"23505": "SKIP"}})
    assert (copy.workers, copy.sqlstates["23505"].value, copy.chunk_overlap) == (3, "skip", 100)
    assert copy.model_fields_set == {"source", "chunk_overlap", "workers", "sqlstates"}
    assert (config.workers, config.model_copy()) == (1, config)
    assert complaint(lambda: config.model_copy(update={"chunk_max_tokens": 128})).startswith(
        "chunk_overlap: "
    )


def test_in_a_copy_a_source_takes_the_place_of_its_older_name() -> None:
    config = BatchConfig(input_dir=Path("docs"))
    Path("others").mkdir()
    assert config.model_copy(update={"source": "others"}).source_shown == "others"
    assert config.model_copy(update={"workers": 2}).source_shown == "docs"


def test_a_copy_remembers_where_its_settings_were_found() -> None:
    write_toml({"source": "docs", "sink": {"sqlite": {"tabel": "x"}}})
    config = BatchConfig.load(environ={})
    told = complaint(lambda: use(config.model_copy(update={"workers": 2})))
    assert told == "batchwright.toml: sink.sqlite.tabel: no such setting; did you mean table?"
    told = complaint(lambda: use(config.model_copy(update={"sink": {"sqlite": {"tabl": "x"}}})))
    assert told == "sink.sqlite.tabl: no such setting; did you mean table?"


def test_options_with_another_name_in_the_settings_are_copied() -> None:
    from batchwright.builtin.postgres.options import PostgresOptions

    options = PostgresOptions(url="postgresql://me:hunter2@h/db", schema="a")  # type: ignore[arg-type]
    for name in ("schema", "schema_name"):
        copy = options.model_copy(update={name: "b"})
        assert (copy.schema_name, copy.url) == ("b", options.url)
    assert complaint(lambda: options.model_copy(update={"schema": ""})) == "schema: must not be empty"


@pytest.mark.parametrize("name", ["workers", "readers", "max_retries", "batch_timeout", "max_rejects"])
def test_true_is_not_taken_for_a_number(name: str) -> None:
    write_toml({"source": "docs", name: True})
    assert complaint(BatchConfig.load) == f"batchwright.toml: {name}: should be a number, not true"
    given = settings_of(Wrong(name, False, ""))
    assert complaint(lambda: BatchConfig(**given)) == f"{name}: should be a number, not false"


def test_nor_is_it_in_the_options_of_a_plugin() -> None:
    write_toml({"source": "docs", "sink": {"sqlite": {"busy_timeout": True}}})
    said = complaint(lambda: use(BatchConfig.load()))
    assert "sink.sqlite.busy_timeout: should be a number, not true" in said


def test_values_that_are_no_table_at_all_are_wrong_settings() -> None:
    assert complaint(lambda: BatchConfig.model_validate("hunter2")).startswith("should be a valid dictionary")
    assert complaint(lambda: BatchConfig.model_validate_json('{"workers": 0}')).startswith("workers: should")
    assert complaint(lambda: BatchConfig.model_validate_json("hunter2")).startswith("Invalid JSON")
