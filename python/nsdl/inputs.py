"""Tensors of a module's inputs as the circuit takes them: choices apart, entries that are not kept taken out."""

from __future__ import annotations

from typing import Any

import torch

from . import _nsdl
from .mapping import Columns
from .ragged import Ragged


class Input:
    """One input of a module, with the random numbers it draws."""

    def __init__(self, name: str, columns: Columns) -> None:
        self.name = name
        self.columns = columns
        self.width = len(columns.mapping)
        self._sizes = [len(choice) for choice in columns.choices]
        self._generators: dict[torch.device, torch.Generator] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_generators": {}}

    @property
    def is_whole(self) -> bool:
        """Whether its tensor is taken as it is."""
        return self.columns.keeps_all and self.columns.dim is None

    @property
    def ports(self) -> list[tuple[str, tuple[Any, ...], bool]]:
        """What is compiled: one port a choice."""
        columns, choices = self.columns, self.columns.choices
        return [(self.name, tuple(columns.mapping[i] for i in choice), columns.exclusive) for choice in choices]

    def tensor(self, x: torch.Tensor) -> torch.Tensor:
        """All ports side by side, ``[batch, width]``."""
        columns = self.columns
        if columns.keeps_all and columns.dim in (None, len(columns.axes) - 1):
            return x
        rows = self._rows(x)
        if not columns.keeps_all:
            rows = rows * self._kept(rows)
        return rows.flatten(1)

    def parts(self, x: torch.Tensor) -> list[torch.Tensor]:
        """What :meth:`tensor` gives, port by port."""
        return list(torch.split(x, self._sizes, 1)) if len(self._sizes) > 1 else [x]

    def facts(self, x: torch.Tensor, encoded: _nsdl.Tuples) -> Ragged:
        """The entries that are kept, as facts; ``encoded`` are the tuples of the mapping."""
        columns = self.columns
        rows = self._rows(x)
        kept = self._kept(rows)
        sample, choice, member = kept.nonzero(as_tuple=True)
        choices = torch.tensor(columns.choices, device=x.device)
        places = choices[choice, member].cpu().unsqueeze(1)
        ends = torch.bincount(sample, minlength=x.shape[0]).cumsum(0) if len(x) else sample
        groups = choice.tolist() if columns.exclusive else None
        return Ragged(encoded.select(places), rows[kept], [0, *ends.tolist()], groups)

    def _rows(self, x: torch.Tensor) -> torch.Tensor:
        """``[batch, choices, members]``"""
        columns = self.columns
        if columns.dim is None:
            return x.unsqueeze(1)
        rows = x.reshape(x.shape[0], *columns.axes).movedim(columns.dim + 1, -1)
        return rows.reshape(x.shape[0], -1, columns.axes[columns.dim])

    def _kept(self, rows: torch.Tensor) -> torch.Tensor:
        """Which entries become facts."""
        columns = self.columns
        with torch.no_grad():
            kept = torch.ones_like(rows, dtype=torch.bool)
            if columns.threshold is not None:
                kept &= rows > columns.threshold
            many = columns.top or columns.sample
            if many is not None and many < rows.shape[-1]:
                order = rows
                if columns.sample is not None:
                    # The largest of log p + Gumbel noise are a sample without replacement (Vieira 2014; Kool 2019).
                    noise = torch.rand(rows.shape, generator=self._generator(rows.device), device=rows.device)
                    order = rows.float().log() - (-noise.clamp_min(1e-20).log()).clamp_min(1e-20).log()
                places = order.topk(many, dim=-1).indices
                kept &= torch.zeros_like(kept).scatter_(-1, places, True)
        return kept

    def _generator(self, device: torch.device) -> torch.Generator:
        generator = self._generators.get(device)
        if generator is None:
            generator = torch.Generator(device).manual_seed(self.columns.seed)
            self._generators[device] = generator
        return generator
