"""Algebras of tags, written in Python."""

from __future__ import annotations

from typing import Any


class Provenance:
    """What alternatives, conjunction and absence do to the tags of tuples: a base class.

    A tag is any object. Operations may be torch expressions; gradients then flow through torch's autograd.

    >>> class Cheapest(Provenance):
    ...     def zero(self):
    ...         return float("inf")
    ...     def one(self):
    ...         return 0.0
    ...     def add(self, a, b):
    ...         return min(a, b)
    ...     def mult(self, a, b):
    ...         return a + b
    >>> ctx = Context(provenance=Cheapest())
    >>> ctx.add_facts("edge", [(0, 1), (1, 2)], probs=[2.5, 4.0])
    >>> ctx.add_program("rel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))")
    >>> ctx.run()
    >>> ctx.relation("path")
    [(2.5, (0, 1)), (6.5, (0, 2)), (4.0, (1, 2))]

    ``add`` and ``mult`` must be commutative and associative, ``zero`` neutral for ``add`` and absorbing for ``mult``,
    ``one`` neutral for ``mult``. Where tuples support each other, tags are computed anew, from ``zero``, until they are
    ``saturated``, 1,000 times at most.
    """

    def zero(self) -> Any:
        """The tag of what cannot be derived."""
        raise NotImplementedError("a provenance needs `zero`")

    def one(self) -> Any:
        """The tag of what holds anyhow: facts and rules without a tag."""
        raise NotImplementedError("a provenance needs `one`")

    def add(self, a: Any, b: Any) -> Any:
        """Alternatives."""
        raise NotImplementedError("a provenance needs `add`")

    def mult(self, a: Any, b: Any) -> Any:
        """Conjunction."""
        raise NotImplementedError("a provenance needs `mult`")

    def negate(self, a: Any) -> Any:
        """Absence of a tuple whose tag is final.

        Without a method of its own, a class has no complement: what is derived is not absent, and programs are
        evaluated in the one world of all facts that :meth:`discard` leaves.
        """
        raise NotImplementedError

    def tagging(self, tag: Any) -> Any:
        """The tag of a fact or rule, from what it was given: an object of ``probs``, or the number in the program.

        ``None`` for an exclusive alternative without a number.
        """
        return self.one() if tag is None else tag

    def recover(self, tag: Any) -> Any:
        """What :meth:`Context.relation` shows of a tag."""
        return tag

    def saturated(self, old: Any, new: Any) -> bool:
        """Whether an iteration may stop when ``old`` became ``new``."""
        same = old == new
        return bool(same.all()) if hasattr(same, "all") else bool(same)

    def discard(self, tag: Any) -> bool:
        """Whether a tuple with this tag may be dropped: none is, unless a class says so."""
        return False

    def weight(self, tag: Any) -> float:
        """The tag as a number between 0 and 1, the greater the better: what ``top`` and its like choose by."""
        return 1.0

    def _has_complement(self) -> bool:
        return type(self).negate is not Provenance.negate
