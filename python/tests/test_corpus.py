"""The programs of ``tests/corpus``, taken through Python.

``tests/src/corpus.rs`` says how they are written.
"""

import json
import math
import re
import warnings
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import nsdl

CORPUS = Path(__file__).resolve().parents[2] / "tests" / "corpus"
# Those in `parts` are modules that others import.
FILES = sorted(path for path in CORPUS.rglob("*.dl") if path.parent.name != "parts")
PROGRAMS = [path for path in FILES if path.parent.name != "errors"]
ERRORS = [path for path in FILES if path.parent.name == "errors"]

TOKEN = re.compile(
    r"""\s*(?:(?P<text>[std]?"(?:[^"\\]|\\.)*")|'(?P<char>[^'\\]|\\.)'|(?P<mark>::|[\[\](),])|(?P<word>[^,()\[\]\s:]+))"""
)


def name_of(path):
    return path.relative_to(CORPUS).with_suffix("").as_posix()


def text(token):
    """The Python value of a text, a symbol or a time."""
    kind = token[: token.index('"')]
    plain = json.loads(token[len(kind) :].replace("\\0", "\\u0000"))
    if kind == "t":
        try:
            return datetime.fromisoformat(plain.replace("Z", "+00:00"))
        except ValueError:
            return plain  # a year that Python does not know
    # ISO 8601 without years and months, which a timedelta has not.
    found = re.fullmatch(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", plain)
    if kind == "d" and found:
        days, hours, minutes, seconds = (float(part or 0) for part in found.groups()[1:])
        return (-1 if found[1] else 1) * timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return plain


def word(token):
    if token in ("true", "false"):
        return token == "true"
    return int(token) if re.fullmatch(r"-?\d+", token) else float(token)


class Printed:
    """Reads printed tuples and values."""

    def __init__(self, line):
        self.line, self.at = line, 0

    def take(self):
        found = TOKEN.match(self.line, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found

    def peek(self):
        found = TOKEN.match(self.line, self.at)
        return found and found["mark"]

    def values(self, close):
        """Up to the bracket that closes."""
        values = []
        while self.peek() != close:
            values.append(self.value())
            if self.peek() == ",":
                self.take()
        self.take()
        return values

    def value(self):
        found = self.take()
        if found["text"]:
            return text(found["text"])
        if found["char"]:
            char = found["char"]
            return json.loads(f'"{char}"') if char not in ('"', "\\'") else char[-1]
        if found["mark"] == "(":
            return tuple(self.values(")"))
        if found["mark"] == "[":
            return self.values("]")
        if self.peek() == "(":  # a term comes as programs write it
            start = found.start("word")
            self.take()
            self.values(")")
            return self.line[start : self.at]
        return word(found["word"])

    def rows(self, certain=1.0):
        while self.at < len(self.line):
            tag, mark = certain, self.take()
            if mark["word"]:
                tag = 1.0 if mark["word"] == "true" else float(mark["word"])
                self.take()
                self.take()
            yield tag, tuple(self.values(")"))
            if self.peek() == ",":
                self.take()


# Their tags are lists of facts: test_provenance.py compares those.
PROOFS = ("why", "lineage", "proofs")


def expectations(path):
    """Yields provenance, k, relation, and its tags and tuples."""
    for line in path.read_text(encoding="utf-8").splitlines():
        found = re.match(r"// expect(?:\[(\w+)(?: (\d+))?\])?: (.*?): \{(.*)\}$", line)
        if found:
            provenance, k, relation, tuples = found.groups()
            if provenance in PROOFS:
                continue
            # A certain tuple has no tag: it costs nothing.
            rows = list(Printed(tuples).rows(0.0 if provenance in ("tropical", "realtropical") else 1.0))
            yield provenance, int(k or 3), relation, rows


def near(got, wanted):
    if isinstance(wanted, (tuple, list)):
        return type(got) is type(wanted) and len(got) == len(wanted) and all(map(near, got, wanted))
    if isinstance(wanted, float):
        # Columns of f32 come as the nearest f64.
        return isinstance(got, float) and math.isclose(got, wanted, rel_tol=1e-6, abs_tol=1e-9)
    return type(got) is type(wanted) and got == wanted


def same(got, wanted, tagged):
    """Under ``unit`` there are no tags."""

    def with_tag(item):
        return item if tagged else (1.0, item)

    return len(got) == len(wanted) and all(
        math.isclose(float(tag), p, abs_tol=1e-9) and len(row) == len(cells) and all(map(near, row, cells))
        for (tag, row), (p, cells) in zip(map(with_tag, got), wanted, strict=True)
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
        # A pair of a tag and a tuple may also be a tuple whose second part is one.
        pairs = all(
            len(item) == 2 and type(item[0]) in (bool, int, float) and isinstance(item[1], tuple) for item in got
        )
        fits = [same(got, wanted, tagged) for tagged in ([True, False] if pairs else [False])]
        assert any(fits), f"{relation} [{provenance}]: {got}, not {wanted}"


@pytest.mark.parametrize("path", ERRORS, ids=name_of)
def test_error(path):
    code, line = re.search(r"^// error: (\w+)(?: (\d+))?", path.read_text(encoding="utf-8"), re.M).groups()
    context = nsdl.Context()
    context.add_facts("survivor", [(1,)])
    with pytest.raises(nsdl.NsdlError) as caught:
        context.add_file(path)
    assert caught.value.code == code
    if line is not None:
        assert caught.value.span[0] == int(line)
    # The context is as it was before.
    context.run()
    assert context.relation("survivor") == [(1,)]
