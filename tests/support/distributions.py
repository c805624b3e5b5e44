"""Distributions made by a test: wheels put together by hand, installed into an environment of their own."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path


def make_wheel(folder: Path, name: str, modules: Mapping[str, str], entry_points: Mapping[str, str]) -> Path:
    """Write a wheel with these modules (file name to source) and entry points of the group batchwright."""
    package = name.replace("-", "_")
    info = f"{package}-1.0.dist-info"
    points = "\n".join(f"{key} = {value}" for key, value in entry_points.items())
    files = {
        **modules,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[batchwright]\n{points}\n",
    }
    record = "".join(f"{path},,\n" for path in files) + f"{info}/RECORD,,\n"
    wheel = folder / f"{package}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)
    return wheel


class Environment:
    """A virtual environment that sees what this one has installed, and can have more."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.python = folder / "bin" / "python"
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        packages = folder / "lib" / version / "site-packages"
        # addsitedir, not a bare path: what is installed here in editable mode lives in .pth files
        here = sysconfig.get_path("purelib")
        (packages / "_here.pth").write_text(f"import site; site.addsitedir({here!r})\n")

    def install(self, wheel: Path) -> None:
        """Install a wheel, from the file alone."""
        command = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet"]
        subprocess.run([*command, "--no-deps", "--no-index", str(wheel)], check=True, timeout=120)

    def run(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run ``batchwright`` there."""
        command = [str(self.python), "-m", "batchwright", *arguments]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
