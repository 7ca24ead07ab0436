"""Circuits as CUDA graphs: the host starts all operations of a call at once, not one after the other."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from .errors import NsdlWarning

# Outputs by torch operations: of inputs, values of parameters, and the tolerance of checks; no checks without one.
Layers = Callable[[list[torch.Tensor], torch.Tensor | None, float | None], list[torch.Tensor]]


class Graphs:
    """The graphs of a module: one for each layout of its tensors that is met for the second time.

    What is met once, such as the last batch of an epoch, is not worth a graph. Of more than ``limit`` layouts, those
    that were used last are kept. Each graph holds the memory of its inputs, outputs and all layers between them.
    """

    def __init__(self, limit: int = 8) -> None:
        self.limit = limit
        self._graphs: OrderedDict[Any, Graph | str] = OrderedDict()  # or "met", once, or "refused"
        self._told = False
        self._lock = threading.Lock()

    def __reduce__(self) -> Any:
        return (Graphs, (self.limit,))  # a copy captures its own

    def __call__(
        self, layers: Layers, inputs: list[torch.Tensor], values: torch.Tensor | None, tolerance: float | None
    ) -> list[torch.Tensor]:
        """What ``layers`` gives, by a graph where there is one."""
        if torch.compiler.is_compiling():  # what a compiled function captures is its own business
            return layers(inputs, values, tolerance)
        tensors = inputs if values is None else [*inputs, values]
        graph = self._graph(layers, tensors, len(inputs), tolerance)
        if graph is None:
            return layers(inputs, values, tolerance)
        if any(graph.flags):
            return list(_Replay.apply(graph, *tensors))  # type: ignore[no-untyped-call]
        return graph.forward(tensors)[0]

    def _graph(self, layers: Layers, tensors: list[torch.Tensor], count: int, tolerance: float | None) -> Graph | None:
        first = tensors[0]
        if not first.numel() or (first.is_cuda and torch.cuda.is_current_stream_capturing()):
            return None  # nothing to do, or the user captures what goes on
        flags = [torch.is_grad_enabled() and x.requires_grad for x in tensors]
        key = (first.device, first.dtype, first.shape[0], *flags, tolerance)
        with self._lock:
            graph = self._graphs.pop(key, "new")
            if graph == "met":
                graph = self._captured(layers, tensors, count, flags, tolerance)
            self._graphs[key] = "met" if graph == "new" else graph
            if len(self._graphs) > self.limit:
                self._graphs.popitem(last=False)
        return graph if isinstance(graph, Graph) else None

    def _captured(self, *arguments: Any) -> Graph | str:
        try:
            return Graph(*arguments)
        except RuntimeError as reason:
            if not self._told:
                self._told = True
                code, text = "W0606", "a CUDA graph could not be captured, so torch operations are started one by one"
                warnings.warn(f"warning[{code}]: {text}: {reason}", NsdlWarning, stacklevel=6)
            return "refused"


class Graph:
    """One evaluation, captured with its gradient.

    Each replay overwrites the memory of the last, results included, and its gradient may be replayed once. Callers know
    nothing of that: results are copied, and a gradient for an earlier call has that call replayed first.
    """

    def __init__(
        self, layers: Layers, tensors: list[torch.Tensor], count: int, flags: list[bool], tolerance: float | None
    ) -> None:
        def evaluate(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return tuple(layers(list(tensors[:count]), tensors[count] if tensors[count:] else None, tolerance))

        def eager(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
            return layers(list(tensors[:count]), tensors[count] if tensors[count:] else None, None)

        self.flags = flags
        self.eager = eager  # without checks
        self._lock = threading.Lock()
        self._turn = 0
        self._leaves: list[torch.Tensor] = []
        self._outputs: Sequence[torch.Tensor] = ()
        device = tensors[0].device
        # Buffers made in inference mode could not be used for training later.
        with torch.inference_mode(False), torch.enable_grad(), _settled(device):
            samples = tuple(
                x.detach().clone(memory_format=torch.contiguous_format).requires_grad_(flag)
                for x, flag in zip(tensors, flags, strict=True)
            )
            # Warms up on a stream of its own, captures values and gradients, and copies inputs into its buffers.
            self._run: Any = torch.cuda.make_graphed_callables(evaluate, samples, allow_unused_input=True)

    def forward(self, tensors: Sequence[torch.Tensor]) -> tuple[list[torch.Tensor], int]:
        """The outputs, and the number of this replay."""
        with self._lock:
            self._replay(tensors)
            return [y.detach().clone() for y in self._outputs], self._turn

    def backward(
        self, turn: int, tensors: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor]
    ) -> list[torch.Tensor | None]:
        """The gradients of the tensors of the replay with this number."""
        with self._lock:
            if turn != self._turn:
                self._replay(tensors)
            wanted = [x for x, flag in zip(self._leaves, self.flags, strict=True) if flag]
            pairs = [(y, g) for y, g in zip(self._outputs, gradients, strict=True) if y.requires_grad]
            outputs, flow = [y for y, _ in pairs], [g for _, g in pairs]
            found = iter(torch.autograd.grad(outputs, wanted, flow, allow_unused=True))
            self._turn += 1  # what the gradient needed of the replay is gone
            results = [next(found) if flag else None for flag in self.flags]
            return [None if g is None else g.clone() for g in results]

    def _replay(self, tensors: Sequence[torch.Tensor]) -> None:
        with torch.enable_grad():
            leaves = [x.detach() for x in tensors]
            self._leaves = [x.requires_grad_() if flag else x for x, flag in zip(leaves, self.flags, strict=True)]
            self._outputs = self._run(*self._leaves)
            self._turn += 1


class _Replay(torch.autograd.Function):
    """One node of autograd's graph for a whole circuit."""

    @staticmethod
    def forward(ctx: Any, graph: Graph, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        outputs, ctx.turn = graph.forward(tensors)
        ctx.graph = graph
        ctx.save_for_backward(*tensors)
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        tensors = ctx.saved_tensors
        if torch.is_grad_enabled():  # create_graph=True: the gradient is to be differentiated again
            wanted = [x for x, flag in zip(tensors, ctx.graph.flags, strict=True) if flag]
            outputs = ctx.graph.eager(tensors)
            results = iter(torch.autograd.grad(outputs, wanted, gradients, create_graph=True, allow_unused=True))
            return None, *(next(results) if flag else None for flag in ctx.graph.flags)
        return None, *ctx.graph.backward(ctx.turn, tensors, gradients)


@contextlib.contextmanager
def _settled(device: torch.device) -> Iterator[None]:
    """With the device as the current one, and without autocast, which a graph would keep."""
    if device.type == "cuda":
        with torch.cuda.device(device), torch.autocast("cuda", enabled=False):
            yield
    else:
        yield
