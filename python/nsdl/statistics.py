"""What a run took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Stratum:
    """What one stratum took: relations that are computed together."""

    relations: tuple[str, ...]
    """Their names, with those of the compiler."""
    rounds: int
    """How many rounds followed the first."""
    rows: int
    """Their rows in the end."""
    instances: int
    """How many rule instances were met."""
    seconds: float
    """How long it took."""


@dataclass(frozen=True)
class Statistics:
    """What a run took; ``str`` makes the table of ``nsdl run --stats`` of it."""

    mode: Literal["plain", "carried", "traced"]
    """Rows only, a tag beside each row, or every derivation recorded."""
    tuples: int
    """Possible tuples that the trace speaks of; 0 without one."""
    instances: int
    """Derivations in the trace."""
    strata: tuple[Stratum, ...]
    """In order of evaluation."""
    circuit: str | None
    """How the answers came about, and the size of the circuit, if one was made."""
    iterations: int
    """How many rounds the longest fixpoint of the circuit on a cycle took; 0 if it has none."""
    residual: float
    """By how much values still changed in the last of them: 0 if they settled."""
    table: str

    @classmethod
    def of(cls, found: Any) -> Statistics:
        """From what the extension returns."""
        table, mode, (tuples, instances), strata, circuit, (iterations, residual) = found
        parts = tuple(Stratum(tuple(relations), *rest) for relations, *rest in strata)
        return cls(mode, tuples, instances, parts, circuit, iterations, residual, table)

    def __str__(self) -> str:
        return self.table
