"""``nsdl.Circuit``: formulas that other knowledge compilers have made circuits of, as a layer of a neural network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from . import _nsdl
from .device import moved
from .errors import error

_SMALL = (torch.float16, torch.bfloat16)  # computed in f32
_DTYPES = (torch.float32, torch.float64, *_SMALL)
_File = str | os.PathLike[str]


class Circuit(torch.nn.Module):
    """Weighted model counts of formulas: the sum, over their models, of the products of their literals' weights.

    >>> circuit = Circuit.from_sdd("formula.sdd")
    >>> circuit(log_weights)  # of shape [batch, variables]; the result of shape [batch]

    ``from_sdd`` reads diagrams as PySDD saves them, ``from_nnf`` the d-DNNFs of c2d and d4. A list of files makes a
    circuit with an output for each, of shape ``[batch, len(files)]``, which share what they have in common.

    ``semiring`` is ``"log"``: weights and counts are logarithms; or ``"real"``: they are numbers. Without ``negative``
    the weight of a denied variable is what that of the variable lacks to 1, so that counts are probabilities. Weights
    of both literals may be any numbers, in the real semiring also negative ones as long as the two of a variable do not
    cancel each other. Circuits need not be smooth: a variable that a part does not mention counts by the sum of both.

    Gradients are those of counts with respect to weights, of first order; that of a count of 0 is 0 in log space. The
    dtype is that of the weights, f32 or f64 (smaller ones are computed in f32). It computes on the CPU: weights on a
    GPU are copied there, in one piece, and counts back.
    """

    def __init__(self, compiled: _nsdl.LogicCircuit, semiring: str = "log", single: bool = True) -> None:
        super().__init__()
        if semiring not in ("log", "real"):
            raise error("E0810", f"unknown semiring {semiring!r}", help='use "log" or "real"')
        self.semiring = semiring
        self.single = single
        self._compiled = compiled

    @classmethod
    def from_sdd(
        cls,
        path: _File | Sequence[_File],
        *,
        vtree: _File | None = None,
        variables: int | None = None,
        semiring: str = "log",
    ) -> Circuit:
        """Sentential decision diagrams (``.sdd``), which PySDD writes by ``node.save(b"formula.sdd")``.

        The files do not say how many variables there are: it is the largest that they mention, or ``variables``, or as
        many as the ``vtree`` has (``manager.vtree().save(b"formula.vtree")``).
        """
        if vtree is not None and variables is None:
            variables = _nsdl.vtree_variables(*_read(vtree))
        return cls._load("sdd", path, variables, semiring)

    @classmethod
    def from_nnf(cls, path: _File | Sequence[_File], *, variables: int | None = None, semiring: str = "log") -> Circuit:
        """Deterministic, decomposable negation normal forms (``.nnf``) as c2d and d4 write them.

        That conjunctions are decomposable is checked; that disjunctions are deterministic is not.
        """
        return cls._load("nnf", path, variables, semiring)

    @classmethod
    def _load(cls, format: str, path: _File | Sequence[_File], variables: int | None, semiring: str) -> Circuit:
        if isinstance(path, (str, os.PathLike)):
            return cls(_nsdl.load_circuit(format, [_read(path)], variables), semiring, True)
        return cls(_nsdl.load_circuit(format, [_read(file) for file in path], variables), semiring, False)

    @property
    def variables(self) -> int:
        """How many variables there are: columns of weights."""
        return self._compiled.variables

    def forward(self, positive: torch.Tensor, negative: torch.Tensor | None = None) -> torch.Tensor:
        """Counts of weights of shape ``[batch, variables]``, or of one sample, ``[variables]``."""
        self._check("positive", positive)
        one, dtype, device = positive.dim() == 1, positive.dtype, positive.device
        weights = [positive]
        if negative is not None:
            self._check("negative", negative)
            if negative.shape != positive.shape or negative.dtype != dtype:
                raise error("E0825", "both weights have one shape and one dtype")
            if negative.device != device:
                raise error("E0827", f"`negative` is on {negative.device}, `positive` on {device}")
            weights = [positive, negative]
        if one:
            weights = [x.unsqueeze(0) for x in weights]
        if dtype in _SMALL:
            weights = [x.float() for x in weights]
        weights = [x.contiguous() for x in moved(weights, torch.device("cpu"))]
        if torch.is_grad_enabled() and any(x.requires_grad for x in weights):
            counts = _Count.apply(self, *weights)  # type: ignore[no-untyped-call]
        else:
            counts, _ = self._compiled.forward(self.semiring == "log", *weights)
            counts = counts.view(-1) if self.single else counts
        counts = counts.to(device, dtype)
        return counts[0] if one else counts  # type: ignore[no-any-return]

    def _check(self, name: str, x: Any) -> None:
        if not isinstance(x, torch.Tensor):
            raise error("E0824", f"`{name}` is no tensor")
        if x.dtype not in _DTYPES:
            raise error("E0826", f"`{name}` has the dtype {x.dtype}", help="weights are floating numbers")
        if x.dim() not in (1, 2) or x.shape[-1] != self.variables:
            wanted = f"[batch, {self.variables}]"
            raise error("E0825", f"`{name}` has the shape {list(x.shape)} instead of {wanted}")

    def extra_repr(self) -> str:
        nodes, edges, layers = self._compiled.size
        return f"variables={self.variables}, semiring={self.semiring!r}, nodes={nodes}, edges={edges}, layers={layers}"


class _Count(torch.autograd.Function):
    """One node of autograd's graph for a whole circuit."""

    @staticmethod
    def forward(ctx: Any, circuit: Circuit, *weights: torch.Tensor) -> torch.Tensor:
        counts, ctx.tape = circuit._compiled.forward(circuit.semiring == "log", *weights)
        ctx.circuit = circuit
        ctx.save_for_backward(*weights)  # autograd notices weights that were changed since
        return counts.view(-1) if circuit.single else counts

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        if torch.is_grad_enabled():  # create_graph=True
            raise error("E0828", "circuits of files have first derivatives only")
        weights = ctx.saved_tensors
        gradient = gradient.unsqueeze(1) if ctx.circuit.single else gradient
        found = ctx.circuit._compiled.backward(ctx.tape, gradient.contiguous())
        return None, *found[: len(weights)]


def _read(path: _File) -> tuple[str, str]:
    """Name and text of a file."""
    name = os.fspath(path)
    try:
        return name, Path(path).read_text(encoding="utf-8")
    except OSError as reason:
        raise error("E0701", f"cannot read `{name}`: {reason.strerror or reason}") from None
    except UnicodeDecodeError:
        raise error("E0702", f"{name}: not UTF-8 text") from None
