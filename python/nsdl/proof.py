"""Why a tuple holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Proof:
    """One way in which a tuple can come out."""

    probability: float
    """The product of the probabilities of its facts."""
    facts: tuple[str, ...]
    """The uncertain facts it rests on, as written in programs; ``not`` before those that must not hold."""

    def __str__(self) -> str:
        return f"{self.probability:.6g}  {', '.join(self.facts) or 'certain'}"
