"""Modules whose samples have facts of their own: shapes of facts are compiled once, batches go by shape."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import torch

from . import _nsdl
from .device import moved
from .errors import NsdlWarning, UsageError
from .inputs import Input
from .mapping import plain
from .ragged import Ragged, row
from .torch import Circuit, check, run_batch


@dataclasses.dataclass(frozen=True)
class Stats:
    """What a module has compiled so far, and how often that was used again.

    ``hits`` are samples (of a module without facts per sample: calls) whose shape was known, ``misses`` those for
    which one was compiled, ``shapes`` those that are kept and ``bytes`` their size, about, ``evicted`` those that had
    to go, ``seconds`` the time spent on compiling, summed over threads.
    """

    hits: int
    misses: int
    shapes: int
    bytes: int
    evicted: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A circuit as a picture: facts at the bottom, outputs at the top."""

    #: In the language of Graphviz.
    dot: str
    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def __str__(self) -> str:
        return self.dot


class Shapes:
    """The calls of a module with open relations."""

    def __init__(self, compiled: _nsdl.CompiledShapes, outputs: int) -> None:
        self.compiled = compiled
        self.open = {name: (columns, compound) for name, columns, compound in compiled.open}
        self.outputs = outputs
        self._mappings: dict[str, _nsdl.Tuples] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_mappings": {}}

    def facts(self, given: dict[str, Any], batch: int | None) -> tuple[int, list[Ragged], list[Any]]:
        """The number of samples, the facts of each open relation, and what the extension takes."""
        ragged: list[Ragged] = []
        for name, (width, compound) in self.open.items():
            facts = given[name]
            facts = facts if isinstance(facts, Ragged) else Ragged.of(facts, name, width, compound)
            if batch is not None and len(facts) != batch:
                raise UsageError(
                    "E0825", f"there are facts of `{name}` for {len(facts)} samples, but the batch has {batch}"
                )
            batch = len(facts)
            p = facts.probabilities
            if p is not None and (p.dim() != 1 or p.shape[0] != len(facts.tuples)):
                raise UsageError(
                    "E0825",
                    f"the probabilities of `{name}` have shape {list(p.shape)} instead of [{len(facts.tuples)}]",
                )
            ragged.append(facts)
        arguments = [
            (self.encode(name, facts), facts.offsets, facts.groups, facts.probabilities is None)
            for name, facts in zip(self.open, ragged, strict=True)
        ]
        return batch or 0, ragged, arguments

    def encode(self, name: str, facts: Ragged) -> _nsdl.Tuples:
        """The tuples as the extension keeps them."""
        known = facts._encoded.get(name)
        if known is not None and known[0] is self.compiled:
            return known[1]  # type: ignore[no-any-return]
        tuples = facts.tuples
        if isinstance(tuples, _nsdl.Tuples):
            encoded = tuples
        elif getattr(tuples, "ndim", 0) == 2 and _is_integer(tuples):
            table = torch.as_tensor(tuples).detach().to("cpu", torch.int64).contiguous()
            encoded = self.compiled.encode_integers(name, table)
        else:
            encoded = self.compiled.encode(name, [row(item) for item in plain(tuples)])
        facts._encoded[name] = (self.compiled, encoded)
        return encoded

    def mapping(self, spec: Input) -> _nsdl.Tuples:
        """The tuples of the mapping of an input whose entries become facts."""
        if spec.name not in self._mappings:
            self._mappings[spec.name] = self.compiled.encode(spec.name, list(spec.columns.mapping))
        return self._mappings[spec.name]

    def prepare(self, given: dict[str, Any]) -> None:
        """Compiles the shapes of facts ahead of time."""
        batch, _, arguments = self.facts(given, None)
        self.arrange(batch, arguments, kept=True)

    def arrange(self, batch: int, arguments: list[Any], kept: bool = False) -> _nsdl.Arrangement:
        """The samples by shape; shapes that are new are compiled."""
        arrangement = self.compiled.arrange(batch, arguments, kept)
        for report in self.compiled.take_warnings():
            warnings.warn(report, NsdlWarning, stacklevel=5)
        return arrangement

    def __call__(
        self,
        given: dict[str, Any],
        inputs: list[torch.Tensor],
        parameters: torch.Tensor | None,
        validate: bool,
        backend: str,
    ) -> list[Any]:
        """Outputs for tensors of the fixed inputs, facts of the open relations, and what is learned."""
        batch, ragged, arguments = self.facts(given, inputs[0].shape[0] if inputs else None)
        uncertain = [
            (name, facts) for name, facts in zip(self.open, ragged, strict=True) if facts.probabilities is not None
        ]
        default = torch.empty(0) if parameters is None else parameters
        like = inputs[0] if inputs else next((f.probabilities for _, f in uncertain), default)
        assert like is not None
        dtype, device = like.dtype, like.device
        probabilities = []
        for name, facts in uncertain:
            p = facts.probabilities
            assert p is not None
            if not p.is_floating_point():
                raise UsageError(
                    "E0826", f"the probabilities of `{name}` are of {p.dtype}, not of a floating-point dtype"
                )
            # Numbers that Python gave have no dtype of their own.
            probabilities.append(p.to(device, dtype) if not p.requires_grad and p.grad_fn is None else p)
            if probabilities[-1].dtype != dtype:
                raise UsageError(
                    "E0826",
                    f"the probabilities of `{name}` are of {p.dtype}, an earlier input of {dtype}",
                    help="convert with .to(dtype)",
                )
            if probabilities[-1].device != device:
                raise UsageError(
                    "E0827",
                    f"the probabilities of `{name}` are on {p.device}, an earlier input on {device}",
                    help="move with .to(device)",
                )
        arrangement = self.arrange(batch, arguments)
        if dtype.itemsize == 2:
            if validate:
                check(self.compiled, inputs, 1e-2)
                for (name, facts), p in zip(uncertain, probabilities, strict=True):
                    _check_half(name, facts, p)
                validate = False
            inputs, probabilities = ([x.float() for x in xs] for xs in (inputs, probabilities))
            like = like.float()
        if parameters is not None:
            parameters = parameters.to(like.device, like.dtype)
        if backend == "torch":
            if validate:  # by the kernels, which do so for nothing but values
                check(self.compiled, inputs, 1e-4)
                for (name, facts), p in zip(uncertain, probabilities, strict=True):
                    _check_values(name, facts, p, 1e-4)
            values = by_torch(self, arrangement, like, inputs, probabilities, parameters)
        else:
            tensors = [*inputs, *probabilities] if parameters is None else [*inputs, *probabilities, parameters]
            host = moved(tensors, torch.device("cpu"))
            n, m = len(inputs), len(inputs) + len(probabilities)
            inputs, probabilities = host[:n], host[n:m]
            parameters = host[m] if host[m:] else None
            like = host[0] if host else like  # without tensors, an empty one of the host
            values = run_batch(self, arrangement, validate, like, inputs, probabilities, parameters)
            values = moved(values, device)
        results: list[Any] = []
        for output, value in enumerate(values):
            value = value.to(dtype)
            if self.compiled.tuples(output) is None:
                results.append(_Answers(arrangement, output, value.view(-1)))
            else:
                results.append(value.view(batch, -1) if batch else value)
        return results

    def why(
        self,
        given: dict[str, Any],
        inputs: list[torch.Tensor],
        parameters: list[float],
        output: int,
        tuple: tuple[Any, ...],
        k: int,
    ) -> list[Any]:
        """The most probable proofs for one sample."""
        batch, ragged, arguments = self.facts(given, inputs[0].shape[0] if inputs else None)
        if batch != 1:
            raise UsageError("E0825", f"`why` explains one sample, and got {batch}", help="pass the facts of one")
        weights = [x[0].detach().double().tolist() for x in inputs]
        facts = [f.probabilities.detach().double().tolist() for f in ragged if f.probabilities is not None]
        facts += [parameters] if parameters else []
        return self.compiled.why(arguments, output, tuple, k, weights, facts)

    def one(self, given: dict[str, Any]) -> list[Any]:
        """The facts of one sample, for the extension."""
        batch, _, arguments = self.facts(given, None)
        if batch != 1:
            raise UsageError("E0825", f"one sample is explained or drawn, and there are {batch}")
        return arguments

    def stats(self) -> Stats:
        return Stats(**self.compiled.stats())


