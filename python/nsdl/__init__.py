"""nsdl: differentiable Datalog.

``Context`` runs logic programs over facts, certain or not; it needs nothing but this package.
``Module`` is a program as a layer of a neural network: a ``torch.nn.Module``, so it needs torch, which is
imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from ._nsdl import __version__, explain, format
except ImportError:  # an extension built with the feature `tch` needs the libraries that torch brings along
    import torch  # noqa: F401

    from ._nsdl import __version__, explain, format
from .context import AttributeItem, Context
from .errors import DataError, NsdlError, NsdlWarning, ProgramError, RunError, UsageError
from .foreign import (
    Exclusive,
    Facts,
    foreign_aggregate,
    foreign_function,
    foreign_predicate,
    register,
)
from .mapping import Independent, independent
from .proof import Proof, Reason
from .provenance import Provenance

if TYPE_CHECKING:
    from .module import Module

__all__ = [
    "AttributeItem",
    "Context",
    "DataError",
    "Exclusive",
    "Facts",
    "Independent",
    "Module",
    "NsdlError",
    "NsdlWarning",
    "ProgramError",
    "Proof",
    "Provenance",
    "Reason",
    "RunError",
    "UsageError",
    "__version__",
    "explain",
    "foreign_aggregate",
    "foreign_function",
    "foreign_predicate",
    "format",
    "independent",
    "register",
]


def __getattr__(name: str) -> Any:
    if name == "Module":
        from .module import Module

        globals()["Module"] = Module  # so that this function is asked only once
        return Module
    raise AttributeError(f"module 'nsdl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
