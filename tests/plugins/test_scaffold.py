"""A new plugin of each kind, as `batchwright new-plugin` makes it: green as it is, red with a line broken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from batchwright.scaffold import KINDS, Scaffold
from tests.support import wheelhouse
from tests.support.distributions import Environment, make_wheel


def mutations(kind: str) -> list[tuple[str, str, str, str]]:
    """What the new plugin's README lists: a file, a line of it, the line broken, the check that finds out."""
    readme = Scaffold.of(kind, f"fresh-{kind}").files()["README.md"]
    found: list[tuple[str, str, str, str]] = re.findall(
        r"^\| `(\S+)` \| `(.+?)` \| `(.+?)` \| `(test_\w+)` \|$", readme, re.M
    )
    return found


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("environment") / "venv")


@pytest.fixture
def project(request: pytest.FixtureRequest, environment: Environment, tmp_path: Path) -> Path:
    """The distribution, installed as `pip install --editable` does it: by a .pth file."""
    folder = Scaffold.of(request.param, f"fresh-{request.param}").write(tmp_path)
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    path_file = {f"{project['name']}.pth": f"{folder / 'src'}\n"}
    points = project["entry-points"]["batchwright"]
    environment.install(make_wheel(tmp_path, project["name"], path_file, points))
    return folder


def run_tests(environment: Environment, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(environment.python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    # a mutant may have the size and the second of the one before it
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=110, check=False
    )


@pytest.mark.parametrize("project", KINDS, indirect=True, ids=KINDS)
def test_a_new_plugin_passes_as_it_is_and_fails_with_a_line_broken(
    environment: Environment, project: Path
) -> None:
    fresh = run_tests(environment, project)
    assert fresh.returncode == 0, fresh.stdout[-3000:]
    assert " passed" in fresh.stdout
    break_and_test(environment, project, *mutations(kind_of(project))[0])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("project", KINDS, indirect=True, ids=KINDS)
def test_every_mutation_that_a_new_plugin_lists_is_found(environment: Environment, project: Path) -> None:
    listed = mutations(kind_of(project))
    assert len(listed) >= 5
    assert len({(file, line, broken) for file, line, broken, _ in listed}) == len(listed)
    for mutation in listed:
        break_and_test(environment, project, *mutation)


def kind_of(project: Path) -> str:
    return project.name.removeprefix("batchwright-fresh-")


def break_and_test(
    environment: Environment, project: Path, file: str, line: str, broken: str, check: str
) -> None:
    [module] = project.glob(f"src/*/{file}")
    text = module.read_text("utf-8")
    assert text.count(line) == 1, f"{line!r} is no more in {file}, or more than once"
    module.write_text(text.replace(line, broken), "utf-8")
    mutant = run_tests(environment, project, "-x", "-k", check)
    module.write_text(text, "utf-8")
    assert mutant.returncode == 1, f"{line!r} broken: {mutant.stdout[-3000:]}"
    assert re.search(rf"^FAILED .*{check}", mutant.stdout, re.M), mutant.stdout[-3000:]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if missing := wheelhouse.missing():
        pytest.skip(f"not installed; make docs does it: {', '.join(missing)}")
    return wheelhouse.fill(tmp_path_factory.mktemp("wheelhouse") / "wheels")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
def test_it_installs_and_passes_in_a_fresh_environment(kind: str, wheels: Path, tmp_path: Path) -> None:
    """As an author does it, by pip; the wheels are those of what is installed here."""
    variables = {**os.environ, **wheelhouse.settings(wheels)}
    variables.pop("PYTHONWARNINGS", None)
    folder = Scaffold.of(kind, f"fresh-{kind}").write(tmp_path)
    venv.create(folder / ".venv", with_pip=True, symlinks=True)
    programs = folder / ".venv" / "bin"
    for command in (
        ["python", "-m", "pip", "install", "--quiet", "--editable", ".[dev]"],
        ["ruff", "format", "--check", "."],
        ["ruff", "check", "."],
        ["mypy"],
        ["pytest", "-q"],
        ["batchwright", "plugins", "doctor"],
        ["python", "-m", "build"],
    ):
        done = subprocess.run(
            [str(programs / command[0]), *command[1:]],
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_is_formatted_clean_and_complete(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("ruff", reason="a tool of development")
    folder = Scaffold.of(kind, "a").write(tmp_path / "short")
    longer = Scaffold.of(kind, "as-long-as-they-may-be-4").write(tmp_path / "long")
    for command in (["format", "--check"], ["check"]):
        for made in (folder, longer):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *command, "--no-cache", str(made)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
    paths = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert paths == {
        ".github/workflows/test.yml",
        ".gitignore",
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "src/batchwright_a/__init__.py",
        "src/batchwright_a/py.typed",
        f"src/batchwright_a/{kind}.py",
        "tests/test_contract.py",
        "tests/test_installed.py",
        *(["src/batchwright_a/file.py", "src/batchwright_a/store.py"] if kind == "sink" else []),
    }
