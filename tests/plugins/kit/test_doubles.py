"""Every check of the kit catches a plugin that breaks the promise, and lets one pass that keeps it."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.plugins.kit.trials import MENDING, TABLES, checks_of

ROOT = Path(__file__).parents[3]
CAUGHT = (
    "AssertionError",
    "Failed",
    "assert",
    "batchwright.errors.",
    "tests.plugins.kit.reference.Broken",
)
"""What a caught double's failure begins with; any other exception would be a mistake in kit or double."""
CHECKS = [(kind, check) for kind, (contract, _) in TABLES.items() for check in checks_of(contract)]

Outcomes = dict[tuple[str, str], list[str]]

pytestmark = pytest.mark.timeout(300)  # the first test waits for all of them, on a busy machine for minutes


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """By class and check, for each of its cases: nothing, or why it failed or was skipped."""
    folder = tmp_path_factory.mktemp("kit")
    report = folder / "report.xml"
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\naddopts = --import-mode=importlib\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--noconftest",
        "--tb=line",
        f"--rootdir={ROOT}",
        f"--junitxml={report}",
    ]
    command += ["-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-c", str(folder / "pytest.ini")]
    done = subprocess.run(
        [*command, str(Path(__file__).parent / "trials.py")],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        cwd=folder,
    )
    assert report.exists(), done.stdout + done.stderr
    found: Outcomes = defaultdict(list)
    for case in ElementTree.parse(report).iter("testcase"):
        key = case.get("classname", "").rpartition(".")[2], case.get("name", "").partition("[")[0]
        found[key].append("; ".join(f"{part.tag}: {part.get('message')}" for part in case))
    return found


@pytest.mark.parametrize("kind", TABLES)
def test_every_check_has_its_double(kind: str) -> None:
    contract, doubles = TABLES[kind]
    assert sorted(doubles) == sorted(checks_of(contract))


@pytest.mark.parametrize("kind", TABLES)
def test_every_check_says_what_to_do(kind: str) -> None:
    contract, _ = TABLES[kind]
    for check in checks_of(contract):
        assert (getattr(contract, f"test_{check}").__doc__ or "").startswith("Fails: "), check


@pytest.mark.parametrize(("kind", "check"), CHECKS)
def test_the_check_catches_its_double(outcomes: Outcomes, kind: str, check: str) -> None:
    results = outcomes[f"TestDouble{kind}_{check}", f"test_{check}"]
    assert any(results), "it passed"
    for result in filter(None, results):
        tag, _, message = result.partition(": ")
        assert tag == "failure", result
        assert message.startswith(CAUGHT), result


@pytest.mark.parametrize(("kind", "check"), CHECKS)
def test_the_check_lets_a_good_one_pass(outcomes: Outcomes, kind: str, check: str) -> None:
    results = outcomes[f"TestGood{kind}", f"test_{check}"]
    assert results
    assert not any(results), results


def test_a_sink_with_nothing_but_the_necessary_passes(outcomes: Outcomes) -> None:
    results = {check: result for (name, check), result in outcomes.items() if name == "TestMinimalSink"}
    failed = {check: result for check, result in results.items() if any("failure" in one for one in result)}
    assert not failed
    skipped = [check for check, result in results.items() if any(result)]
    assert len(skipped) < len(results) / 2, skipped


@pytest.mark.parametrize("check", MENDING)
def test_a_sink_without_transactions_has_to_mend_what_it_broke(outcomes: Outcomes, check: str) -> None:
    assert not any(outcomes["TestMendingSink", f"test_{check}"])
    assert all("failure: AssertionError" in one for one in outcomes["TestUnmendingSink", f"test_{check}"])
