"""What goes wrong, as exceptions; the codes are explained in docs/errors.md."""

from __future__ import annotations

from typing import Any


class NsdlError(Exception):
    """Base of all errors of nsdl.

    ``code`` is stable (``"E0301"``), ``message`` one sentence, ``span`` the line and column in the program,
    both from 1, if the error has a place there, and ``rendered`` the whole report with the source line.
    """

    code: str
    message: str
    span: tuple[int, int] | None
    rendered: str

    def __init__(
        self,
        code: str,
        message: str,
        span: tuple[int, int] | None = None,
        rendered: str | None = None,
        help: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.span = span
        if rendered is None:
            rendered = f"error[{code}]: {message}" + (f"\n  help: {help}" if help else "")
        self.rendered = rendered

    def __str__(self) -> str:
        return self.rendered

    def __reduce__(self) -> Any:
        # The default would call the class with the message alone; workers send exceptions by pickle.
        return (type(self), (self.code, self.message, self.span, self.rendered))


class ProgramError(NsdlError):
    """The program is not well formed: syntax, names, types, unbound variables, negative cycles (E01 to E04)."""


class DataError(NsdlError, ValueError):
    """Facts, probabilities or files are wrong (E05 and E07)."""


class RunError(NsdlError, RuntimeError):
    """An evaluation came to no result: a limit, a budget, evidence of probability zero (E06)."""


class UsageError(NsdlError, ValueError):
    """A call does not fit: unknown provenance, wrong keyword, shape, dtype or device (E08)."""


class NsdlWarning(UserWarning):
    """The program runs, but probably does not say what its author meant (W codes)."""


_CLASSES: dict[str, type[NsdlError]] = {
    "E05": DataError,
    "E06": RunError,
    "E07": DataError,
    "E08": UsageError,
}


def error(
    code: str,
    message: str,
    span: tuple[int, int] | None = None,
    rendered: str | None = None,
    help: str | None = None,
) -> NsdlError:
    """The exception for a code; the extension calls it too."""
    return _CLASSES.get(code[:3], ProgramError)(code, message, span, rendered, help)