class _Answers(Ragged):
    """The answers of one output: tuples are made when they are asked for."""

    def __init__(self, arrangement: _nsdl.Arrangement, output: int, probabilities: torch.Tensor) -> None:
        self._arrangement = arrangement
        self._output = output
        self._tuples: list[Any] | None = None
        self._encoded = {}
        self.probabilities = probabilities
        self.offsets = arrangement.offsets(output)
        self.groups = None

    @property
    def tuples(self) -> list[Any]:
        if self._tuples is None:
            self._tuples = self._arrangement.tuples(self._output)
        return self._tuples

    def padded(self) -> tuple[list[Any], torch.Tensor]:
        tuples, places = self._arrangement.columns(self._output)
        values = self.probabilities
        assert values is not None
        flat = values.new_zeros(len(self) * len(tuples))
        index = _index(places).to(values.device)
        return tuples, flat.index_copy(0, index, values).view(len(self), len(tuples))

    def __reduce__(self) -> Any:
        return (Ragged, (self.tuples, self.probabilities, self.offsets))


def by_torch(
    shapes: Shapes,
    arrangement: _nsdl.Arrangement,
    like: torch.Tensor,
    inputs: list[torch.Tensor],
    probabilities: list[torch.Tensor],
    parameters: torch.Tensor | None,
) -> list[torch.Tensor]:
    """Values of all outputs by torch operations, shape by shape: on any device, differentiable any number of times."""
    pieces: list[list[torch.Tensor]] = [[] for _ in range(shapes.outputs)]
    places: list[list[torch.Tensor]] = [[] for _ in range(shapes.outputs)]
    device = like.device
    for shape, count, samples, facts, values in arrangement.parts():
        # Samples that were derived together are one row, one after the other.
        rows = _index(samples).to(device)
        given = [x.index_select(0, rows).view(count, -1) for x in inputs]
        given += [
            p.index_select(0, _index(at).to(device)).view(count, -1) if at else p.new_zeros(count, 0)
            for p, at in zip(probabilities, facts, strict=True)
        ]
        given = given or [like.new_zeros(count, 0)]
        for output, result in enumerate(Circuit(shape)(given, parameters)):
            pieces[output].append(result.reshape(-1))
            places[output].append(_index(values[output]).to(device))
    results = []
    for output in range(shapes.outputs):
        total = like.new_zeros(arrangement.offsets(output)[-1])
        if pieces[output]:
            total = total.index_copy(0, torch.cat(places[output]), torch.cat(pieces[output]))
        results.append(total)
    return results


