"""Facts and answers of batches whose samples differ in their tuples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch

from .errors import UsageError
from .mapping import plain

Tuple = tuple[Any, ...]


class Ragged:
    """The facts of one relation for a batch, or the answers of one output: each sample has its own tuples.

    ``tuples`` are those of all samples, one sample after the other: a list of tuples (or of values, for relations
    of one column), or an integer tensor or array ``[n, columns]``. ``probabilities`` is a tensor ``[n]``, or ``None``
    if all hold. Sample ``i`` has the tuples ``offsets[i]:offsets[i + 1]``; there is one offset more than there are
    samples. ``groups``, if given, has a number for each tuple: tuples of one sample with the same number exclude each
    other, those with a negative one are independent.

    A relation that is given the same object again is not read again.
    """

    def __init__(
        self,
        tuples: Any,
        probabilities: torch.Tensor | None,
        offsets: Iterable[int],
        groups: Iterable[int] | None = None,
    ) -> None:
        self.tuples = tuples
        self.probabilities = probabilities
        self.offsets: list[int] = list(plain(offsets))
        self.groups: list[int] | None = None if groups is None else list(plain(groups))
        self._encoded: dict[str, Any] = {}

    @classmethod
    def of(cls, samples: Sequence[Any], relation: str = "a relation", width: int = 0, compound: bool = False) -> Ragged:
        """From one entry per sample.

        An entry is a list of tuples, which then hold, or of pairs ``(probability, tuple)``; a list among them is a
        group of such pairs that exclude each other. In a relation of one column a value stands for its tuple. Or
        it is a pair of a tensor ``[n]`` and a list of n tuples.
        """
        if isinstance(samples, (str, bytes, torch.Tensor)) or not isinstance(samples, Sequence):
            raise UsageError(
                "E0874",
                f"the facts of `{relation}` are a {type(samples).__name__}, not one list of facts per sample",
                help="give [[(0.9, (0, 1)), (0.8, (1, 2))], [...]] or nsdl.Ragged(tuples, probabilities, offsets)",
            )
        reader = _Reader(relation, width, compound)
        offsets = [0]
        for sample in samples:
            reader.sample(sample)
            offsets.append(len(reader.tuples))
        groups = reader.groups if any(group >= 0 for group in reader.groups) else None
        return cls(reader.tuples, reader.probabilities(), offsets, groups)

    def __len__(self) -> int:
        """The number of samples."""
        return max(len(self.offsets) - 1, 0)

    def __getitem__(self, sample: int) -> list[Any]:
        """The tuples of a sample, in pairs with their probabilities if they have some."""
        if not -len(self) <= sample < len(self):
            raise IndexError("there is no such sample")
        start, end = self.offsets[sample % len(self)], self.offsets[sample % len(self) + 1]
        tuples = self.tuples[start:end]
        if self.probabilities is None:
            return list(tuples)
        return list(zip(self.probabilities[start:end].unbind(), tuples, strict=True))

    def __iter__(self) -> Iterator[list[Any]]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Ragged({len(self)} samples, {len(self.tuples)} tuples)"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_encoded": {}}

    def padded(self) -> tuple[list[Any], torch.Tensor]:
        """The union of all samples' tuples, ordered, and a matrix ``[batch, tuples]``, 0 where a sample has none."""
        tuples = plain(self.tuples)
        columns: dict[Any, int] = {}
        for item in tuples:
            columns.setdefault(item, 0)
        try:
            ordered = sorted(columns)
        except TypeError:  # terms beside numbers, say: in order of appearance
            ordered = list(columns)
        columns = {item: i for i, item in enumerate(ordered)}
        lengths = (b - a for a, b in zip(self.offsets, self.offsets[1:], strict=False))
        rows = [i for i, n in enumerate(lengths) for _ in range(n)]
        return ordered, self._matrix(len(ordered), rows, [columns[item] for item in tuples])

    def _matrix(self, width: int, rows: list[int], columns: list[int]) -> torch.Tensor:
        values = self.probabilities
        if values is None:
            values = torch.ones(len(rows))
        places = torch.tensor(rows, dtype=torch.int64) * width + torch.tensor(columns, dtype=torch.int64)
        flat = values.new_zeros(len(self) * width)
        return flat.index_copy(0, places.to(values.device), values).view(len(self), width)


