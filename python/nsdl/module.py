"""A program as a layer of a neural network."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from . import _nsdl
from .arguments import fixed_only, formulas, idle, in_order, source, tolerance, unknown, upcast
from .context import row
from .device import WAYS, moved, way
from .errors import NsdlWarning, UsageError
from .foreign import everywhere, items
from .graphs import Graphs
from .inputs import Input
from .learned import learned
from .mapping import Columns, columns, tuples
from .proof import Proof
from .shapes import Drawing, Shapes, Stats
from .torch import Circuit, check, inexpressible, run_dense, run_kernels

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
    ``torch.func``) or ``"auto"``: kernels for tensors on the CPU, and for others torch, or kernels where torch
    operations cannot express the circuit: tensors are then copied to the host, and results back (:meth:`explain` says
    which). Both are differentiable any number of times. An extension built with the feature ``tch`` also has ``"tch"``,
    the circuits of the crate nsdl-tch.

    With ``cuda_graph`` the torch operations of a call are captured as a CUDA graph, forward and backward, one for each
    batch size and dtype that comes back, and then started all at once (docs/training.md).

    With ``log`` the results are logarithms of probabilities, for products that numbers cannot hold, with finite
    gradients (of first order) at 0 and 1 too; kernels compute them.
    An output may be given evidence, ``"burglary() | alarm()"``: its values are conditional probabilities. ``evidence``
    is a formula that holds for all outputs, several of them, or a dictionary from formulas to whether they hold. A
    sample in which the evidence is impossible is NaN, with a warning and gradient 0.

    Probabilities to learn, ``?0.3::noisy(x)`` in the program, are parameters of torch in ``module.learned``, on the
    scale of logits: any optimiser trains them, ``probabilities()`` tells their values and ``to_dl()`` the program with
    them. A module that has some may do without inputs; it is then called without tensors, for a batch of one.

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
        cuda_graph: bool = False,
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
        if cuda_graph and (log or backend not in ("auto", "torch")):
            raise UsageError("E0823", "only torch operations are captured in CUDA graphs", help='use backend="torch"')
        outputs = {output: None} if isinstance(output, str) else dict(output)
        if not outputs:
            raise UsageError("E0820", "a module needs at least one output")
        name, text = source(program)
        if not inputs and "?" not in text and "import" not in text:
            raise idle()  # before the compiler misses what inputs would declare
        specs = {relation: Input(relation, columns(it, relation)) for relation, it in inputs.items() if it is not None}
        open_relations = [relation for relation in inputs if relation not in specs or specs[relation].columns.ragged]
        fixed = [spec for relation, spec in specs.items() if relation not in open_relations]
        if open_relations and (log or cuda_graph or backend == "tch"):
            raise fixed_only("log space" if log else "cuda_graph" if cuda_graph else "the backend tch")
        compile: Any = partial(_nsdl.compile_shapes, open=open_relations) if open_relations else _nsdl.compile
        compiled, reports = compile(
            name,
            text,
            inputs=[port for spec in fixed for port in spec.ports],
            outputs=[(relation, None if it is None else tuples(it, relation)) for relation, it in outputs.items()],
            provenance=provenance,
            k=k,
            foreign=everywhere() + items(foreign),
            evidence=formulas(evidence),
        )
        for report in reports:
            warnings.warn(report, NsdlWarning, stacklevel=2)
        self.learned = learned(compiled)
        if not inputs and self.learned is None:
            raise idle()
        self.inputs = {relation: spec.width for relation, spec in specs.items()}
        self._specs = specs
        self.outputs = tuple(outputs)
        self.provenance = provenance
        self.validate = validate
        self.backend = backend
        self.log = log
        self._name, self._text = name, text
        self._compiled: Any = compiled  # CompiledShapes where facts come with a call, else CompiledModule
        self._shapes = Shapes(compiled, len(outputs)) if open_relations else None
        self._circuit = Circuit(compiled) if not open_relations else None
        self._graphs = Graphs() if cuda_graph else None
        if self._circuit and self._graphs and not self._circuit.exists:
            raise inexpressible()
        # Whether kernels take the tensors of a call as they come, if they are dense and on the CPU.
        whole = all(spec.is_whole for spec in specs.values())
        self._direct = whole and bool(inputs) and not (open_relations or cuda_graph) and self.learned is None
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
            dense: list[Any] = [tensors.get(name) for name in self.inputs]
            if self._compiled.takes(dense):  # what is not as usual is looked at below
                return self._result(run_dense(self._circuit, dense, None, self.validate, self.log))
        inputs, values = self._given(tensors)
        like = inputs[0] if inputs else values
        assert like is not None  # there are inputs or parameters
        device, dtype = like.device, like.dtype
        inputs = upcast(inputs, dtype)
        values = None if values is None else upcast([values], values.dtype)[0]
        slack = tolerance(dtype) if self.validate else None
        how = way(self.backend, device.type, self._circuit.exists, self.log)
        if self._graphs is not None:
            if device.type != "cuda":
                raise UsageError(
                    "E0827",
                    f"a module with cuda_graph=True has got tensors on {device}",
                    help="move them with .cuda(), or make the module without cuda_graph",
                )
            outputs = self._graphs(self._layers, inputs, values, slack)
        elif how == "torch":
            outputs = self._layers(inputs, values, slack)
        elif how == "tch":
            self._check(inputs, slack)
            outputs = self._circuit.tch(self._ports(inputs), values)
        else:
            host = moved(inputs if values is None else [*inputs, values], torch.device("cpu"))
            inputs, values = (host, None) if values is None else (host[:-1], host[-1])
            checks = slack is not None and dtype.itemsize > 2  # by the kernels, with the tolerance of f32 and f64
            if not checks:
                self._check(inputs, slack)
            outputs = moved(run_kernels(self._circuit, inputs, values, checks, self.log), device)
        return self._result([y.to(dtype) for y in outputs])

    def _layers(
        self, inputs: list[torch.Tensor], values: torch.Tensor | None, slack: float | None
    ) -> list[torch.Tensor]:
        """The outputs by torch operations."""
        assert self._circuit is not None
        self._check(inputs, slack)
        return self._circuit(inputs, values)

    def _check(self, inputs: list[torch.Tensor], slack: float | None) -> None:
        """Refuses what is no probability, if there is a tolerance."""
        if slack is not None:
            check(self._compiled, self._ports(inputs), slack)

    def bounds(self, **tensors: torch.Tensor) -> tuple[Any, Any]:
        """Lower and upper bounds of what a call with these tensors gives, without gradients.

        They are the outputs themselves, unless ``"auto"`` warned when the module was made.
        """
        if self._shapes is not None:
            raise fixed_only("bounds")
        with torch.no_grad():
            inputs, values = self._given(tensors)
        like = inputs[0] if inputs else values
        assert like is not None  # there are inputs or parameters
        device, dtype = like.device, like.dtype
        dense = [x.detach().cpu().contiguous() for x in upcast(inputs, dtype)]
        if values is not None:
            values = upcast([values], values.dtype)[0].cpu().unsqueeze(0)
        lower, upper = self._compiled.bounds(dense, self.validate and dtype.itemsize > 2, values)
        return self._result([y.to(device, dtype) for y in lower]), self._result([y.to(device, dtype) for y in upper])

    def jacobian(self, sparse: bool = False, **tensors: torch.Tensor) -> Any:
        """How each probability changes with each input: for each input a tensor ``[batch, m, n]``, by its name.

        Not differentiable itself. With ``sparse``, COO tensors that hold only what is not zero. A module with several
        outputs returns such a dictionary for each.
        """
        if self._shapes is not None or any(not spec.is_whole for spec in self._specs.values()):
            raise fixed_only("the Jacobian")
        with torch.no_grad():
            inputs, values = self._given(tensors)
        if not inputs:
            return self._result([{} for _ in self.outputs])
        device, dtype, batch = inputs[0].device, inputs[0].dtype, inputs[0].shape[0]
        dense = [x.detach().cpu().contiguous() for x in upcast(inputs, dtype)]
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
        """Compiles the shapes of facts ahead of time: as in a call, one list per sample, of any probabilities."""
        if self._shapes is None:
            raise UsageError(
                "E0870", "this module has no relation whose facts come with a call: it is compiled already"
            )
        facts, rest = self._facts(facts)
        for name in rest:
            raise unknown("relation of facts", name, (*self._shapes.open,))
        self._shapes.prepare(facts)

    def explain(self, **facts: Any) -> str:
        """What compiling found: how answers come about, chains and other structures, the size, depth and memory of the
        circuit, what a batch may cost, and by what tensors on a GPU are evaluated. Of a module whose facts come with a
        call, that of one sample's facts.
        """
        if self._shapes is not None:
            found = self._shapes.compiled.explain(self._shapes.one(self._facts(facts)[0]))
            how = "torch" if self.backend == "torch" else "kernels"
        else:
            assert self._circuit is not None
            found = self._circuit.compiled.explain()
            how = way(self.backend, "cuda", self._circuit.exists, self.log)
            if how == "torch" and not self._circuit.exists:
                return f"{found}on a GPU: not at all (E0828)\n"
        return f"{found}on a GPU: {WAYS[how]}{', in CUDA graphs' if self._graphs else ''}\n"

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
            raise unknown("output", output, self.outputs)
        facts: dict[str, Any] = {}
        if self._shapes is not None:
            facts, tensors = self._facts(tensors)
        batched = {name: self._batched(name, x) for name, x in tensors.items()}
        if self._shapes is not None:
            inputs = self._fixed(batched, facts)
            found = self._shapes.why(facts, inputs, self._values(), self.outputs.index(output), row(tuple), k)
            return [Proof.of(proof) for proof in found]
        inputs = self._ports(self._side_by_side(self._checked(batched)))
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

    def _result(self, values: Sequence[Any]) -> Any:
        return values[0] if len(values) == 1 else dict(zip(self.outputs, values, strict=True))

    def _given(self, tensors: dict[str, torch.Tensor]) -> tuple[list[torch.Tensor], torch.Tensor | None]:
        """The inputs in order, and the current values of what is learned, on their device and of the kernels' dtype."""
        inputs = self._side_by_side(self._checked(tensors))
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
        given = dict(zip(self.inputs, self._checked(tensors), strict=True))
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

    def _checked(self, tensors: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        """The input tensors in order, after all checks that do not look at values."""
        return in_order(self._specs, self._shapes.open if self._shapes else (), tensors)

    def _side_by_side(self, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        """The tensors as the circuit takes them."""
        return [spec.tensor(x) for spec, x in zip(self._specs.values(), inputs, strict=True)]

    def _ports(self, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        """The tensors of all ports."""
        return [port for spec, x in zip(self._specs.values(), inputs, strict=True) for port in spec.parts(x)]
