"""Programs, facts and results without torch."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from . import _nsdl
from .errors import NsdlWarning, UsageError
from .mapping import plain
from .proof import Proof


class Context:
    """A program with its facts.

    Relations that come from facts alone are declared in the program, ``type edge(i32, i32)``, or filled first.

    ``provenance`` is ``"unit"``, ``"bool"``, ``"minmaxprob"``, ``"addmultprob"``, ``"topkproofs"`` or
    ``"exact"``; by default ``"exact"`` if anything is uncertain, else ``"unit"``. ``k`` is the number of
    proofs that ``"topkproofs"`` keeps. ``seed`` decides what ``uniform`` and ``categorical`` draw.
    Queries that bind arguments compute only what they ask for where that pays, unless ``demand`` is false: the
    answers are the same.

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
        provenance: str | None = None,
        k: int = 3,
        seed: int = 0,
        demand: bool = True,
    ) -> None:
        self._session = _nsdl.Session(provenance, k, seed, demand)

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
        probs: Iterable[float] | None = None,
        exclusive: bool = False,
    ) -> None:
        """Adds facts: tuples, or values for a relation with one column, or an array of rows.

        ``probs`` has one probability per tuple. Pairs ``(p, tuple)`` say the same, unless the relation is known to
        have a second column of tuples, lists or tensors. ``exclusive`` facts are the alternatives of one random
        choice.
        """
        rows, pairs = [], []
        compound = self._session.is_compound(relation, 1)
        for item in plain(tuples):
            if (
                not compound
                and isinstance(item, (tuple, list))
                and len(item) == 2
                and isinstance(item[1], (tuple, list))
            ):
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
        self._session.add_facts(relation, rows, None if given is None else [float(p) for p in given], exclusive)

    def add_csv(self, relation: str, path: str | os.PathLike[str]) -> None:
        """Adds the rows of a CSV file without header; one extra leading column is the probability."""
        self._session.add_csv(relation, os.fspath(path))

    def run(self) -> None:
        """Evaluates the program over all facts so far. Ctrl-C stops it."""
        for report in self._session.run():
            warnings.warn(report, NsdlWarning, stacklevel=2)

    def relation(self, name: str) -> list[Any]:
        """The tuples of a relation, sorted, after :meth:`run`.

        Plain tuples under ``"unit"``, else pairs ``(tag, tuple)`` whose tag is ``True`` under ``"bool"`` and a
        probability under the others.
        """
        return self._session.relation(name)

    def why(self, relation: str, tuple: Sequence[Any], k: int = 3) -> list[Proof]:
        """The ``k`` most probable proofs of a tuple, after :meth:`run`."""
        return [Proof.of(proof) for proof in self._session.why(relation, row(tuple), k)]


def row(value: Any) -> tuple[Any, ...]:
    """A tuple as it is; any other value as a tuple of one."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)
