"""A new plugin of each kind, as `batchwright new-plugin` makes it: green as it is, red with a line broken."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from batchwright.scaffold import KINDS, Scaffold
from tests.support.distributions import Environment, make_wheel

MUTATIONS = {
    "sink": (
        "sink.py",
        "            for document_id in receipt.obsolete:\n",
        "            for document_id in receipt.discarded:\n",
        "test_superseded_rows_are_gone",
    ),
    "reporter": (
        "reporter.py",
        "                pass  # also what",
        "                raise TypeError(event)  # also what",
        "test_an_unknown_event_is_ignored",
    ),
    "classifier": (
        "classifier.py",
        '    422: Verdict(SKIP, "a record',
        '    422: Verdict(RETRY, "a record',
        "test_each_case_gets_its_verdict",
    ),
    "sizer": (
        "sizer.py",
        "        return max(1, size // 2)\n",
        "        return max(1, size)\n",
        "test_it_shrinks_when_batches_are_too_large",
    ),
}
"""For each kind: a file, a line of it, the line broken, and a check that must find out."""


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
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110, check=False)


@pytest.mark.parametrize("project", KINDS, indirect=True, ids=KINDS)
def test_a_new_plugin_passes_as_it_is_and_fails_with_a_line_broken(
    environment: Environment, project: Path
) -> None:
    kind = project.name.removeprefix("batchwright-fresh-")
    fresh = run_tests(environment, project)
    assert fresh.returncode == 0, fresh.stdout[-3000:]
    assert " passed" in fresh.stdout

    file, line, broken, check = MUTATIONS[kind]
    [module] = project.glob(f"src/*/{file}")
    text = module.read_text("utf-8")
    assert text.count(line) == 1, f"the line to break is no more in {file}"
    module.write_text(text.replace(line, broken), "utf-8")
    mutant = run_tests(environment, project, "-x", "-k", check)
    assert mutant.returncode == 1, mutant.stdout[-3000:]
    assert check in mutant.stdout


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
        *(["src/batchwright_a/store.py"] if kind == "sink" else []),
    }
