"""A program as a layer of a neural network."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from . import _nsdl
from .context import row
from .errors import NsdlWarning, UsageError, error
from .foreign import everywhere, items
from .learned import learned
from .mapping import Independent, tuples
from .proof import Proof
from .torch import Circuit, check, run_kernels

_DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_BACKENDS = ("auto", "kernels", "torch", *(["tch"] if hasattr(_nsdl, "TchModule") else []))


class Module(torch.nn.Module):
    """A program from probabilities of input tuples to probabilities of output tuples.

    >>> sum_2 = Module(
    ...     "rel sum_2(a + b) = digit_1(a), digit_2(b)",
    ...     inputs={"digit_1": range(10), "digit_2": range(10)},
    ...     output={"sum_2": range(19)},
    ... )
    >>> sum_2(digit_1=p, digit_2=q)  # p and q of shape [batch, 10]; the result of shape [batch, 19]

    ``program`` is the text of a program or the path of a ``.dl`` file. It is compiled once, here.

    ``inputs`` maps each input relation to its mapping: the tuple (or value) for which each column of its tensor
    stands. The tuples of a row exclude each other, unless the mapping is ``nsdl.independent(...)``.

    ``output`` is a relation, or a dictionary from relations to mappings, of which ``None`` stands for all
    derivable tuples ordered by value, as for a relation alone. They are listed in ``tuples``. A module with several
    outputs returns a dictionary.

    ``provenance`` is ``"auto"``: exact where that fits a budget, else with a warning and :meth:`bounds`. Others are
    ``"exact"``, ``"topkproofs"``, ``"minmaxprob"`` and ``"addmultprob"``.

    ``validate`` refuses NaN, probabilities outside [0, 1] and rows of exclusive tuples with a sum above 1; on a GPU
    the check is asynchronous.

    ``backend`` is ``"kernels"`` (compiled, on the CPU), ``"torch"`` (torch operations, on any device, also under
    ``torch.func``) or ``"auto"``: kernels for tensors on the CPU and torch for others. Both are differentiable any
    number of times. An extension built with the feature ``tch`` also has ``"tch"``, the circuits of the crate nsdl-tch.

    With ``log`` the results are logarithms of probabilities, for products that numbers cannot hold, with finite gradients
    (of first order) at 0 and 1 too; kernels compute them.
    An output may be given evidence, ``"burglary() | alarm()"``: its values are conditional probabilities. ``evidence`` is
    a formula that holds for all outputs, several of them, or a dictionary from formulas to whether they hold. A sample
    in which the evidence is impossible is NaN, with a warning and gradient 0.

    Probabilities to learn, ``?0.3::noisy(x)`` in the program, are parameters of torch in ``module.learned``, on the scale
    of logits: any optimiser trains them, ``probabilities()`` tells their values and ``to_dl()`` the program with them. A
    module that has some may do without inputs; it is then called without tensors, for a batch of one.

    ``foreign`` lists functions, predicates and aggregates of :mod:`nsdl.foreign` that the program uses.
    """

    def __init__(
        self,
        program: str | os.PathLike[str],
        inputs: Mapping[str, Iterable[Any] | Independent],
        output: str | Mapping[str, Iterable[Any] | None],
        provenance: str = "auto",
        k: int = 3,
        validate: bool = True,
        backend: str = "auto",
        foreign: Iterable[Any] = (),
        log: bool = False,
        evidence: str | Iterable[str] | Mapping[str, bool] = (),
    ) -> None:
        super().__init__()
        if not isinstance(provenance, str):
            raise UsageError(
                "E0815",
                "a module computes numbers by compiled circuits, not by a provenance of your own",
                help="use nsdl.Context, whose tags may be tensors, or name a provenance",
            )
        if log and backend not in ("auto", "kernels"):
            raise UsageError("E0823", f"backend {backend!r} has no log space", help='use backend="kernels"')
        if backend not in _BACKENDS:
            raise UsageError("E0823", f"unknown backend {backend!r}", help=f"use one of {', '.join(_BACKENDS)}")
        outputs = {output: None} if isinstance(output, str) else dict(output)
        if not outputs:
            raise UsageError("E0820", "a module needs at least one output")
        name, text = _source(program)
        if not inputs and "?" not in text and "import" not in text:
            raise _idle()  # before the compiler misses what inputs would declare
        compiled, reports = _nsdl.compile(
            name,
            text,
            [_input(name, mapping) for name, mapping in inputs.items()],
            [(name, None if mapping is None else tuples(mapping, name)) for name, mapping in outputs.items()],
            provenance,
            k,
            everywhere() + items(foreign),
            _evidence(evidence),
        )
        for report in reports:
            warnings.warn(report, NsdlWarning, stacklevel=2)
        self.learned = learned(compiled)
        if not inputs and self.learned is None:
            raise _idle()
        self.inputs = {name: len(mapping) for name, mapping, _ in compiled.inputs}
        self.outputs = tuple(outputs)
        self.provenance = provenance
        self.validate = validate
        self.backend = backend
        self.log = log
        self._name, self._text = name, text
        self._compiled = compiled
        self._circuit = Circuit(compiled)

    @property
    def tuples(self) -> Any:
        """The tuples for which the columns of the result stand; a dictionary if there are several outputs."""
        return self._result([self._compiled.tuples(i) for i in range(len(self.outputs))])

    def forward(self, **tensors: torch.Tensor) -> Any:
        """Probabilities of the outputs, ``[batch, m]`` each, from those of the inputs, ``[batch, n]`` each."""
        inputs, values = self._given(tensors)
        like = inputs[0] if inputs else values
        assert like is not None  # there are inputs or parameters
        device, dtype = like.device, like.dtype
        given = _upcast(inputs, dtype)
        if values is not None:
            [values] = _upcast([values], values.dtype)
        if self.backend == "tch":
            if self.validate:
                check(self._compiled, inputs, _tolerance(dtype))
            outputs = self._circuit.tch(given, values)
        elif self.backend == "torch" or (
            self.backend == "auto" and device.type != "cpu" and self._circuit.exists and not self.log
        ):
            if self.validate:
                check(self._compiled, inputs, _tolerance(dtype))
            outputs = self._circuit(given, values)
        else:
            validate = self.validate
            if validate and dtype.itemsize == 2:  # half precision is checked with the tolerance of half precision
                check(self._compiled, inputs, _tolerance(dtype))
                validate = False
            values = None if values is None else values.cpu()
            outputs = run_kernels(self._circuit, [x.cpu() for x in given], values, validate, self.log)
            outputs = [y.to(device) for y in outputs]
        return self._result([y.to(dtype) for y in outputs])

    def bounds(self, **tensors: torch.Tensor) -> tuple[Any, Any]:
        """Lower and upper bounds of what a call with these tensors gives, without gradients.

        They are the outputs themselves, unless ``"auto"`` warned when the module was made.
        """
        with torch.no_grad():
            inputs, values = self._given(tensors)
        like = inputs[0] if inputs else values
        assert like is not None  # there are inputs or parameters
        device, dtype = like.device, like.dtype
        dense = [x.detach().cpu().contiguous() for x in _upcast(inputs, dtype)]
        if values is not None:
            values = _upcast([values], values.dtype)[0].cpu().unsqueeze(0)
        lower, upper = self._compiled.bounds(dense, self.validate and dtype.itemsize > 2, values)
        return self._result([y.to(device, dtype) for y in lower]), self._result([y.to(device, dtype) for y in upper])

    def jacobian(self, sparse: bool = False, **tensors: torch.Tensor) -> Any:
        """How each probability changes with each input: for each input a tensor ``[batch, m, n]``, by its name.

        Not differentiable itself. With ``sparse``, COO tensors that hold only what is not zero. A module with several
        outputs returns such a dictionary for each.
        """
        with torch.no_grad():
            inputs, values = self._given(tensors)
        if not inputs:
            return self._result([{} for _ in self.outputs])
        device, dtype, batch = inputs[0].device, inputs[0].dtype, inputs[0].shape[0]
        dense = [x.detach().cpu().contiguous() for x in _upcast(inputs, dtype)]
        values = None if values is None else values.cpu().unsqueeze(0)
        _, tape = self._compiled.forward(dense, self.validate and dtype.itemsize > 2, parameters=values)

        def one(output: int, place: int, width: int) -> torch.Tensor:
            samples, rows, columns, found = self._compiled.jacobian(tape, output, place)
            index = torch.tensor([samples, rows, columns], dtype=torch.int64).view(3, -1)
            size = (batch, len(self._compiled.tuples(output)), width)
            numbers = torch.tensor(found, dtype=dtype)
            entries = torch.sparse_coo_tensor(index, numbers, size, device=device, check_invariants=False)
            return entries.coalesce() if sparse else entries.to_dense()

        widths = list(self.inputs.items())
        return self._result(
            [
                {name: one(output, place, width) for place, (name, width) in enumerate(widths)}
                for output in range(len(self.outputs))
            ]
        )

    def probabilities(self) -> dict[str, float]:
        """The current values of the probabilities to learn, by what they are of: ``{"reach(x, y)": 0.31}``."""
        return {} if self.learned is None else dict(zip(self.learned.names, self._values(), strict=True))

    def to_dl(self, learnable: bool = True) -> str:
        """The text of the program with the current values of what is learned, to seven digits.

        They stay learnable, ``?0.31``, or become plain probabilities. Those in imported files are not in it.
        """
        text = self._compiled.learned_text(self._name, self._values(), learnable)
        return self._text if text is None else text

    def _values(self) -> list[float]:
        with torch.no_grad():
            return [] if self.learned is None else self.learned.double_values()

    def why(self, tuple: Any, k: int = 3, output: str | None = None, **tensors: torch.Tensor) -> list[Proof]:
        """The ``k`` most probable proofs of one output tuple for one sample, most probable first.

        The tensors are as in a call, of shape ``[n]`` or ``[1, n]``; ``output`` is needed if there are several.
        """
        if output is None:
            if len(self.outputs) > 1:
                raise UsageError("E0820", f"say which output: output={self.outputs[0]!r}, for example")
            output = self.outputs[0]
        if output not in self.outputs:
            raise _unknown("output", output, self.outputs)
        batched = {
            name: x.unsqueeze(0) if isinstance(x, torch.Tensor) and x.dim() == 1 else x for name, x in tensors.items()
        }
        inputs = self._inputs(batched)
        if inputs and inputs[0].shape[0] != 1:
            raise UsageError(
                "E0825",
                f"`why` explains one sample, and got {inputs[0].shape[0]}",
                help="pass x[i] of each tensor",
            )
        weights = [x[0].detach().double().tolist() for x in inputs]
        if self.learned is not None:
            weights.append(self._values())
        return [Proof.of(proof) for proof in self._compiled.why(self.outputs.index(output), row(tuple), k, weights)]

    def extra_repr(self) -> str:
        inputs = ", ".join(f"{name}: {width}" for name, width in self.inputs.items())
        outputs = ", ".join(f"{name}: {len(self._compiled.tuples(i))}" for i, name in enumerate(self.outputs))
        return f"{inputs} -> {outputs}, provenance={self.provenance!r}"

    def _result(self, values: list[Any]) -> Any:
        return values[0] if len(values) == 1 else dict(zip(self.outputs, values, strict=True))

    def _given(self, tensors: dict[str, torch.Tensor]) -> tuple[list[torch.Tensor], torch.Tensor | None]:
        """The inputs in order, and the current values of what is learned, on their device and of the kernels' dtype."""
        inputs = self._inputs(tensors)
        values = None if self.learned is None else self.learned()
        if values is not None and inputs:
            dtype = inputs[0].dtype
            values = values.to(inputs[0].device, torch.float32 if dtype.itemsize == 2 else dtype)
        return inputs, values

    def _inputs(self, tensors: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        """The input tensors in order, after all checks that do not look at values."""
        for name in tensors:
            if name not in self.inputs:
                raise _unknown("input", name, tuple(self.inputs))
        inputs: list[torch.Tensor] = []
        for name, width in self.inputs.items():
            x = tensors.get(name)
            if x is None:
                raise UsageError(
                    "E0824",
                    f"input `{name}` is missing",
                    help=f"pass {name}=tensor of shape [batch, {width}]",
                )
            if not isinstance(x, torch.Tensor):
                raise UsageError(
                    "E0824",
                    f"input `{name}` is a {type(x).__name__}, not a tensor",
                    help="use torch.as_tensor",
                )
            if x.dim() == 1 and x.shape[0] == width:
                raise UsageError(
                    "E0825",
                    f"input `{name}` has shape [{width}], without a batch",
                    help=f"pass {name}.unsqueeze(0)",
                )
            if x.dim() != 2 or x.shape[1] != width:
                raise UsageError("E0825", f"input `{name}` has shape {list(x.shape)} instead of [batch, {width}]")
            if x.dtype not in _DTYPES:
                raise UsageError(
                    "E0826",
                    f"input `{name}` is of {x.dtype}, not of a floating-point dtype",
                    help=f"pass {name}.float()",
                )
            first = inputs[0] if inputs else x
            if x.shape[0] != first.shape[0]:
                raise UsageError(
                    "E0825",
                    f"input `{name}` has a batch of {x.shape[0]}, an earlier input one of {first.shape[0]}",
                )
            if x.dtype != first.dtype:
                raise UsageError(
                    "E0826",
                    f"input `{name}` is of {x.dtype}, an earlier input of {first.dtype}",
                    help="convert with .to(dtype)",
                )
            if x.device != first.device:
                raise UsageError(
                    "E0827",
                    f"input `{name}` is on {x.device}, an earlier input on {first.device}",
                    help="move with .to(device)",
                )
            inputs.append(x)
        return inputs


def _source(program: str | os.PathLike[str]) -> tuple[str, str]:
    """Name and text of a program."""
    if isinstance(program, str) and not (program.endswith((".dl", ".scl")) and "\n" not in program):
        return "<program>", program
    path = os.fspath(program)
    try:
        with open(path, encoding="utf-8") as file:
            return path, file.read()
    except (OSError, UnicodeDecodeError) as reason:
        raise error("E0701", f"cannot read `{path}`: {reason}") from None


def _input(name: str, mapping: Iterable[Any] | Independent) -> tuple[str, tuple[tuple[Any, ...], ...], bool]:
    """Relation, mapping, and whether its tuples exclude each other."""
    if isinstance(mapping, Independent):
        return name, mapping.mapping, False
    return name, tuples(mapping, name), True


def _idle() -> UsageError:
    return UsageError(
        "E0820",
        "a module needs at least one input or probability to learn",
        help="evaluate such a program with nsdl.Context",
    )


def _evidence(evidence: str | Iterable[str] | Mapping[str, bool]) -> list[tuple[str, bool]]:
    """Formulas, and whether they hold."""
    if isinstance(evidence, str):
        return [(evidence, True)]
    if isinstance(evidence, Mapping):
        return [(formula, bool(holds)) for formula, holds in evidence.items()]
    return [(formula, True) for formula in evidence]


def _upcast(inputs: list[torch.Tensor], dtype: torch.dtype) -> list[torch.Tensor]:
    """The kernels know f32 and f64."""
    return [x.float() for x in inputs] if dtype.itemsize == 2 else inputs


def _tolerance(dtype: torch.dtype) -> float:
    """By how much the sum of a row of exclusive tuples may exceed 1 through rounding."""
    return 1e-2 if dtype.itemsize == 2 else 1e-4


def _unknown(kind: str, name: str, known: tuple[str, ...]) -> UsageError:
    return UsageError("E0824", f"there is no {kind} `{name}`", help=f"{kind}s are {', '.join(known)}")