class _Reader:
    """Collects the facts of samples."""

    def __init__(self, relation: str, width: int, compound: bool) -> None:
        self.relation = relation
        self.width = width  # columns, 0 if not known
        self.compound = compound  # whether the second column holds tuples or lists
        self.tuples: list[Tuple] = []
        self.groups: list[int] = []
        self.certain = 0
        self.pieces: list[Any] = []
        self.whole = False  # whether the pieces are tensors of several probabilities

    def sample(self, sample: Any) -> None:
        group = 0
        if isinstance(sample, tuple) and len(sample) == 2 and isinstance(sample[0], torch.Tensor) and sample[0].dim():
            probabilities, tuples = sample
            rows = [row(item) for item in plain(tuples)]
            if probabilities.shape != (len(rows),):
                raise self.refuse(f"{list(probabilities.shape)} probabilities stand beside {len(rows)} tuples")
            if self.pieces and not self.whole:
                raise self.refuse("some samples are pairs of a tensor and tuples, others lists")
            self.whole = True
            self.pieces.append(probabilities)
            self.tuples += rows
            self.groups += [-1] * len(rows)
            return
        if isinstance(sample, (str, bytes)) or not isinstance(sample, Iterable):
            raise self.refuse(f"a sample is {sample!r}, which is no list of facts")
        for item in sample:
            if isinstance(item, list):
                for member in item:
                    self.fact(member, group)
                group += 1
            else:
                self.fact(item, -1)

    def fact(self, item: Any, group: int) -> None:
        if self.is_pair(item):
            if self.whole:
                raise self.refuse("some samples are pairs of a tensor and tuples, others lists")
            self.pieces.append(item[0])
            self.tuples.append(row(item[1]))
        else:
            self.certain += 1
            self.tuples.append(row(item))
        self.groups.append(group)
        if self.certain and (self.pieces or group >= 0):
            raise UsageError(
                "E0822",
                f"some facts of `{self.relation}` have probabilities, others have none",
                help="give every fact a probability, 1.0 if it is certain, or certain facts a relation of their own",
            )

    def is_pair(self, item: Any) -> bool:
        if not isinstance(item, tuple) or len(item) != 2:
            return False
        is_number = isinstance(item[0], (float, torch.Tensor))
        if isinstance(item[1], (tuple, list)):
            return is_number or not self.compound
        return isinstance(item[0], torch.Tensor) or (self.width == 1 and is_number)

    def probabilities(self) -> torch.Tensor | None:
        if self.certain:
            return None
        if self.whole:
            return torch.cat(self.pieces)
        tensors = [p for p in self.pieces if isinstance(p, torch.Tensor)]
        if not tensors:
            return torch.tensor([float(p) for p in self.pieces])
        like = tensors[0]
        if any(p.dim() for p in tensors):
            raise self.refuse("a probability is a tensor of several numbers")
        return torch.stack(
            [
                p if isinstance(p, torch.Tensor) else torch.full((), p, dtype=like.dtype, device=like.device)
                for p in self.pieces
            ]
        )

    def refuse(self, what: str) -> UsageError:
        return UsageError(
            "E0874",
            f"in the facts of `{self.relation}`, {what}",
            help="give each sample a list of tuples or of (probability, tuple) pairs, or a pair of a tensor and tuples",
        )


def row(item: Any) -> Tuple:
    """A tuple as it is; any other value as a tuple of one."""
    return tuple(item) if isinstance(item, (tuple, list)) else (item,)
