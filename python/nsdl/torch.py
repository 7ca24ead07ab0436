"""Circuits under torch's autograd: by the compiled kernels, or layer by layer with torch operations."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch

from . import _nsdl
from .errors import NsdlError, NsdlWarning, error


class Circuit:
    """The circuit of a compiled module as torch operations, on any device and differentiable any number of times.

    Values are kept as a frontier: one row per node that is still needed, one column per sample. Each layer gathers
    the children of its nodes from the frontier, reduces them, and appends the results.
    """

    def __init__(self, compiled: Any) -> None:
        self.compiled = compiled  # a CompiledModule; a Shape has layers too, but is not evaluated by kernels
        self.exists = compiled.has_layers
        self._plans: dict[tuple[torch.device, torch.dtype], Any] = {}
        self._tch: _nsdl.TchModule | None = None
        self._told: set[str] = set()

    def tell(self, tape: _nsdl.Tape) -> None:
        """Warns of what a forward pass was not exact in, of each cause once."""
        _warn_impossible(tape.impossible)
        for code, text in tape.approximations:
            if code not in self._told:
                self._told.add(code)
                warnings.warn(text, NsdlWarning, stacklevel=2)

    def __reduce__(self) -> Any:
        return (Circuit, (self.compiled,))  # the index tensors are made anew

    def __call__(self, inputs: list[torch.Tensor], parameters: torch.Tensor | None = None) -> list[torch.Tensor]:
        """The outputs; ``parameters`` has the current values of those that the module has, ``[p]``."""
        if not self.exists:
            raise inexpressible()
        like = inputs[0] if inputs else parameters
        assert like is not None  # there are inputs or parameters
        batch = inputs[0].shape[0] if inputs else 1
        learned, constants, layers, outputs, given = self._plan(like.device, like.dtype)
        rows = [x.t() for x in inputs]
        if parameters is not None:
            rows.append(parameters.index_select(0, learned).unsqueeze(1).expand(-1, batch))
        frontier = torch.cat([*rows, constants.expand(-1, batch)])
        for keep, groups in layers:
            results = [
                _reduce(op, frontier.index_select(0, children).view(nodes, width, batch), left)
                for op, nodes, width, left, children in groups
            ]
            frontier = torch.cat([frontier if keep is None else frontier.index_select(0, keep), *results])
        return [
            _quotient(frontier.index_select(0, nodes), None if by is None else frontier.index_select(0, by)).t()
            for nodes, by in zip(outputs, given, strict=True)
        ]

    def tch(self, inputs: list[torch.Tensor], parameters: torch.Tensor | None = None) -> list[torch.Tensor]:
        """The same by the crate nsdl-tch, where the extension is built with it."""
        if self._tch is None:
            self._tch = _nsdl.TchModule(self.compiled)
        return self._tch.forward(inputs if parameters is None else [*inputs, parameters])

    def _plan(self, device: torch.device, dtype: torch.dtype) -> Any:
        """Parameters of rows, constant weights, index tensors of each layer, and of the outputs."""
        plan = self._plans.get((device, dtype))
        if plan is None:
            # Tensors made in inference mode could not be used for training later.
            with torch.inference_mode(False), torch.no_grad():

                def index(numbers: bytes) -> torch.Tensor:
                    if not numbers:
                        return torch.empty(0, dtype=torch.int64, device=device)
                    return torch.frombuffer(bytearray(numbers), dtype=torch.int64).to(device)

                learned, constants, layers, outputs, given = self.compiled.layers()
                plan = (
                    index(learned),
                    torch.tensor(constants, dtype=torch.float64).to(device, dtype).unsqueeze(1),
                    [
                        (
                            None if keep is None else index(keep),
                            [(op, nodes, width, left, index(rows)) for op, nodes, width, left, rows in groups],
                        )
                        for keep, groups in layers
                    ],
                    [index(nodes) for nodes in outputs],
                    [index(nodes) if nodes else None for nodes in given],
                )
            self._plans[device, dtype] = plan
        return plan


def inexpressible() -> NsdlError:
    return error(
        "E0828",
        "this circuit is not evaluated in one fixed pass, so torch operations cannot express it",
        help='use backend="auto" or backend="kernels", on any device, or provenance="exact"',
    )


def run_kernels(
    circuit: Circuit, inputs: list[torch.Tensor], parameters: torch.Tensor | None, validate: bool, log: bool = False
) -> list[torch.Tensor]:
    """Outputs by the compiled kernels, for f32 or f64 tensors on the CPU; with ``log`` their logarithms.

    ``parameters`` is as for a circuit.
    """
    dense = [x.contiguous() for x in inputs]
    return list(run_dense(circuit, dense, None if parameters is None else parameters.contiguous(), validate, log))


def run_dense(
    circuit: Circuit, inputs: list[torch.Tensor], parameters: torch.Tensor | None, validate: bool, log: bool
) -> list[torch.Tensor] | tuple[torch.Tensor, ...]:
    """The same where all are contiguous."""
    learned = parameters is not None
    if torch.is_grad_enabled():
        tensors = inputs if parameters is None else [*inputs, parameters]
        for x in tensors:
            if x.requires_grad:
                return _Kernels.apply((circuit, validate, log, learned), *tensors)  # type: ignore[no-any-return, no-untyped-call]
    outputs, _ = _run(circuit, validate, log, inputs, parameters)
    return outputs


def _run(
    circuit: Circuit, validate: bool, log: bool, inputs: Sequence[torch.Tensor], parameters: torch.Tensor | None
) -> tuple[list[torch.Tensor], _nsdl.Tape]:
    outputs, tape = circuit.compiled.forward(
        inputs, validate, log, None if parameters is None else parameters.unsqueeze(0)
    )
    if tape.is_notable:
        circuit.tell(tape)
    return outputs, tape


class _Kernels(torch.autograd.Function):
    """One node of autograd's graph for a whole circuit.

    Autograd takes some time for each argument and each tensor that is saved, more than a small circuit does.
    """

    @staticmethod
    def forward(ctx: Any, call: tuple[Circuit, bool, bool, bool], *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        circuit, validate, log, learned = call
        outputs, tape = _run(circuit, validate, log, *_parted(tensors, learned))
        ctx.call, ctx.tape = call, tape
        ctx.save_for_backward(*tensors)
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        circuit, _, log, learned = ctx.call
        if torch.is_grad_enabled():  # create_graph=True: the gradient is to be differentiated again
            tensors = ctx.saved_tensors
            if log:
                message = "in log space there are first derivatives only"
                raise error("E0828", message, help="use log=False and torch.log where second ones are needed")
            flow = _Gradient.apply(circuit, ctx.tape, learned, len(tensors), *tensors, *gradients)  # type: ignore[no-untyped-call]
            return None, *flow
        return None, *_backward(circuit, ctx.tape, gradients, log, learned)


def _backward(
    circuit: Circuit, tape: _nsdl.Tape, gradients: Sequence[torch.Tensor], log: bool, learned: bool
) -> list[torch.Tensor]:
    found = circuit.compiled.backward(tape, [g.contiguous() for g in gradients], log, learned)
    if learned:
        found[-1] = found[-1].squeeze(0)
    return found


def _parted(tensors: tuple[torch.Tensor, ...], learned: bool) -> tuple[list[torch.Tensor], torch.Tensor | None]:
    """Inputs, and the values of the parameters behind them."""
    return (list(tensors[:-1]), tensors[-1]) if learned else (list(tensors), None)


class _Gradient(torch.autograd.Function):
    """The gradient of a circuit, which can be differentiated again: by a kernel, and a third time by torch."""

    @staticmethod
    def forward(
        ctx: Any, circuit: Circuit, tape: Any, learned: bool, count: int, *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        ctx.circuit, ctx.tape, ctx.learned, ctx.count = circuit, tape, learned, count
        ctx.save_for_backward(*tensors)
        return tuple(_backward(circuit, tape, tensors[count:], False, learned))

    @staticmethod
    def backward(ctx: Any, *directions: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        tensors = ctx.saved_tensors
        inputs, gradients = tensors[: ctx.count], tensors[ctx.count :]
        if torch.is_grad_enabled():
            results = _again(lambda xs: ctx.circuit(*_parted(xs, ctx.learned)), inputs, gradients, directions)
            return None, None, None, None, *results
        moves = [d.contiguous() for d in directions]
        if ctx.learned:
            moves[-1] = moves[-1].unsqueeze(0)
        flow = [g.contiguous() for g in gradients]
        products, slopes = ctx.circuit.compiled.second(ctx.tape, moves, flow, ctx.learned)
        if ctx.learned:
            products[-1] = products[-1].squeeze(0)
        return None, None, None, None, *products, *slopes


def _again(
    outputs: Callable[[tuple[torch.Tensor, ...]], list[torch.Tensor]],
    inputs: tuple[torch.Tensor, ...],
    gradients: tuple[torch.Tensor, ...],
    directions: tuple[torch.Tensor, ...],
) -> tuple[torch.Tensor | None, ...]:
    """Second derivatives by torch operations, which can be differentiated again."""
    # Views: the gradients may depend on the inputs, which is no business of this node.
    wanted = tuple(x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in inputs)
    flow = [g.view_as(g) if g.requires_grad else g.detach().requires_grad_() for g in gradients]
    first = torch.autograd.grad(outputs(wanted), wanted, flow, create_graph=True, allow_unused=True)
    pairs = [(g, d) for g, d in zip(first, directions, strict=True) if g is not None]
    return torch.autograd.grad(
        [g for g, _ in pairs], [*wanted, *flow], [d for _, d in pairs], create_graph=True, allow_unused=True
    )


def _quotient(joint: torch.Tensor, evidence: torch.Tensor | None) -> torch.Tensor:
    """Conditional probabilities: NaN with gradient 0 where the evidence is impossible."""
    if evidence is None:
        return joint
    possible = evidence > 0
    if evidence.device.type == "cpu":  # a GPU would have to wait
        _warn_impossible(int(possible.logical_not().any(0).sum()))
    share = torch.where(possible, evidence, torch.ones_like(evidence))
    return torch.where(possible, joint / share, torch.full_like(joint, float("nan")))


def _warn_impossible(samples: int) -> None:
    if samples:
        code = "W0550"
        warnings.warn(
            f"warning[{code}]: the evidence is impossible in {samples} samples: their outputs are NaN, with gradient 0",
            NsdlWarning,
            stacklevel=2,
        )


def run_batch(
    shapes: Any,
    arrangement: _nsdl.Arrangement,
    validate: bool,
    like: torch.Tensor,
    inputs: list[torch.Tensor],
    probabilities: list[torch.Tensor],
    parameters: torch.Tensor | None,
) -> list[torch.Tensor]:
    """Outputs of a batch whose samples have facts of their own, for f32 or f64 tensors on the CPU."""
    n, learned = len(inputs), parameters is not None
    tensors = [x.contiguous() for x in inputs] + [p.contiguous() for p in probabilities]
    tensors += [] if parameters is None else [parameters.contiguous()]
    if torch.is_grad_enabled() and any(x.requires_grad for x in tensors):
        return list(_Batch.apply(shapes, arrangement, validate, n, learned, *tensors))  # type: ignore[no-untyped-call]
    outputs, _ = _evaluate(shapes, arrangement, validate, n, learned, like, tuple(tensors))
    return outputs


def _evaluate(
    shapes: Any,
    arrangement: _nsdl.Arrangement,
    validate: bool,
    n: int,
    learned: bool,
    like: torch.Tensor,
    tensors: tuple[torch.Tensor, ...],
) -> tuple[list[torch.Tensor], Any]:
    """By the kernels; the tensors are ``n`` of fixed inputs, those of facts, and the parameters if there are some."""
    rest, parameters = _parted(tensors, learned)
    facts = [p.unsqueeze(1) for p in rest[n:]]
    values = None if parameters is None else parameters.unsqueeze(0)
    outputs, tape = shapes.compiled.forward(arrangement, like, rest[:n], facts, validate, values)
    _warn_impossible(tape.impossible)
    return outputs, tape


class _Batch(torch.autograd.Function):
    """One node of autograd's graph for all shapes of a batch."""

    @staticmethod
    def forward(
        ctx: Any,
        shapes: Any,
        arrangement: _nsdl.Arrangement,
        validate: bool,
        n: int,
        learned: bool,
        *tensors: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        outputs, tape = _evaluate(shapes, arrangement, validate, n, learned, tensors[0], tensors)
        ctx.shapes, ctx.arrangement, ctx.n, ctx.learned, ctx.tape = shapes, arrangement, n, learned, tape
        ctx.save_for_backward(*tensors)
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        tensors = ctx.saved_tensors
        call = (ctx.shapes, ctx.arrangement, ctx.n, ctx.learned, ctx.tape)
        if torch.is_grad_enabled():  # create_graph=True: the gradient is to be differentiated again
            flow = _BatchGradient.apply(call, len(tensors), *tensors, *gradients)  # type: ignore[no-untyped-call]
            return None, None, None, None, None, *flow
        return None, None, None, None, None, *_batch_backward(call, tensors, gradients)


def _batch_backward(
    call: tuple[Any, _nsdl.Arrangement, int, bool, Any],
    tensors: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor],
) -> list[torch.Tensor]:
    shapes, arrangement, _, learned, tape = call
    found = shapes.compiled.backward(arrangement, tape, [g.contiguous() for g in gradients], learned)
    return [g.view_as(x) for g, x in zip(found, tensors, strict=True)]


