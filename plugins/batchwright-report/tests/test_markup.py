"""The page as a document: self-contained, and readable without seeing it."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
import scenes
from batchwright.testing import ordinary_run
from reading import Page
from scenes import Stage


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A page on which a little of everything is."""
    stage = Stage(tmp_path_factory.mktemp("page") / "run.html")
    *run, end = ordinary_run()
    for event in run:
        stage.play(event, after=0.3)
    for index in range(3, 40):
        scenes.write(stage, index, 20, 0.1)
    stage.play(end)
    return Page(stage.page())


def test_nothing_is_loaded_and_no_script_runs(page: Page) -> None:
    assert not {"script", "img", "iframe", "object", "embed", "form", "base"} & {e.tag for e in page.elements}
    for element in page.elements:
        for name in ("src", "href", "srcset", "action", "xlink:href"):
            assert re.match(r"$|#[\w-]+$|data:,$", element.attributes.get(name, "")), element
    style = page.one("style").text
    assert "url(" not in style
    assert "@import" not in style
    [policy] = [m.attributes["content"] for m in page.all("meta") if "http-equiv" in m.attributes]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "script" not in policy
    assert "http" not in policy


def test_links_within_the_page_lead_somewhere(page: Page) -> None:
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(set(ids)) == len(ids)
    for element in page.elements:
        for name in ("href", "aria-labelledby"):
            target = element.attributes.get(name, "").removeprefix("#")
            assert not target or target == "data:," or target in ids, element


def test_headings_are_in_order_and_every_section_has_one(page: Page) -> None:
    levels = [int(element.tag[1]) for element in page.elements if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(following - level <= 1 for level, following in pairwise(levels))
    assert all(section.attributes["aria-labelledby"] for section in page.all("section"))
    assert page.one("html").attributes["lang"] == "en"
    assert page.one("main").inside


def test_tables_have_captions_and_heads_of_columns_and_rows(page: Page) -> None:
    tables = page.all("table")
    assert len(tables) >= 10
    for table in tables:
        caption, head, body = table.inside
        assert (caption.tag, head.tag, body.tag) == ("caption", "thead", "tbody")
        assert caption.text
        [heads] = head.inside
        assert all(cell.tag == "th" and cell.attributes["scope"] == "col" for cell in heads.inside)
        assert all(cell.text for cell in heads.inside)
        for row in body.inside:
            assert len(row.inside) == len(heads.inside)
            assert row.inside[0].tag == "th"
            assert row.inside[0].attributes["scope"] == "row"


def test_charts_say_in_words_what_they_show_and_are_a_table_too(page: Page) -> None:
    charts = page.all("svg")
    assert len(charts) == 3 + 5
    for chart in charts:
        assert chart.attributes["role"] == "img"
        assert len(chart.attributes["aria-label"]) > 10
    said = charts[1].attributes["aria-label"]
    assert said == (
        "Seconds a write over time. 39 writes: half up to 0.10 s, 95 % up to 0.10 s, the slowest 0.50 s."
    ).replace("0.10 s", said.split("half up to ")[1].split(",")[0])
    assert len(page.all("path", "stop")) == 3, "the run was asked to stop"
    assert len(page.all("rect", "down")) == 3, "there was an outage"
    rows = page.table("What happened when")
    assert sum(int(row[2]) for row in rows) == 39
    assert sum(int(row[6]) for row in rows) == 2  # retries


def test_charts_are_within_their_frames(page: Page) -> None:
    frames = [chart.attributes["viewbox"].split() for chart in page.all("svg")]
    assert {frame[2] for frame in frames} == {"1000"}
    for element in page.all("rect"):
        x, width = float(element.attributes["x"]), float(element.attributes["width"])
        assert 0 <= x <= 1000
        assert x + width <= 1003.1
    for element in page.all("path"):
        for x, y in re.findall(r"M([\d.-]+) ([\d.-]+)", element.attributes["d"]):
            assert 0 <= float(x) <= 1000
            assert 0 <= float(y) <= 100


def test_rates_add_up_to_the_records(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "run.html")
    stage.play(scenes.STARTED)
    for index in range(50):
        scenes.write(stage, index, 100, 0.37)
    stage.reporter.close()
    [bars] = Page(stage.page()).all("path", "rate")
    heights = [float(height) for height in re.findall(r"v-([\d.]+)h", bars.attributes["d"])]
    [summary] = [p.text for p in Page(stage.page()).all("p") if p.text.startswith("A bar is")]
    assert summary == "A bar is 500 ms. The highest: 270."
    top = 300
    records = sum(height / 100 * top * 0.5 for height in heights)
    assert records == pytest.approx(5_000, rel=0.01)


# --- colours --------------------------------------------------------------------------------------

STYLE = files("batchwright_report").joinpath("style.css").read_text("utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
)
TEXTS = ("ink", "soft", "good", "warn", "bad", "wait", "blue")
GRAPHICS = ("blue", "good-fill", "warn-fill", "bad-fill", "calm-fill", "down-line")


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_graphics_have_enough_contrast(colours: dict[str, str]) -> None:
    for ground in ("page", "card"):
        for name in TEXTS:
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    for name in GRAPHICS:
        assert contrast(colours[name], colours["page"]) >= 3, name


def test_dark_has_every_colour_that_light_has() -> None:
    assert LIGHT.keys() == DARK.keys()
    used = set(re.findall(r"var\(--([\w-]+)", STYLE)) - {"tone"}
    assert used == LIGHT.keys()


def test_every_class_is_styled_or_drawn(page: Page) -> None:
    used = {name for element in page.elements for name in element.attributes.get("class", "").split()}
    assert {name for name in used if f".{name}" not in STYLE} <= {"what"}
