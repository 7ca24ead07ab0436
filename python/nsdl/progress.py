"""Tells on a terminal, or in a notebook, that something that takes more than a second goes on.

What nsdl does with Ctrl-C as its end (compiling, running, shapes that are new) says so in one line of standard error,
which is wiped when it ends. Nothing is written to a file or a pipe, and nothing by the workers of a loader.
``nsdl.progress.enabled = False`` keeps it quiet.
"""

import multiprocessing
import sys

enabled = True

_MARKS = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def _seen() -> bool:
    if not enabled or sys.stderr is None or multiprocessing.parent_process() is not None:
        return False
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):  # closed: nobody is left to tell
        pass


def tell(seconds: float) -> None:
    """Shows how long the work has taken so far."""
    if _seen():
        mark = _MARKS[int(seconds * 10) % len(_MARKS)]
        encoding = getattr(sys.stderr, "encoding", None) or "ascii"
        if mark.encode(encoding, "ignore") == b"":
            mark = "|/-\\"[int(seconds * 10) % 4]
        _write(f"\r{mark} nsdl works, {seconds:.0f} s; Ctrl-C stops it ")


def done() -> None:
    """Wipes what :func:`tell` has shown."""
    if _seen():
        _write("\r" + " " * 50 + "\r")