class _BatchGradient(torch.autograd.Function):
    """The gradient of a batch by shapes; see :class:`_Gradient`."""

    @staticmethod
    def forward(
        ctx: Any, call: tuple[Any, _nsdl.Arrangement, int, bool, Any], count: int, *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        ctx.call, ctx.count = call, count
        ctx.save_for_backward(*tensors)
        return tuple(_batch_backward(call, tensors[:count], tensors[count:]))

    @staticmethod
    def backward(ctx: Any, *directions: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        shapes, arrangement, n, learned, tape = ctx.call
        tensors = ctx.saved_tensors
        inputs, gradients = tensors[: ctx.count], tensors[ctx.count :]
        if torch.is_grad_enabled():
            from .shapes import by_torch

            def outputs(xs: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
                rest, parameters = _parted(xs, learned)
                values = by_torch(shapes, arrangement, xs[0], rest[:n], rest[n:], parameters)
                return [value.view_as(g) for value, g in zip(values, gradients, strict=True)]

            return None, None, *_again(outputs, inputs, gradients, directions)
        facts = len(inputs) - learned
        moves = [d.contiguous() for d in directions]
        moves[n:facts] = [d.unsqueeze(1) for d in moves[n:facts]]
        if learned:
            moves[-1] = moves[-1].unsqueeze(0)
        flow = [g.contiguous() for g in gradients]
        products, slopes = shapes.compiled.second(arrangement, tape, moves, flow, learned)
        products = [p.view_as(x) for p, x in zip(products, inputs, strict=True)]
        return None, None, *products, *slopes


def check(compiled: _nsdl.CompiledModule | _nsdl.CompiledShapes, inputs: list[torch.Tensor], tolerance: float) -> None:
    """Refuses what is no probability, as the kernels do. On a GPU nothing waits for it: the error comes later."""
    with torch.no_grad():
        for (name, _, exclusive), x in zip(compiled.inputs, inputs, strict=True):
            highest = 1 + tolerance if exclusive else 1
            _require("E0521", x.isnan().logical_not().all(), f"input `{name}` has a value that is NaN")
            _require("E0510", ((x >= 0) & (x <= highest)).all(), f"input `{name}` has a value outside [0, 1]")
            if exclusive:
                sums = x.sum(1, dtype=torch.float32) if x.dtype.itemsize == 2 else x.sum(1)
                _require("E0511", (sums <= 1 + tolerance).all(), f"a row of input `{name}` sums to more than 1")


def _require(code: str, condition: torch.Tensor, message: str) -> None:
    if condition.device.type != "cpu":
        torch._assert_async(condition, f"error[{code}]: {message}")
    elif not condition:
        raise error(code, message, help="inputs are probabilities: apply a softmax or a sigmoid to logits first")


def _halve(values: torch.Tensor, combine: Any) -> torch.Tensor:
    """Reduces dimension 1, whose size is a power of two, neighbour with neighbour."""
    while values.shape[1] > 1:
        values = combine(values[:, 0::2], values[:, 1::2])
    return values[:, 0]


def _clamped_sum(values: torch.Tensor) -> torch.Tensor:
    total = values.sum(1)
    return torch.where(total <= 1, total, torch.ones_like(total))  # a clamped value has gradient 0


def _reduce(op: str, values: torch.Tensor, left: int) -> torch.Tensor:
    return _convolution(values, left) if op == "convolution" else _REDUCE[op](values)


def _convolution(values: torch.Tensor, left: int) -> torch.Tensor:
    """Products of polynomials, whose coefficients lie along dimension 1: ``left`` of one factor, then the other's."""
    nodes, width, batch = values.shape
    a, b = (x.movedim(2, 1).reshape(nodes * batch, 1, -1) for x in (values[:, :left], values[:, left:]))
    with _in_full(values.device.type):
        product = torch.nn.functional.conv1d(b.transpose(0, 1), a.flip(2), padding=left - 1, groups=nodes * batch)
    return product.view(nodes, batch, width - 1).movedim(1, 2).reshape(-1, batch)


def _in_full(device: str) -> Any:
    """Probabilities are not computed in half precision, under autocast either."""
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        return torch.autocast(device, enabled=False)
    return contextlib.nullcontext()


_REDUCE: dict[str, Any] = {
    "sum": lambda values: values.sum(1),
    # torch.prod would do, but its gradient looks for zeros, for which a GPU has to wait.
    "product": lambda values: _halve(values, torch.mul),
    "complement": lambda values: 1 - values[:, 0],
    # torch.amax would split the gradient of a tie: it belongs to the first.
    "max": lambda values: _halve(values, lambda a, b: torch.where(a >= b, a, b)),
    "min": lambda values: _halve(values, lambda a, b: torch.where(a <= b, a, b)),
    "clamped_sum": _clamped_sum,
}
