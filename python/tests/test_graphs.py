"""CUDA graphs: what is captured when, what is kept, and that calls may come in any order.

Without a GPU, ``torch.cuda.make_graphed_callables`` is replaced by a stand-in that computes on the host with the same
restrictions: buffers that the next call overwrites, and one gradient per call.
"""

import copy
import pickle
import warnings

import pytest

torch = pytest.importorskip("torch")

import nsdl  # noqa: E402
from nsdl.graphs import Graph, Graphs  # noqa: E402

PROGRAM = "rel sum(a + b) = left(a), right(b)\nrel less() = left(a), right(b), a < b"


class Captures:
    """Stands in for ``torch.cuda.make_graphed_callables``."""

    def __init__(self):
        self.shapes = []  # of what was captured
        self.replays = 0

    def __call__(self, function, samples, allow_unused_input=False):
        self.shapes.append(tuple(samples[0].shape))
        assert all(x.is_leaf and x.is_contiguous() and not x.is_inference() for x in samples)
        with torch.enable_grad():
            static = [y.detach() for y in function(*samples)]
        slopes = [torch.empty_like(x) for x in samples]
        state = {}
        captures = self

        class Replay(torch.autograd.Function):
            @staticmethod
            def forward(ctx, *inputs):
                captures.replays += 1
                for buffer, x in zip(samples, inputs, strict=True):
                    buffer.detach().copy_(x)
                with torch.enable_grad():
                    state["outputs"] = function(*(x.view_as(x) for x in samples))
                for buffer, y in zip(static, state["outputs"], strict=True):
                    buffer.copy_(y.detach())
                return tuple(y.detach() for y in static)

            @staticmethod
            @torch.autograd.function.once_differentiable
            def backward(ctx, *gradients):
                outputs = state.pop("outputs")  # a gradient uses up what its call left behind
                wanted = [x for x in samples if x.requires_grad]
                found = iter(torch.autograd.grad(outputs, wanted, gradients))
                results = []
                for buffer, x in zip(slopes, samples, strict=True):
                    if x.requires_grad:
                        buffer.copy_(next(found))
                    results.append(buffer.detach() if x.requires_grad else None)
                return tuple(results)

        return Replay.apply


@pytest.fixture
def captures(monkeypatch):
    stand_in = Captures()
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", stand_in)
    return stand_in


def rows(batch, width=4, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, width, generator=generator, dtype=torch.float64).softmax(1).to(dtype)


def both(**options):
    outputs = {"sum": range(7), "less": [()]}
    return nsdl.Module(PROGRAM, {"left": range(4), "right": range(4)}, outputs, backend="torch", **options)


class Replayed:
    """A module and the graphs of its calls, as a module with ``cuda_graph`` calls them."""

    def __init__(self, limit=8):
        self.module = both()
        self.graphs = Graphs(limit)

    def __call__(self, *inputs, slack=1e-4):
        return self.graphs(self.module._layers, list(inputs), None, slack)

    def eager(self, *inputs):
        return self.module._layers(list(inputs), None, 1e-4)


def weighed(outputs, factor=1.0):
    """A number that depends on all outputs, each entry in its own way."""
    return factor * sum((y * (1 + torch.arange(y.shape[1]))).square().sum() for y in outputs)


