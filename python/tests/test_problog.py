"""Programs written twice, for nsdl and for ProbLog: every query has the same probability.

The pairs lie in tests/problog: NAME.dl and NAME.pl. Relations and predicates have the same names, and both files
ask the same queries.
"""

import re
from pathlib import Path

import pytest

import nsdl

PAIRS = Path(__file__).parents[2] / "tests" / "problog"
NAMES = sorted(path.stem for path in PAIRS.glob("*.dl"))
TOLERANCE = 1e-9


def test_there_are_enough():
    assert len(NAMES) >= 60
    assert sorted(path.stem for path in PAIRS.glob("*.pl")) == NAMES


@pytest.mark.filterwarnings(r"ignore:\[W0503\]:nsdl.NsdlWarning")  # tags of 0 and 1
@pytest.mark.parametrize("name", NAMES)
def test_every_query_has_the_same_probability(name):
    pytest.importorskip("problog")
    ours, theirs = by_nsdl(PAIRS / f"{name}.dl"), by_problog(PAIRS / f"{name}.pl")
    assert any(0 < p < 1 for p in theirs.values())
    for fact in ours.keys() | theirs.keys():
        assert ours.get(fact, 0.0) == pytest.approx(theirs.get(fact, 0.0), abs=TOLERANCE), fact


def by_nsdl(path):
    """Relation and tuple of every answer to the queries of a program, with its probability."""
    context = nsdl.Context(provenance="exact")
    context.add_file(path)
    context.run()
    found = {}
    for query in re.findall(r"^query (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
        relation = query.partition("(")[0]
        found |= {(relation, *row): p for p, row in context.relation(query)}
    return found


def by_problog(path):
    """The same of a program of ProbLog."""
    from problog import get_evaluatable
    from problog.program import PrologFile

    answers = get_evaluatable().create_from(PrologFile(str(path))).evaluate()
    return {(term.functor, *map(value, term.args)): p for term, p in answers.items()}


def value(term):
    """A number as a number, an atom as text."""
    return term.functor if isinstance(term.functor, (int, float)) else str(term.functor).strip("'")
