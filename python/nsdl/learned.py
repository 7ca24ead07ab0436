"""The probabilities to learn of a module, ``?0.3::`` in its program, as parameters of torch."""

from __future__ import annotations

import copy
import math

import torch

from . import _nsdl


class Learned(torch.nn.Module):
    """One tensor of logits per statement: of probabilities, or of the shares of an exclusive set.

    Every real value is a probability. An exclusive set that sums to 1 goes on doing so; in any other, "none of them" is
    an alternative more, of logit 0.
    """

    def __init__(self, sets: list[tuple[str, list[str], list[float], tuple[float, bool] | None]]) -> None:
        super().__init__()
        self.names = [name for _, names, _, _ in sets for name in names]
        self._sets: list[tuple[str, str, tuple[float, bool] | None]] = []
        for place, _, values, exclusive in sets:
            kind, _, relation = place.partition(".")
            if kind not in self._modules:
                self.add_module(kind, torch.nn.Module())
            statements = self.get_submodule(kind)
            while hasattr(statements, relation):  # a relation may be called like a method
                relation += "_"
            statements.register_parameter(relation, torch.nn.Parameter(torch.tensor(_logits(values, exclusive))))
            self._sets.append((kind, relation, exclusive))

    def forward(self) -> torch.Tensor:
        """The current probabilities, ``[p]``, differentiable."""
        parts = []
        for kind, relation, exclusive in self._sets:
            logits = getattr(self.get_submodule(kind), relation)
            if exclusive is None:
                parts.append(logits.sigmoid())
                continue
            total, opened = exclusive
            if opened:
                logits = torch.cat([logits, logits.new_zeros(1)])
            shares = total * logits.softmax(0)
            parts.append(shares[:-1] if opened else shares)
        return torch.cat(parts)

    def double_values(self) -> list[float]:
        """The current probabilities, in f64 whatever the dtype."""
        double = copy.deepcopy(self).double()
        return [float(value) for value in double()]


def _logits(values: list[float], exclusive: tuple[float, bool] | None) -> list[float]:
    """The logits at which a set has these probabilities."""
    if exclusive is None:
        return [math.log(value / (1 - value)) for value in values]
    total, opened = exclusive
    rest = total - sum(values) if opened else total
    return [math.log(value / rest) for value in values]


def learned(compiled: _nsdl.CompiledModule | _nsdl.CompiledShapes) -> Learned | None:
    """The parameters of a module, if it has some."""
    sets = compiled.parameters
    return Learned(sets) if sets else None