def _is_integer(array: Any) -> bool:
    kind = getattr(array.dtype, "kind", None)
    if kind is not None:  # an array of numpy
        return kind in "iu"
    return not (array.dtype.is_floating_point or array.dtype.is_complex or array.dtype == torch.bool)


def _index(numbers: bytes) -> torch.Tensor:
    if not numbers:
        return torch.empty(0, dtype=torch.int64)
    return torch.frombuffer(bytearray(numbers), dtype=torch.int64)


def _check_half(name: str, facts: Ragged, p: torch.Tensor) -> None:
    _check_values(name, facts, p.float(), 1e-2)


def _check_values(name: str, facts: Ragged, p: torch.Tensor, tolerance: float) -> None:
    """What the kernels check, by torch operations."""
    from .torch import _require

    with torch.no_grad():
        _require("E0521", p.isnan().logical_not().all(), f"a probability of `{name}` is NaN")
        grouped = facts.groups is not None and any(group >= 0 for group in facts.groups)
        _require(
            "E0510",
            ((p >= 0) & (p <= 1 + (tolerance if grouped else 0))).all(),
            f"a probability of `{name}` is outside [0, 1]",
        )
        if grouped and facts.groups is not None:
            numbers: dict[tuple[int, int], int] = {}
            sample, members = 0, []
            for fact, group in enumerate(facts.groups):
                while fact >= facts.offsets[sample + 1]:
                    sample += 1
                key = (sample, group) if group >= 0 else (-1, fact)
                members.append(numbers.setdefault(key, len(numbers)))
            sums = p.new_zeros(len(numbers)).index_add(0, torch.tensor(members, device=p.device), p)
            _require("E0511", (sums <= 1 + tolerance).all(), f"an exclusive group of `{name}` sums to more than 1")
