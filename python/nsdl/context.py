"""Programs, facts and results without torch."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from . import _nsdl, foreign
from .errors import NsdlWarning, UsageError
from .mapping import plain
from .proof import Proof
from .provenance import Provenance
from .statistics import Statistics


class Context:
    """A program with its facts.

    Relations that come from facts alone are declared in the program, ``type edge(i32, i32)``, or filled first.

    ``provenance`` says what tags are and how they are computed: ``"unit"`` and ``"bool"`` (truth); ``"auto"``,
    ``"exact"``, ``"topkproofs"``, ``"topbottomkclauses"``, ``"samplekproofs"``, ``"sample"``, ``"addmultprob"``,
    ``"nandmultprob"``, ``"maxmultprob"``, ``"minmaxprob"``, ``"nandminprob"`` (probabilities); ``"godel"``,
    ``"product"``, ``"lukasiewicz"`` (fuzzy); ``"natural"`` (derivation trees), ``"tropical"``, ``"realtropical"``
    (costs); ``"why"``, ``"lineage"``, ``"proofs"`` (which facts); or an object of a class of your own, see
    :class:`Provenance`. By default it is ``"auto"`` if anything is uncertain, else ``"unit"``. ``"auto"`` is exact
    where that fits a budget, else it warns and gives answers with :meth:`bounds`. ``k`` is the number of proofs that
    ``"topkproofs"`` and its like keep (3), or of worlds that ``"sample"`` draws (10,000). ``seed`` decides what
    ``uniform`` and ``categorical`` draw.
    Queries that bind arguments compute only what they ask for where that pays, unless ``demand`` is false: the
    answers are the same. With ``stop_at_goal``, an evaluation ends once the relation under ``@goal`` holds.
    ``iteration_limit`` leaves each recursion after so many rounds, complete or not.

    >>> ctx = Context()
    >>> ctx.add_facts("edge", [(0, 1), (1, 2)])
    >>> ctx.add_program("rel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))")
    >>> ctx.run()
    >>> ctx.relation("path")
    [(0, 1), (0, 2), (1, 2)]

    A call that raises leaves the context as it was.
    """

    def __init__(
        self,
        provenance: str | Provenance | None = None,
        k: int = 3,
        seed: int = 0,
        demand: bool = True,
        stop_at_goal: bool = False,
        iteration_limit: int | None = None,
    ) -> None:
        self._session = _nsdl.Session(provenance, k, seed, demand)
        self._custom = isinstance(provenance, Provenance)
        self._session.set_stop_at_goal(stop_at_goal)
        self._session.set_iteration_limit(iteration_limit)
        self._session.register(foreign.everywhere())

    def register(self, *items: Any) -> None:
        """Registers functions, predicates and aggregates of :mod:`nsdl.foreign` for programs to use."""
        self._session.register(foreign.items(items))

    def add_program(self, text: str) -> None:
        """Adds declarations, facts, rules and queries in the language of nsdl."""
        self._session.add_program(text)

    def add_file(self, path: str | os.PathLike[str]) -> None:
        """Adds the program in a file."""
        self._session.add_file(os.fspath(path))

    def add_facts(
        self,
        relation: str,
        tuples: Iterable[Any],
        probs: Iterable[Any] | None = None,
        exclusive: bool = False,
    ) -> None:
        """Adds facts: tuples, or values for a relation with one column, or an array of rows.

        ``probs`` has one probability per tuple. Pairs ``(p, tuple)`` say the same, unless the relation is known to
        have a second column of tuples, lists or tensors. ``exclusive`` facts are the alternatives of one random
        choice.
        """
        rows, given = _facts(relation, tuples, probs, self._session.is_compound(relation, 1))
        if self._custom and given is not None:
            self._session.add_tagged(relation, rows, given, exclusive)
        else:
            self._session.add_facts(relation, rows, None if given is None else [float(p) for p in given], exclusive)

    def add_facts_file(
        self,
        relation: str,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        delimiter: str | None = None,
        header: bool = False,
        probability: bool | str | None = None,
        keys: str | Sequence[str] = (),
        fields: str | Sequence[str] = (),
    ) -> None:
        """Adds the facts in a CSV, JSON lines, Parquet or Arrow file, as ``@file`` does (docs/language.md).

        ``format`` is ``"csv"``, ``"jsonl"``, ``"parquet"`` or ``"arrow"``; by default what the name says.
        ``probability`` is true if the first column holds the probabilities, the name of another column that does,
        or false if none does; by default the first does if there is one column more than the relation has.
        With ``keys``, each row of a wide table becomes facts ``(*keys, field, value)``.
        """
        options = (format, delimiter, header, probability, _names(keys), _names(fields))
        for report in self._session.add_facts_file(relation, os.fspath(path), options):
            warnings.warn(report, NsdlWarning, stacklevel=2)

    def add_csv(self, relation: str, path: str | os.PathLike[str]) -> None:
        """Adds the rows of a CSV file without header; one extra leading column is the probability."""
        self.add_facts_file(relation, path, format="csv")

    def write(
        self,
        relation: str,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        delimiter: str | None = None,
        header: bool = False,
        probability: bool | str | None = None,
    ) -> None:
        """Writes a relation to a file, after :meth:`run`; options as for :meth:`add_facts_file`.

        Probabilities come first, if there are any and ``probability`` is not false; with ``header``, CSV begins
        with names and JSON lines are objects.
        """
        none: list[str] = []
        options = (format, delimiter, header, probability, none, none)
        self._session.write(relation, os.fspath(path), options)

    def add_evidence(self, formula: str, holds: bool = True) -> None:
        """Conditions all answers on a formula, as ``evidence`` in a program does: on that it holds, or does not.

        >>> ctx = Context()
        >>> ctx.add_program("rel 0.5::rain()  rel 0.25::sprinkler()  rel wet() = rain() or sprinkler()")
        >>> ctx.add_evidence("wet()")
        >>> ctx.run()
        >>> ctx.relation("rain")
        [(0.8, ())]
        """
        self._session.add_evidence(formula, holds)

    def clear_evidence(self) -> None:
        """Takes back the evidence of :meth:`add_evidence`."""
        self._session.clear_evidence()

    def set_argument(self, name: str, value: Any) -> None:
        """Gives ``@cmd_arg`` of the programs so far its value: ``ctx.set_argument("num", 5)`` for ``--num``."""
        text = str(value).lower() if isinstance(value, bool) else str(value)
        self._session.set_argument(name, text)

    def add_attribute(self, name: str, function: Callable[..., Any]) -> None:
        """Makes programs that are added from now on understand ``@name(…)`` before the declaration of a relation.

        ``function(item, *args, **kwargs)`` gets an :class:`AttributeItem` and the arguments of the attribute, and
        returns facts as :meth:`add_facts` takes them, or ``None``. What it raises is an error of the program. It
        must not use the context.

        >>> ctx = Context()
        >>> ctx.add_attribute("squares", lambda item, n: [(i, i * i) for i in range(n)])
        >>> ctx.add_program("@squares(3) type square(i32, i32)")
        >>> ctx.run()
        >>> ctx.relation("square")
        [(0, 0), (1, 1), (2, 4)]
        """

        def ask(relation: str, types: list[str], fields: list[str | None], args: tuple[Any, ...], kwargs: Any) -> Any:
            facts = function(AttributeItem(relation, tuple(types), tuple(fields)), *args, **kwargs)
            compound = len(types) == 2 and (types[1][0] in "([" or types[1] == "Tensor")
            rows, given = ([], None) if facts is None else _facts(relation, facts, None, compound)
            return rows, None if given is None else [float(p) for p in given]

        self._session.add_attribute(name, ask)

    def run(self) -> None:
        """Evaluates the program over all facts so far. Ctrl-C stops it."""
        for report in self._session.run():
            warnings.warn(report, NsdlWarning, stacklevel=2)

    def relation(self, name: str) -> list[Any]:
        """The tuples of a relation, or of a query such as ``"path(0, _) | edge(0, 1)"``, sorted, after :meth:`run`.

        Plain tuples under ``"unit"``, else pairs ``(tag, tuple)``: ``True`` under ``"bool"``, an ``int`` or
        ``math.inf`` under ``"natural"`` and ``"tropical"``, a cost under ``"realtropical"``, a list of proofs, each a
        list of literals such as ``"edge(0, 1)"`` and ``"not edge(1, 2)"``, under ``"proofs"``, ``"why"`` and
        ``"lineage"``, a probability or degree of truth under the others.
        """
        return self._session.relation(name)

    def bounds(self, name: str) -> list[tuple[tuple[float, float], Any]]:
        """Pairs of an interval that contains the probability and the tuple it is of, sorted, after :meth:`run`.

        The ends are equal where the probability is exact: everywhere but for answers of which ``"auto"`` warned.
        """
        return self._session.bounds(name)

    def statistics(self) -> Statistics:
        """What the last :meth:`run` took: rounds, rows and times of each stratum, and the size of the circuit."""
        return Statistics.of(self._session.statistics())

    def most_probable_world(self, atom: str) -> Proof | None:
        """The most probable world in which a tuple holds, such as ``"path(0, 5)"``; ``None`` if none does.

        Its facts are all uncertain choices that the tuple depends on: those that hold, and negated those that do not.
        """
        world = self._session.most_probable_world(atom)
        return None if world is None else Proof.of(world)

    def why(self, relation: str, tuple: Sequence[Any], k: int = 3) -> list[Proof]:
        """The ``k`` most probable proofs of a tuple, after :meth:`run`."""
        return [Proof.of(proof) for proof in self._session.why(relation, row(tuple), k)]


@dataclass(frozen=True)
class AttributeItem:
    """The relation that an attribute stands before: its name, types and names of columns."""

    relation: str
    types: tuple[str, ...]
    fields: tuple[str | None, ...]


def _names(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _facts(
    relation: str, tuples: Iterable[Any], probs: Iterable[Any] | None, compound: bool
) -> tuple[list[tuple[Any, ...]], list[Any] | None]:
    """Rows and tags of facts, which may come as pairs, unless the second column is ``compound``."""
    rows, pairs = [], []
    for item in plain(tuples):
        if not compound and isinstance(item, (tuple, list)) and len(item) == 2 and isinstance(item[1], (tuple, list)):
            pairs.append(item[0])
            rows.append(tuple(item[1]))
        else:
            rows.append(tuple(item) if isinstance(item, (tuple, list)) else (item,))
    if pairs and probs is not None:
        raise UsageError("E0822", f"facts of `{relation}` have probabilities twice: in pairs and in `probs`")
    if pairs and len(pairs) != len(rows):
        raise UsageError(
            "E0822",
            f"{len(pairs)} of {len(rows)} facts of `{relation}` are (probability, tuple) pairs",
            help="give every fact a probability, 1.0 if it is certain, or add the certain ones by another call",
        )
    given = pairs if pairs else probs
    return rows, None if given is None else list(given)


def row(value: Any) -> tuple[Any, ...]:
    """A tuple as it is; any other value as a tuple of one."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)
