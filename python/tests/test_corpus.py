"""The programs of ``tests/corpus``, taken through Python.

``tests/src/corpus.rs`` says how they are written.
"""

import json
import math
import re
import warnings
from pathlib import Path

import nsdl
import pytest

CORPUS = Path(__file__).resolve().parents[2] / "tests" / "corpus"
# Those in `parts` are modules that others import.
FILES = sorted(path for path in CORPUS.rglob("*.dl") if path.parent.name != "parts")
PROGRAMS = [path for path in FILES if path.parent.name != "errors"]
ERRORS = [path for path in FILES if path.parent.name == "errors"]

CELL = re.compile(
    r"""\s*(?:(?P<text>s?"(?:[^"\\]|\\.)*")|'(?P<char>[^'\\]|\\.)'|(?P<bool>true|false)|(?P<number>[^,)\s]+))\s*,?"""
)
TUPLE = re.compile(r"""(?:(?P<tag>[^(,{\s]+)::)?\((?P<cells>(?:[^()"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)')*)\)""")


def name_of(path):
    return path.relative_to(CORPUS).with_suffix("").as_posix()


def value(match):
    """The Python value of a printed one."""
    if match["text"]:
        return json.loads(match["text"].removeprefix("s").replace("\\0", "\\u0000"))
    if match["char"]:
        return json.loads(f'"{match["char"]}"') if match["char"] not in ('"', "\\'") else match["char"][-1]
    if match["bool"]:
        return match["bool"] == "true"
    number = match["number"]
    return int(number) if re.fullmatch(r"-?\d+", number) else float(number)


def expectations(path):
    """Yields provenance, k, relation, and its tags and tuples."""
    for line in path.read_text(encoding="utf-8").splitlines():
        found = re.match(r"// expect(?:\[(\w+)(?: (\d+))?\])?: (.*?): \{(.*)\}$", line)
        if found:
            provenance, k, relation, tuples = found.groups()
            rows = [
                (1.0 if row["tag"] in (None, "true") else float(row["tag"]), tuple(map(value, CELL.finditer(row["cells"]))))
                for row in TUPLE.finditer(tuples)
            ]
            yield provenance, int(k or 3), relation, rows


def near(got, wanted):
    if isinstance(wanted, float):
        # Columns of f32 come as the nearest f64.
        return isinstance(got, float) and math.isclose(got, wanted, rel_tol=1e-6, abs_tol=1e-9)
    return type(got) is type(wanted) and got == wanted


def with_tag(item):
    """Under ``unit`` there are no tags; columns hold no tuples, so a pair of a tag and a tuple is plain to see."""
    return item if len(item) == 2 and isinstance(item[1], tuple) else (1.0, item)


def same(got, wanted):
    return len(got) == len(wanted) and all(
        math.isclose(float(tag), p, abs_tol=1e-9) and len(row) == len(cells) and all(map(near, row, cells))
        for (tag, row), (p, cells) in zip(map(with_tag, got), wanted)
    )


def test_the_corpus_is_there():
    assert len(PROGRAMS) >= 80 and len(ERRORS) >= 40


@pytest.mark.parametrize("path", PROGRAMS, ids=name_of)
def test_program(path):
    contexts = {}
    for provenance, k, relation, wanted in expectations(path):
        if (provenance, k) not in contexts:
            context = nsdl.Context(provenance, k)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", nsdl.NsdlWarning)
                context.add_file(path)
                context.run()
            contexts[provenance, k] = context
        got = contexts[provenance, k].relation(relation)
        assert same(got, wanted), f"{relation} [{provenance}]: {got}, not {wanted}"


@pytest.mark.parametrize("path", ERRORS, ids=name_of)
def test_error(path):
    code, line = re.search(r"^// error: (\w+) (\d+)", path.read_text(encoding="utf-8"), re.M).groups()
    context = nsdl.Context()
    context.add_facts("survivor", [(1,)])
    with pytest.raises(nsdl.NsdlError) as caught:
        context.add_file(path)
    assert caught.value.code == code
    assert caught.value.span[0] == int(line)
    # The context is as it was before.
    context.run()
    assert context.relation("survivor") == [(1,)]
