"""The Python blocks of README.md and of the pages of docs/ run, one after the other on each page.

Those of docs/errors/ show what goes wrong.
"""

import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import nsdl  # noqa: E402

ROOT = Path(__file__).parents[2]


def blocks(page):
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if page.parent.name != "errors" and blocks(page)]


def test_there_are_pages_with_blocks():
    assert len(PAGES) >= 4


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # for files that they write
    names = {"nsdl": nsdl, "torch": torch}
    for block in blocks(page):
        exec(compile(block, str(page), "exec"), names)
