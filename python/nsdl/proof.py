"""Why a tuple holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """An uncertain fact, or one use of an uncertain rule, in a proof."""

    text: str
    """The fact as written in programs, or the rule and what it derives."""
    probability: float | None
    """Its probability, that of its absence if ``negated``; ``None`` if it is certain."""
    negated: bool = False
    """Whether the proof needs it to be absent."""

    def __str__(self) -> str:
        probability = "" if self.probability is None else f" [{self.probability:.4g}]"
        return ("not " if self.negated else "") + self.text + probability


@dataclass(frozen=True)
class Proof:
    """One way in which a tuple can come out."""

    probability: float
    """The probability that all its reasons hold."""
    reasons: tuple[Reason, ...]
    """What it rests on; for a tuple that is certain, all facts it uses."""

    @classmethod
    def of(cls, explanation: tuple[float, list[tuple[str, float | None, bool]]]) -> Proof:
        """From what the extension returns."""
        probability, reasons = explanation
        return cls(probability, tuple(Reason(*reason) for reason in reasons))

    def __str__(self) -> str:
        return f"{self.probability:.4g}: " + (", ".join(map(str, self.reasons)) or "nothing uncertain is needed")
