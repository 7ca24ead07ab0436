"""Which tuple each column of a tensor stands for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .errors import UsageError

Tuple = tuple[Any, ...]


@dataclass(frozen=True)
class Independent:
    """An input whose tuples hold independently of each other; see :func:`independent`."""

    mapping: tuple[Tuple, ...]


def independent(mapping: Iterable[Any]) -> Independent:
    """Marks the mapping of a module's input: each column is a random variable of its own.

    Without it the columns of a row exclude each other, as the classes of a softmax do.
    """
    return Independent(tuples(mapping, "nsdl.independent"))


def tuples(mapping: Iterable[Any], owner: str) -> tuple[Tuple, ...]:
    """The mapping as tuples: a value that is not a tuple or a list stands for a tuple of one."""
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
