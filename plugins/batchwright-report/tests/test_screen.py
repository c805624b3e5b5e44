"""The page in a browser: something is drawn, in light and in dark, wide and narrow, without any network."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import scenes
from batchwright.contracts import events
from PIL import Image
from scenes import Stage

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium on PATH")

Colour = tuple[int, int, int]
GROUND = {"light": (0xFB, 0xFB, 0xFA), "dark": (0x11, 0x14, 0x17)}
BAR = {"light": (0x2A, 0x6F, 0xB8), "dark": (0x74, 0xAE, 0xE8)}
DOWN = {"light": (0xF6, 0xD9, 0xD5), "dark": (0x4A, 0x26, 0x22)}
BAD = {"light": (0xB3, 0x26, 0x1E), "dark": (0xF0, 0x8A, 0x80)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages of a long run with an outage, and of one that failed."""
    folder = tmp_path_factory.mktemp("pages")
    stage = Stage(folder / "long.html", interval=86_400)
    account = scenes.long_run(stage, rows=100_000, rejects=40)
    stage.play(events.RunFinished("r", "done", account, "", 3))
    stage = Stage(folder / "failed.html")
    scenes.failed_run(stage)
    (folder / "profile").mkdir()
    return folder


def shot(folder: Path, name: str, scheme: str, width: int, height: int = 2_600) -> Image.Image:
    """What the browser draws of a page."""
    file = folder / f"{name}-{scheme}-{width}.png"
    options = [
        "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        f"--user-data-dir={folder}/profile",
        f"--window-size={width},{height}", "--host-resolver-rules=MAP * ~NOTFOUND", f"--screenshot={file}",
        f"--blink-settings=preferredColorScheme={int(scheme == 'light')}",
    ]  # fmt: skip
    command = [str(BROWSER), *options, (folder / f"{name}.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    if not file.exists():
        pytest.fail(f"the browser drew nothing: {done.stderr[-2_000:]}")
    return Image.open(file).convert("RGB")


def colours(image: Image.Image) -> Counter[Colour]:
    return Counter({colour: number for number, colour in image.getcolors(2**24)})  # type: ignore[union-attr,misc]


@pytest.mark.parametrize("width", [1200, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_are_drawn_in_the_colours_of_the_scheme(folder: Path, scheme: str, width: int) -> None:
    image = shot(folder, "long", scheme, width)
    found = colours(image)
    assert found.most_common(1)[0][0] == GROUND[scheme]
    assert found[BAR[scheme]] > 20 * width, "the bars of the records a second"
    assert found[DOWN[scheme]] > 4 * width, "the outage"
    assert not found[GROUND["dark" if scheme == "light" else "light"]]


def test_of_a_run_that_failed_the_first_screen_says_so(folder: Path) -> None:
    failed = colours(shot(folder, "failed", "light", 1200).crop((0, 0, 1200, 600)))
    done = colours(shot(folder, "long", "light", 1200).crop((0, 0, 1200, 600)))
    assert failed[BAD["light"]] > 2_000
    assert not done[BAD["light"]]


@pytest.mark.parametrize("width", [1200, 400])
def test_nothing_is_wider_than_the_window(folder: Path, width: int) -> None:
    """A page that is too wide is drawn beyond the edge, where its margin should be."""
    image = shot(folder, "long", "light", width)
    for left in (0, width - 12):
        edge = colours(image.crop((left, 0, left + 12, image.height)))
        assert set(edge) == {GROUND["light"]}
