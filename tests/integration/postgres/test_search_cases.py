"""Documents of a folder that other tools' users did not find: in SQLite and in Postgres alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from batchwright import BatchProcessor, Target
from tests.support.loads import config_of

DOCUMENTS = {
    "deploy.md": (
        "# Deploy\n\nRun `helm upgrade -i web charts/web.yaml`, no root needed.\n\n"
        "Ruby or F#? 🐙 接続の設定 接続\n"
    ),
    "old.md": "# Old notes\n\nWe no longer run helm upgrade by hand.\n",
    "zh.md": "# 组件\n\n连接设置很重要。接続 管理\n",
    "ja.md": "# メモ\n\n接続が切れたとき、接続を確認する。サーバーの再起動。\n",
    "ko.md": "# 메모\n\n데이터베이스를 백업합니다.\n",
    "th.md": "# บันทึก\n\nการตั้งค่าเซิร์ฟเวอร์ใหม่\n",
    "nfd.md": "# Cre\u0300me bru\u0302le\u0301e\n\nDes O\u0308fen und die Ma\u0308rkte.\n",
    "who.md": "# Them\n\nAsk IT. We are The The.\n",
    "net.md": "# Hosts\n\nUse 10.20.30.40 and release 3.11.9 of it.\n",
    "title.md": "---\ntitle: Turbine maintenance\n---\n\n## Summary\n\nEvery two years.\n",
}

FOUND = {
    "helm upgrade -i": "deploy.md",
    "web.yaml": "deploy.md",
    "F#": "deploy.md",
    "🐙": "deploy.md",
    "root": "deploy.md",
    "接続": "deploy.md ja.md zh.md",
    "设置": "zh.md",
    "サーバー": "ja.md",
    "백업": "ko.md",
    "เซิร์ฟเวอร์": "th.md",
    "creme brulee": "nfd.md",
    "Öfen": "nfd.md",
    "Markte": "nfd.md",
    "IT": "who.md",
    "The The": "who.md",
    "10.20": "net.md",
    "3.11.9": "net.md",
    "turbine": "title.md",
    "maintenance": "title.md",
}
"""Queries, and the documents that come first, in any order."""


@pytest.fixture(params=["sqlite", "postgres"])
def loaded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    """A target with the documents."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    url = f"sqlite:///{tmp_path}/kb.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    assert BatchProcessor(config_of(folder, url)).run().state == "done"
    with Target(url) as target:
        yield target


def test_each_document_is_found_by_its_words(loaded: Target) -> None:
    missed = {}
    for asked, names in FOUND.items():
        expected = {*names.split()}
        keys = [hit.key for hit in loaded.search(asked)]
        if {*keys[: len(expected)]} != expected:
            missed[asked] = keys
    assert missed == {}
