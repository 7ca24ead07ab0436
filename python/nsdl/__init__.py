"""nsdl: differentiable Datalog.

``Context`` runs logic programs over facts, certain or not; it needs nothing but this package.
``Module`` is a program as a layer of a neural network: a ``torch.nn.Module``, so it needs torch, which is
imported when it is first used. ``Circuit`` is the same for formulas that other compilers have made circuits of.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

try:
    from . import _nsdl
    from ._nsdl import __version__, explain, format
except ImportError:  # an extension built with the feature `tch` needs the libraries that torch brings along
    import torch  # noqa: F401

    from . import _nsdl
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
from .mapping import Columns, Product, exclusive, independent, product
from .proof import Proof, Reason
from .provenance import Provenance
from .statistics import Statistics, Stratum

if TYPE_CHECKING:
    from .circuit import Circuit
    from .module import Module
    from .ragged import Ragged

# A child of a fork has none of its parent's threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_nsdl._forked)

__all__ = [
    "AttributeItem",
    "Circuit",
    "Columns",
    "Context",
    "DataError",
    "Exclusive",
    "Facts",
    "Module",
    "NsdlError",
    "NsdlWarning",
    "Product",
    "ProgramError",
    "Proof",
    "Provenance",
    "Ragged",
    "Reason",
    "RunError",
    "Statistics",
    "Stratum",
    "UsageError",
    "__version__",
    "exclusive",
    "explain",
    "foreign_aggregate",
    "foreign_function",
    "foreign_predicate",
    "format",
    "independent",
    "product",
    "register",
]


def __getattr__(name: str) -> Any:
    if name == "Module":
        from .module import Module

        globals()["Module"] = Module  # so that this function is asked only once
        return Module
    if name == "Circuit":
        from .circuit import Circuit

        globals()["Circuit"] = Circuit
        return Circuit
    if name == "Ragged":
        from .ragged import Ragged

        globals()["Ragged"] = Ragged
        return Ragged
    raise AttributeError(f"module 'nsdl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
