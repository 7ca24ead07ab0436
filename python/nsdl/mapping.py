"""Which tuple each column of a tensor stands for, and which of them become facts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import UsageError

Tuple = tuple[Any, ...]


class Product(tuple[Tuple, ...]):
    """Tuples of all combinations; see :func:`product`."""

    axes: tuple[int, ...]

    def __new__(cls, axes: Iterable[Iterable[Any]], owner: str = "nsdl.product") -> Product:
        parts = [tuples(axis, owner) for axis in axes]
        self = super().__new__(cls, (sum(parts, ()) for parts in itertools.product(*parts)))
        self.axes = tuple(map(len, parts))
        return self

    def __reduce__(self) -> Any:
        return (_product, (tuple(self), self.axes))


def _product(rows: tuple[Tuple, ...], axes: tuple[int, ...]) -> Product:
    self = tuple.__new__(Product, rows)
    self.axes = axes
    return self


def product(*axes: Iterable[Any]) -> Product:
    """The mapping of all combinations, the last axis changing fastest: ``product(range(7), "+-*/".split())``.

    A tensor for it may have the shape ``[batch, 7, 4]`` or ``[batch, 28]``.
    """
    return Product(axes)


@dataclass(frozen=True)
class Columns:
    """How the tensor of an input becomes facts: made by :func:`exclusive` and :func:`independent`."""

    mapping: tuple[Tuple, ...]
    exclusive: bool = True
    #: Sizes of the axes of one sample.
    axes: tuple[int, ...] = ()
    #: The axis along which tuples exclude each other; all do without.
    dim: int | None = None
    #: Keep so many of each choice, the largest ones.
    top: int | None = None
    #: Keep so many of each choice, drawn by their probabilities.
    sample: int | None = None
    #: Keep those above it.
    threshold: float | None = None
    seed: int = 0
    #: Whether entries that are not kept are no facts, instead of facts of probability 0.
    ragged: bool = False

    @property
    def keeps_all(self) -> bool:
        return self.top is None and self.sample is None and self.threshold is None

    @property
    def choices(self) -> list[list[int]]:
        """The columns of each choice."""
        if self.dim is None or not self.mapping:
            return [list(range(len(self.mapping)))]
        size = self.axes[self.dim]
        inner = math.prod(self.axes[self.dim + 1 :])
        starts = (o * size * inner + i for o in range(math.prod(self.axes[: self.dim])) for i in range(inner))
        return [[start + j * inner for j in range(size)] for start in starts]


def exclusive(
    mapping: Any,
    dim: int | None = None,
    *,
    top: int | None = None,
    sample: int | None = None,
    threshold: float | None = None,
    seed: int = 0,
    ragged: bool = False,
) -> Columns:
    """A mapping whose tuples exclude each other, the default of a module's input.

    With ``dim``, those along one axis of a product do, and there is one choice for each place of the other axes:
    ``exclusive(product(range(7), symbols), dim=1)`` is a symbol at each of seven places.

    Of each choice, ``top`` keeps the largest entries, ``sample`` draws so many without replacement by their
    probabilities (the same for the same ``seed``), ``threshold`` keeps what is above it. What is not kept weighs 0: the
    program is compiled once, for all entries. With ``ragged`` it is no fact at all, and a program is compiled for each
    set of entries that occurs: better where all entries together would be too many.
    """
    return _columns(mapping, True, dim, top, sample, threshold, seed, ragged)


def independent(
    mapping: Any,
    *,
    top: int | None = None,
    sample: int | None = None,
    threshold: float | None = None,
    seed: int = 0,
    ragged: bool = False,
) -> Columns:
    """Marks the mapping of a module's input: each column is a random variable of its own.

    Without it the columns of a row exclude each other, as the classes of a softmax do. The options are those of
    :func:`exclusive`, for all entries of a sample together.
    """
    return _columns(mapping, False, None, top, sample, threshold, seed, ragged)


def _columns(
    mapping: Any,
    exclude: bool,
    dim: int | None,
    top: int | None,
    sample: int | None,
    threshold: float | None,
    seed: int,
    ragged: bool,
) -> Columns:
    owner = "nsdl.exclusive" if exclude else "nsdl.independent"
    axes = axes_of(mapping)
    rows = tuples(mapping, owner)
    axes = axes if axes is not None else axes_of(rows) or (len(rows),)
    problem = None
    if dim is not None and not -len(axes) <= dim < len(axes):
        problem = f"there is no dim {dim}: a sample has {len(axes)}"
    elif top is not None and sample is not None:
        problem = "`top` and `sample` both say how many entries to keep"
    elif any(n is not None and (not isinstance(n, int) or n < 1) for n in (top, sample)):
        problem = "`top` and `sample` keep at least one entry"
    elif ragged and top is None and sample is None and threshold is None:
        problem = "`ragged` leaves out what `top`, `sample` or `threshold` do not keep, and none is given"
    if problem is not None:
        raise UsageError("E0875", f"in {owner}, {problem}", help="see docs/training.md, Which entries become facts")
    dim = None if dim is None else dim % len(axes)
    return Columns(rows, exclude, axes, dim, top, sample, threshold, seed, ragged)


def columns(mapping: Any, owner: str) -> Columns:
    """The mapping of an input in full."""
    if isinstance(mapping, Columns):
        return mapping
    rows = tuples(mapping, owner)
    return Columns(rows, True, axes_of(mapping) or axes_of(rows) or (len(rows),))


def axes_of(mapping: Any) -> tuple[int, ...] | None:
    return mapping.axes if isinstance(mapping, Product) else None


def tuples(mapping: Any, owner: str) -> tuple[Tuple, ...]:
    """The mapping as tuples: a value that is not a tuple or a list stands for a tuple of one.

    A dictionary from positions to values, ``{0: range(7), 1: symbols}``, is their product.
    """
    if isinstance(mapping, Product):
        return mapping
    if isinstance(mapping, Mapping):
        if set(mapping) != set(range(len(mapping))):
            raise UsageError(
                "E0821",
                f"the mapping of `{owner}` is a dictionary with the keys {sorted(map(str, mapping))}",
                help="its keys are the positions of the columns: {0: range(7), 1: symbols}",
            )
        return Product((mapping[i] for i in range(len(mapping))), owner)
    mapping = plain(mapping)
    if isinstance(mapping, (str, bytes)) or not isinstance(mapping, Iterable):
        raise UsageError(
            "E0821",
            f"the mapping of `{owner}` is {mapping!r}, which is not a list of values or tuples",
            help='write for example range(10), ["red", "blue"] or [(0, 1), (1, 2)]',
        )
    return tuple(tuple(item) if isinstance(item, (tuple, list)) else (item,) for item in mapping)


def plain(rows: Any) -> Any:
    """Arrays and tensors as lists of Python's own numbers; anything else as it is."""
    return rows.tolist() if hasattr(rows, "tolist") else rows
