"""The code that the pages have for other programs runs there: each in an environment of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.benchmarks.peers.environments import Environment, variables
from tests.support.pages import DOCS, ROOT, blocks

_PATIENCE = 400.0

AIRFLOW = """
from airflow_docs import docs
dag = docs()
print(dag.max_active_runs, dag.task_dict["load"].retries)
print("added", dag.task_dict["load"].python_callable()["documents"]["added"])
"""
DAGSTER = """
import dagster
from dagster_docs import docs
[made] = dagster.materialize([docs]).asset_materializations_for_node("docs")
print("added", made.metadata["documents"].value["added"])
"""
PREFECT = """
from prefect.testing.utilities import prefect_test_harness
with prefect_test_harness(server_startup_timeout=300):
    from prefect_docs import docs
    print("added", docs()["documents"]["added"])
"""
DLT = """
import both
"""


@pytest.mark.slow
@pytest.mark.timeout(1_300)  # installing one takes minutes
@pytest.mark.parametrize(
    ("page", "distribution", "script", "said"),
    [
        ("schedule.md", "apache-airflow", AIRFLOW, ["1 3", "added 1"]),
        ("schedule.md", "dagster", DAGSTER, ["added 1"]),
        ("schedule.md", "prefect", PREFECT, ["added 1"]),
        ("from-dlt.md", "dlt", DLT, ["2 1"]),
    ],
)
def test_the_code_for_another_program_runs_there(
    page: str, distribution: str, script: str, said: list[str], tmp_path: Path
) -> None:
    environment = Environment(f"with-{distribution}", (distribution, str(ROOT)))
    if reason := environment.install():
        pytest.skip(f"{distribution} can't be installed: {reason}")
    (tmp_path / "docs").mkdir(exist_ok=True)
    (tmp_path / "docs" / "a.md").write_text("# Peas\n\nSow them in March.\n", "utf-8")
    for block in blocks(DOCS / "how-to" / page):
        if block.mark == "file":
            (tmp_path / block.what).write_text(block.text, "utf-8")
    home = str(tmp_path / "home")
    more = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT / 'src'}", "AIRFLOW_HOME": home, "PREFECT_HOME": home}
    proxies = {"HTTP_PROXY": "", "HTTPS_PROXY": ""}  # Prefect asks a server of its own, on this machine
    done = subprocess.run(
        [environment.python, "-c", script],
        cwd=tmp_path,
        env={**variables(), **proxies, **more},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
    )
    lines = done.stdout.splitlines()
    assert [line for line in lines if line in said] == said, done.stdout + done.stderr