def same(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_a_layout_is_captured_when_it_comes_back(captures):
    replayed = Replayed()
    for turn in range(4):
        p, q = rows(3, seed=turn).requires_grad_(), rows(3, seed=turn + 9).requires_grad_()
        found, wanted = replayed(p, q), replayed.eager(p, q)
        same(found, wanted)
        same(*(torch.autograd.grad(weighed(y), [p, q]) for y in (found, wanted)))
    assert captures.shapes == [(3, 4)] and captures.replays == 3
    replayed(rows(2), rows(2))
    assert captures.shapes == [(3, 4)]  # the last batch of an epoch is met once


def test_batch_dtype_and_gradients_make_a_layout(captures):
    replayed = Replayed()
    p = rows(3)
    calls = [
        (p, p),
        (p[:2], p[:2]),
        (p.float(), p.float()),
        (p.clone().requires_grad_(), p),
        (p, p.clone().requires_grad_()),
    ]
    for _ in range(3):
        for call in calls:
            found = replayed(*call)
            same(found, replayed.eager(*call))
            assert found[0].requires_grad == any(x.requires_grad for x in call)
    assert len(captures.shapes) == len(calls)
    with torch.no_grad():
        assert not replayed(*calls[3])[0].requires_grad
    assert len(captures.shapes) == len(calls)  # as without gradients


def test_the_layouts_used_last_are_kept(captures):
    replayed = Replayed(limit=2)
    for batch in (1, 1, 2, 2, 1, 3, 3):
        replayed(rows(batch), rows(batch))
    assert [shape[0] for shape in captures.shapes] == [1, 2, 3]
    replayed(rows(1), rows(1))
    assert len(captures.shapes) == 3  # 2 had to go
    replayed(rows(2), rows(2))
    replayed(rows(2), rows(2))
    assert [shape[0] for shape in captures.shapes] == [1, 2, 3, 2]
    assert len(replayed.graphs._graphs) == 2


def test_calls_and_gradients_in_any_order(captures):
    replayed = Replayed()
    replayed(*(rows(3).requires_grad_() for _ in range(2)))
    pairs = [[rows(3, seed=2 * i + j).requires_grad_() for j in range(2)] for i in range(3)]
    calls = [replayed(*pair) for pair in pairs]
    assert captures.shapes == [(3, 4)]
    wanted = [replayed.eager(*pair) for pair in pairs]
    for found, right in zip(calls, wanted, strict=True):
        same(found, right)  # later calls have not overwritten earlier results
    slopes = {}
    for i in (2, 2, 1, 0, 1, 2):
        slopes[i] = torch.autograd.grad(weighed(calls[i]), pairs[i], retain_graph=True)
    for i, found in slopes.items():
        same(found, torch.autograd.grad(weighed(wanted[i]), pairs[i]))
    p, q = (rows(3, seed=i).requires_grad_() for i in (20, 21))  # twice in one graph of autograd
    total = weighed(replayed(p, q)) + weighed(replayed(q, p), 2.0)
    right = weighed(replayed.eager(p, q)) + weighed(replayed.eager(q, p), 2.0)
    same(*(torch.autograd.grad(x, [p, q]) for x in (total, right)))


def test_a_changed_input_is_noticed(captures):
    replayed = Replayed()
    p, q = rows(2).requires_grad_(), rows(2).requires_grad_()
    replayed(p, q)
    total = weighed(replayed(p, q))
    with torch.no_grad():
        p.mul_(0.5)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


def test_second_derivatives(captures):
    replayed = Replayed()
    p, q = (rows(2, seed=i).requires_grad_() for i in (0, 1))
    replayed(p, q, slack=None)
    assert torch.autograd.gradgradcheck(lambda p, q: replayed(p, q, slack=None), (p, q))
    assert captures.replays > 0


def test_what_is_learned_is_an_input(captures):
    module = nsdl.Module(
        "rel ?0.3::noisy(0)\nrel r(a) = d(a), noisy(0)", {"d": range(2)}, "r", backend="torch", validate=False
    )
    graphs = Graphs()
    for p in (0.2, 0.3, 0.6):
        x = torch.tensor([[p, 1 - p]]).requires_grad_()
        values = torch.tensor([p]).requires_grad_()
        (found,), (wanted,) = graphs(module._layers, [x], values, None), module._layers([x], values, None)
        same([found], [wanted])
        same(*(torch.autograd.grad(y.square().sum(), [x, values]) for y in (found, wanted)))
    assert captures.replays == 2


def test_inference_mode_does_not_spoil_buffers(captures):
    replayed = Replayed()
    with torch.inference_mode():
        for _ in range(3):
            replayed(rows(2), rows(2))
    same(replayed(rows(2), rows(2, seed=1)), replayed.eager(rows(2), rows(2, seed=1)))
    assert captures.replays == 3


def test_checks_are_part_of_the_graph(captures):
    replayed = Replayed()
    replayed(rows(2), rows(2))
    replayed(rows(2), rows(2))
    with pytest.raises(nsdl.DataError, match="E0511"):
        replayed(rows(2) * 2, rows(2))
    replayed(rows(2) * 2, rows(2), slack=None)


def test_what_cannot_be_captured_is_said_once(monkeypatch):
    def refuse(*arguments, **options):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", refuse)
    replayed = Replayed()
    replayed(rows(2), rows(2))
    with pytest.warns(nsdl.NsdlWarning, match="W0606.*not permitted"):
        same(replayed(rows(2), rows(2)), replayed.eager(rows(2), rows(2)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for batch in (2, 3, 3, 3):
            same(replayed(rows(batch), rows(batch)), replayed.eager(rows(batch), rows(batch)))


def test_the_empty_batch_and_copies(captures):
    replayed = Replayed()
    for _ in range(3):
        assert replayed(rows(0), rows(0))[0].shape == (0, 7)
        replayed(rows(2), rows(2))
    assert captures.shapes == [(2, 4)]
    for other in (copy.deepcopy(replayed.graphs), pickle.loads(pickle.dumps(replayed.graphs))):
        assert isinstance(other, Graphs) and not other._graphs
    module = both(cuda_graph=True)
    assert pickle.loads(pickle.dumps(module)).tuples == module.tuples


def test_threads_share_a_graph(captures):
    from concurrent.futures import ThreadPoolExecutor

    replayed = Replayed()
    replayed(*(rows(8).requires_grad_() for _ in range(2)))

    def work(seed):
        p, q = rows(8, seed=seed).requires_grad_(), rows(8, seed=seed + 100).requires_grad_()
        return [torch.autograd.grad(weighed(f(p, q)), [p, q]) for f in (replayed, replayed.eager)]

    with ThreadPoolExecutor(4) as pool:
        for found, wanted in pool.map(work, range(32)):
            same(found, wanted)


REFUSED = [
    ("E0823", dict(backend="kernels")),
    ("E0823", dict(log=True)),
    ("E0828", dict(provenance="topkproofs")),
]


@pytest.mark.parametrize(("code", "options"), REFUSED)
def test_modules_without_graphs(code, options):
    with pytest.raises(nsdl.UsageError) as caught:
        nsdl.Module("rel r(a) = d(a)", {"d": range(2)}, "r", cuda_graph=True, **options)
    assert caught.value.code == code


def test_facts_of_each_sample_have_no_graphs():
    with pytest.raises(nsdl.UsageError, match="E0877"):
        nsdl.Module("type d(i32)\nrel r(a) = d(a)", {"d": None}, "r", cuda_graph=True)


def test_the_host_has_no_graphs():
    module = nsdl.Module(PROGRAM, {"left": range(4), "right": range(4)}, "sum", cuda_graph=True)
    with pytest.raises(nsdl.UsageError, match=r"E0827.*cuda_graph=True has got tensors on cpu"):
        module(left=rows(1), right=rows(1))
    assert "in CUDA graphs" in module.explain()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_graph_gives_what_torch_gives(dtype):
    """The only test of real graphs: it has never run where there was a GPU."""
    eager, graphed = both(), both(cuda_graph=True)
    for turn in range(4):
        p, q = (rows(64, seed=2 * turn + i, dtype=dtype).cuda().requires_grad_() for i in range(2))
        found, wanted = (module(left=p, right=q).values() for module in (graphed, eager))
        again = graphed(left=q, right=p).values()  # a call between a call and its gradient
        for a, b in zip(found, wanted, strict=True):
            torch.testing.assert_close(a, b)
        slopes = [torch.autograd.grad(sum(y.square().sum() for y in ys), [p, q]) for ys in (found, wanted)]
        for a, b in zip(*slopes, strict=True):
            torch.testing.assert_close(a, b)
        assert all(y.isfinite().all() for y in again)
    assert all(isinstance(graph, Graph) for graph in graphed._graphs._graphs.values())
