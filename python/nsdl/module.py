"""A program as a layer of a neural network."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import torch

from . import _nsdl
from .context import row
from .errors import NsdlWarning, UsageError, error
from .foreign import everywhere, items
from .inputs import Input
from .learned import learned
from .mapping import Columns, columns, tuples
from .proof import Proof
from .shapes import Drawing, Shapes, Stats
from .torch import Circuit, check, run_dense, run_kernels

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

    A relation without a mapping, ``"edge": None``, is one whose facts come with each call, each sample with its own
    (:class:`Ragged`, or a list per sample); the program declares its types. Each layout of facts is compiled when it is
    first met, or ahead of time by :meth:`prepare`, and kept within ``memory`` bytes. Outputs without a mapping are
    then a :class:`Ragged` too.

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
        inputs: Mapping[str, Iterable[Any] | Columns | None],
        output: str | Mapping[str, Iterable[Any] | None],
        provenance: str = "auto",
        k: int = 3,
        validate: bool = True,
        backend: str = "auto",
        foreign: Iterable[Any] = (),
        log: bool = False,
        evidence: str | Iterable[str] | Mapping[str, bool] = (),
        memory: int = 512 << 20,
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
        specs = {relation: Input(relation, columns(it, relation)) for relation, it in inputs.items() if it is not None}
        open_relations = [relation for relation in inputs if relation not in specs or specs[relation].columns.ragged]
        fixed = [spec for relation, spec in specs.items() if relation not in open_relations]
        if open_relations and (log or backend == "tch"):
            raise _fixed_only("log space" if log else "the backend tch")
        compile = partial(_nsdl.compile_shapes, open=open_relations) if open_relations else _nsdl.compile
        compiled, reports = compile(
            name,
            text,
            inputs=[port for spec in fixed for port in spec.ports],
            outputs=[(relation, None if it is None else tuples(it, relation)) for relation, it in outputs.items()],
            provenance=provenance,
            k=k,
            foreign=everywhere() + items(foreign),
            evidence=_evidence(evidence),
        )
        for report in reports:
            warnings.warn(report, NsdlWarning, stacklevel=2)
        self.learned = learned(compiled)
        if not inputs and self.learned is None:
            raise _idle()
        self.inputs = {relation: spec.width for relation, spec in specs.items()}
        self._specs = specs
        self.outputs = tuple(outputs)
        self.provenance = provenance
        self.validate = validate
        self.backend = backend
        self.log = log
        self._name, self._text = name, text
        self._compiled = compiled
        self._shapes = Shapes(compiled, len(outputs)) if open_relations else None
        self._circuit = Circuit(compiled) if not open_relations else None
        # Whether kernels take the tensors of a call as they come, if they are dense and on the CPU.
        whole = all(spec.is_whole for spec in specs.values())
        self._direct = whole and bool(inputs) and not open_relations and self.learned is None
        if open_relations:
            compiled.set_capacity(memory)

    @property
    def tuples(self) -> Any:
        """The tuples for which the columns of the result stand; a dictionary if there are several outputs."""
        return self._result([self._compiled.tuples(i) for i in range(len(self.outputs))])

    def forward(self, **tensors: Any) -> Any:
        """Probabilities of the outputs, ``[batch, m]`` each, from those of the inputs, ``[batch, n]`` each."""
        if self._shapes is not None:
            facts, rest = self._facts(tensors)
            fixed = self._fixed(rest, facts)
            values = None if self.learned is None else self.learned()
            return self._result(self._shapes(facts, fixed, values, self.validate, self.backend))
        assert self._circuit is not None
        if self._direct and self.backend in ("auto", "kernels") and len(tensors) == len(self.inputs):
            dense = [tensors.get(name) for name in self.inputs]
            if self._compiled.takes(dense):  # what is not as usual is looked at below
                return self._result(run_dense(self._circuit, dense, None, self.validate, self.log))
        inputs, values = self._given(tensors)
        like = inputs[0] if inputs else values
        assert like is not None  # there are inputs or parameters
        device, dtype = like.device, like.dtype
        given = _upcast(inputs, dtype)
        if values is not None:
            [values] = _upcast([values], values.dtype)
        if self.backend == "tch":
            if self.validate:
                check(self._compiled, self._ports(inputs), _tolerance(dtype))
            outputs = self._circuit.tch(self._ports(given), values)
        elif self.backend == "torch" or (
            self.backend == "auto" and device.type != "cpu" and self._circuit.exists and not self.log
        ):
            if self.validate:
                check(self._compiled, self._ports(inputs), _tolerance(dtype))
            outputs = self._circuit(given, values)
        else:
            validate = self.validate
            if validate and dtype.itemsize == 2:  # half precision is checked with the tolerance of half precision
                check(self._compiled, self._ports(inputs), _tolerance(dtype))
                validate = False
            values = None if values is None else values.cpu()
            outputs = run_kernels(self._circuit, [x.cpu() for x in given], values, validate, self.log)
            outputs = [y.to(device) for y in outputs]
        return self._result([y.to(dtype) for y in outputs])

    def bounds(self, **tensors: torch.Tensor) -> tuple[Any, Any]:
        """Lower and upper bounds of what a call with these tensors gives, without gradients.

        They are the outputs themselves, unless ``"auto"`` warned when the module was made.
        """
        if self._shapes is not None:
            raise _fixed_only("bounds")
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
        if self._shapes is not None or any(not spec.is_whole for spec in self._specs.values()):
            raise _fixed_only("the Jacobian")
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

    def prepare(self, **facts: Any) -> None:
        """Compiles the shapes of facts ahead of time: as in a call, whatever their probabilities, one list per sample."""
        if self._shapes is None:
            raise UsageError("E0870", "this module has no relation whose facts come with a call: it is compiled already")
        facts, rest = self._facts(facts)
        for name in rest:
            raise _unknown("relation of facts", name, (*self._shapes.open,))
        self._shapes.prepare(facts)

    def explain(self, **facts: Any) -> str:
        """What compiling found: how answers come about, chains and other structures, the size, depth and memory of the
        circuit, and what a batch may cost. Of a module whose facts come with a call, that of one sample's facts.
        """
        if self._shapes is not None:
            return self._shapes.compiled.explain(self._shapes.one(self._facts(facts)[0]))
        return self._compiled.explain()  # type: ignore[no-any-return]

    def draw(self, **facts: Any) -> Drawing:
        """A picture of a small circuit, shown by notebooks; ``.svg`` and ``.dot`` are its texts.

        Of a module whose facts come with a call, that of one sample's facts.
        """
        if self._shapes is not None:
            return Drawing(*self._shapes.compiled.draw(self._shapes.one(self._facts(facts)[0])))
        return Drawing(*self._compiled.draw())

    def stats(self) -> Stats:
        """What has been compiled so far, and how often it was used again."""
        if self._shapes is not None:
            return self._shapes.stats()
        return Stats(**self._compiled.stats())

    def why(self, tuple: Any, k: int = 3, output: str | None = None, **tensors: Any) -> list[Proof]:
        """The ``k`` most probable proofs of one output tuple for one sample, most probable first.

        The tensors are as in a call, of shape ``[n]`` or ``[1, n]``; ``output`` is needed if there are several.
        """
        if output is None:
            if len(self.outputs) > 1:
                raise UsageError("E0820", f"say which output: output={self.outputs[0]!r}, for example")
            output = self.outputs[0]
        if output not in self.outputs:
            raise _unknown("output", output, self.outputs)
        facts: dict[str, Any] = {}
        if self._shapes is not None:
            facts, tensors = self._facts(tensors)
        batched = {name: self._batched(name, x) for name, x in tensors.items()}
        if self._shapes is not None:
            inputs = self._fixed(batched, facts)
            found = self._shapes.why(facts, inputs, self._values(), self.outputs.index(output), row(tuple), k)
            return [Proof.of(proof) for proof in found]
        inputs = self._ports(self._side_by_side(self._inputs(batched)))
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
        inputs = ", ".join(
            [f"{name}: {width}" for name, width in self.inputs.items()]
            + [f"{name}: facts" for name in (self._shapes.open if self._shapes else ()) if name not in self.inputs]
        )
        widths = (self._compiled.tuples(i) for i in range(len(self.outputs)))
        outputs = ", ".join(
            name if tuples is None else f"{name}: {len(tuples)}"
            for name, tuples in zip(self.outputs, widths, strict=True)
        )
        return f"{inputs} -> {outputs}, provenance={self.provenance!r}"

    def _result(self, values: list[Any]) -> Any:
        return values[0] if len(values) == 1 else dict(zip(self.outputs, values, strict=True))

    def _given(self, tensors: dict[str, torch.Tensor]) -> tuple[list[torch.Tensor], torch.Tensor | None]:
        """The inputs in order, and the current values of what is learned, on their device and of the kernels' dtype."""
        inputs = self._side_by_side(self._inputs(tensors))
        values = None if self.learned is None else self.learned()
        if values is not None and inputs:
            dtype = inputs[0].dtype
            values = values.to(inputs[0].device, torch.float32 if dtype.itemsize == 2 else dtype)
        return inputs, values

    def _facts(self, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The facts of the open relations, and what else is given."""
        assert self._shapes is not None
        per_call = [name for name in self._shapes.open if name not in self._specs]
        for name in per_call:
            if name not in given:
                raise UsageError(
                    "E0824",
                    f"the facts of `{name}` are missing",
                    help=f"pass {name}=[[(p, tuple), ...], ...], one list per sample, or nsdl.Ragged(...)",
                )
        facts = {name: given[name] for name in per_call}
        return facts, {name: x for name, x in given.items() if name not in facts}

    def _fixed(self, tensors: dict[str, Any], facts: dict[str, Any]) -> list[torch.Tensor]:
        """The tensors of the fixed ports; adds to ``facts`` what inputs keep that are ragged."""
        assert self._shapes is not None
        given = dict(zip(self.inputs, self._inputs(tensors), strict=True))
        for name in self._shapes.open:
            if name in given:
                facts[name] = self._specs[name].facts(given.pop(name), self._shapes.mapping(self._specs[name]))
        specs = self._specs
        return [port for name, x in given.items() for port in specs[name].parts(specs[name].tensor(x))]

    def _batched(self, name: str, x: Any) -> Any:
        """A batch of one, if it is a single sample."""
        axes = self._specs[name].columns.axes if name in self._specs else ()
        single = isinstance(x, torch.Tensor) and (x.dim() == 1 or (len(axes) > 1 and x.shape == axes))
        return x.unsqueeze(0) if single else x

    def _side_by_side(self, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        """The tensors as the circuit takes them."""
        return [spec.tensor(x) for spec, x in zip(self._specs.values(), inputs, strict=True)]

    def _ports(self, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        """The tensors of all ports."""
        return [port for spec, x in zip(self._specs.values(), inputs, strict=True) for port in spec.parts(x)]

    def _inputs(self, tensors: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        """The input tensors in order, after all checks that do not look at values."""
        for name in tensors:
            if name not in self.inputs:
                raise _unknown("input", name, (*self.inputs, *(self._shapes.open if self._shapes else ())))
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
            axes = self._specs[name].columns.axes
            if len(axes) > 1 and x.shape[1:] == axes:
                x = x.flatten(1)
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


def _fixed_only(what: str) -> UsageError:
    return UsageError(
        "E0877",
        f"{what} is not known of modules whose facts come with a call, or whose inputs are cut into choices",
        help="use a module with one plain mapping for each input",
    )


def _unknown(kind: str, name: str, known: tuple[str, ...]) -> UsageError:
    return UsageError("E0824", f"there is no {kind} `{name}`", help=f"{kind}s are {', '.join(known)}")
