"""nsdl.Module: values, gradients, shapes, and what it refuses."""

import copy
import io
import itertools
import math
import pickle

import pytest

torch = pytest.importorskip("torch")

import nsdl  # noqa: E402

BACKENDS = ["kernels", "torch", *(["tch"] if hasattr(nsdl._nsdl, "TchModule") else [])]
REACH = "rel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))"
EDGES = [(0, 1), (1, 2), (2, 1), (1, 3), (0, 3), (2, 3)]  # with a cycle


def rows(batch, width, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, width, generator=generator, dtype=torch.float64).softmax(1).to(dtype)


def by_hand(p, q):
    """The distribution of the sum, written with torch operations."""
    index = torch.arange(10)
    sums = (index[:, None] + index[None, :]).flatten()
    products = (p[:, :, None] * q[:, None, :]).flatten(1)
    return torch.zeros(len(p), 19, dtype=p.dtype).index_add(1, sums, products)


def reach_by_worlds(p):
    """The probability of path(0, 3) for each row of edge probabilities, by enumeration of worlds."""
    total = torch.zeros(len(p), dtype=p.dtype)
    for world in itertools.product([False, True], repeat=len(EDGES)):
        reached, edges = {0}, [edge for edge, there in zip(EDGES, world, strict=True) if there]
        for _ in EDGES:
            reached |= {b for a, b in edges if a in reached}
        if 3 in reached:
            weight = torch.ones(len(p), dtype=p.dtype)
            for i, there in enumerate(world):
                weight = weight * (p[:, i] if there else 1 - p[:, i])
            total = total + weight
    return total


def reach(**options):
    return nsdl.Module(REACH, inputs={"edge": nsdl.independent(EDGES)}, output={"path": [(0, 3)]}, **options)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [1, 3, 64, 1000])
def test_sum_2_is_a_convolution(sum_2, backend, batch):
    p, q = rows(batch, 10).requires_grad_(), rows(batch, 10, seed=1).requires_grad_()
    result = sum_2(backend=backend)(digit_1=p, digit_2=q)
    expected = by_hand(p, q)
    assert result.shape == (batch, 19) and result.dtype == torch.float64
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)
    weights = rows(batch, 19, seed=2)
    gradients = torch.autograd.grad((result * weights).sum(), [p, q])
    torch.testing.assert_close(gradients, torch.autograd.grad((expected * weights).sum(), [p, q]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_recursion_equals_enumeration_of_worlds(backend):
    p = torch.rand(7, len(EDGES), dtype=torch.float64, generator=torch.Generator().manual_seed(3)).requires_grad_()
    result, expected = reach(backend=backend)(edge=p)[:, 0], reach_by_worlds(p)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)
    gradient, wanted = (torch.autograd.grad(x.sum(), p)[0] for x in (result, expected))
    torch.testing.assert_close(gradient, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradcheck(sum_2, backend):
    # Numeric differences leave the simplex.
    module = sum_2(backend=backend, validate=False)
    p, q = rows(3, 10).requires_grad_(), rows(3, 10, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda p, q: module(digit_1=p, digit_2=q), (p, q))
    network = reach(backend=backend, validate=False)
    edges = torch.rand(2, len(EDGES), dtype=torch.float64, generator=torch.Generator().manual_seed(4)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: network(edge=x), (edges,))


@pytest.mark.parametrize("backend", BACKENDS)
def test_second_derivatives(backend):
    module = reach(backend=backend, validate=False)
    edges = torch.rand(2, len(EDGES), dtype=torch.float64, generator=torch.Generator().manual_seed(5)).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: module(edge=x), (edges,))


@pytest.mark.parametrize("provenance", ["exact", "minmaxprob", "addmultprob"])
def test_backends_agree(provenance):
    program = REACH + "\nrel dead(a) = edge(a, _), not path(a, 3)\nrel n(x) = x := count(a, b: edge(a, b))"
    p = torch.rand(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(6))
    results = []
    for backend in BACKENDS:
        x = p.clone().requires_grad_()
        module = nsdl.Module(
            program,
            inputs={"edge": nsdl.independent([(0, 1), (1, 3), (0, 3)])},
            output={"path": None, "dead": [(0,), (1,)], "n": range(4)},
            provenance=provenance,
            backend=backend,
        )
        outputs = module(edge=x)
        assert set(outputs) == {"path", "dead", "n"}
        total = sum((y * (1 + torch.arange(y.shape[1]))).sum() for y in outputs.values())
        results.append((list(outputs.values()), torch.autograd.grad(total, x)))
    for other in results[1:]:
        torch.testing.assert_close(results[0], other, rtol=0, atol=1e-12)


def test_ties_and_clamps_have_the_same_gradients():
    for provenance in ("minmaxprob", "addmultprob"):
        gradients = []
        for backend in BACKENDS:
            x = torch.tensor(
                [[0.5, 0.5, 0.5], [0.25, 0.75, 0.0], [1.0, 1.0, 1.0]], dtype=torch.float64, requires_grad=True
            )
            module = nsdl.Module(
                "rel any() = a(_)\nrel all() = a(0), a(1), a(2)",
                inputs={"a": nsdl.independent(range(3))},
                output={"any": [()], "all": [()]},
                provenance=provenance,
                backend=backend,
            )
            y = module(a=x)
            gradients.append(torch.autograd.grad((y["any"] + 2 * y["all"]).sum(), x)[0])
        for other in gradients[1:]:
            torch.testing.assert_close(gradients[0], other, rtol=0, atol=0)


def test_topkproofs_approaches_exact():
    p = torch.rand(4, len(EDGES), dtype=torch.float64, generator=torch.Generator().manual_seed(7)).requires_grad_()
    exact = reach()(edge=p)
    many = reach(provenance="topkproofs", k=50)(edge=p)
    with pytest.warns(nsdl.NsdlWarning, match="W0602"):
        few = reach(provenance="topkproofs", k=1)(edge=p)
    torch.testing.assert_close(many, exact, rtol=0, atol=1e-12)
    assert (few <= exact + 1e-12).all()
    torch.testing.assert_close(
        torch.autograd.grad(many.sum(), p)[0], torch.autograd.grad(exact.sum(), p)[0], rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_dtype_follows_the_input(sum_2, backend, dtype):
    p, q = (rows(4, 10, dtype, seed).requires_grad_() for seed in (0, 1))
    result = sum_2(backend=backend)(digit_1=p, digit_2=q)
    assert result.dtype == dtype
    torch.testing.assert_close(result.double(), by_hand(p.double(), q.double()), rtol=0.02, atol=1e-6)
    result.sum().backward()
    assert p.grad.dtype == dtype and q.grad.dtype == dtype


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_empty_batch(sum_2, backend):
    p, q = torch.empty(0, 10, requires_grad=True), torch.empty(0, 10)
    result = sum_2(backend=backend)(digit_1=p, digit_2=q)
    assert result.shape == (0, 19)
    result.sum().backward()
    assert p.grad.shape == (0, 10)


@pytest.mark.parametrize("backend", BACKENDS)
def test_strided_tensors(sum_2, backend):
    both = torch.rand(8, 2, 10, dtype=torch.float64).softmax(2).requires_grad_()
    result = sum_2(backend=backend)(digit_1=both[:, 0], digit_2=both[:, 1])
    expected = by_hand(both[:, 0], both[:, 1])
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)
    columns = rows(10, 8).softmax(0).t()
    assert not columns.is_contiguous()
    torch.testing.assert_close(
        sum_2(backend=backend)(digit_1=columns, digit_2=columns),
        by_hand(columns, columns),
        rtol=0,
        atol=1e-12,
    )


def test_only_what_needs_a_gradient_gets_one(sum_2):
    p, q = rows(2, 10).requires_grad_(), rows(2, 10, seed=1)
    result = sum_2()(digit_1=p, digit_2=q)
    result.sum().backward()
    assert p.grad is not None and q.grad is None
    with torch.no_grad():
        assert not sum_2()(digit_1=p, digit_2=q).requires_grad
    assert not sum_2()(digit_1=p.detach(), digit_2=q).requires_grad
    with torch.inference_mode():
        module = sum_2(backend="torch")
        module(digit_1=p, digit_2=q)
    module(digit_1=p, digit_2=q).sum().backward()


def test_a_graph_can_be_walked_twice(sum_2):
    module = sum_2()
    p, q = rows(2, 10).requires_grad_(), rows(2, 10, seed=1)
    result = module(digit_1=p, digit_2=q)
    first = torch.autograd.grad(result[:, 9].sum(), p, retain_graph=True)[0]
    other = module(digit_1=q, digit_2=q)  # a second call must not disturb the first one's tape
    second = torch.autograd.grad(result[:, 9].sum(), p)[0]
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert other.shape == (2, 19)


def test_tuples_without_a_mapping_are_those_that_can_be_derived():
    module = nsdl.Module("rel even(a) = digit(a), a % 2 == 0", inputs={"digit": [5, 4, 3, 2]}, output="even")
    assert module.tuples == [(2,), (4,)]
    torch.testing.assert_close(module(digit=torch.tensor([[0.1, 0.2, 0.3, 0.4]])), torch.tensor([[0.4, 0.2]]))
    assert "digit: 4 -> even: 2" in repr(module)


def test_a_tuple_that_cannot_be_derived_is_zero():
    for backend in BACKENDS:
        x = torch.tensor([[0.25, 0.75]], requires_grad=True)
        module = nsdl.Module("rel r(a + 1) = d(a)", inputs={"d": [0, 1]}, output={"r": [2, 7]}, backend=backend)
        result = module(d=x)
        torch.testing.assert_close(result, torch.tensor([[0.75, 0.0]]))
        assert torch.autograd.grad(result[:, 1].sum(), x)[0].tolist() == [[0.0, 0.0]]


def test_the_program_may_have_uncertain_facts_of_its_own():
    program = "rel 0.5::on(1)\nrel r(a) = d(a), on(a)\nrel 0.25::r(a) = d(a)"
    for backend in BACKENDS:
        module = nsdl.Module(program, inputs={"d": [0, 1]}, output={"r": [0, 1]}, backend=backend)
        result = module(d=torch.tensor([[0.5, 0.5]], dtype=torch.float64))
        torch.testing.assert_close(result, torch.tensor([[0.125, 0.5 * (1 - 0.5 * 0.75)]], dtype=torch.float64))


def test_text_and_tuples_as_mappings():
    module = nsdl.Module(
        "rel mixed(c) = paint(c, n), n > 1",
        inputs={"paint": [("red", 1), ("red", 2), ("blue", 3)]},
        output="mixed",
    )
    assert module.tuples == [("blue",), ("red",)]
    torch.testing.assert_close(module(paint=torch.tensor([[0.5, 0.3, 0.2]])), torch.tensor([[0.2, 0.3]]))


def test_files(tmp_path, sum_2):
    path = tmp_path / "double.dl"
    path.write_text("rel double(2 * a) = d(a)")
    for program in (path, str(path)):
        assert nsdl.Module(program, inputs={"d": range(2)}, output="double").tuples == [(0,), (2,)]
    with pytest.raises(nsdl.DataError) as caught:
        nsdl.Module(tmp_path / "none.dl", inputs={"d": range(2)}, output="double")
    assert caught.value.code == "E0701"


def test_why(sum_2):
    module = sum_2()
    p, q = rows(1, 10), rows(1, 10, seed=1)
    proofs = module.why(3, k=10, digit_1=p, digit_2=q[0])
    assert len(proofs) == 4
    assert [proof.probability for proof in proofs] == sorted((proof.probability for proof in proofs), reverse=True)
    assert sum(proof.probability for proof in proofs) == pytest.approx(by_hand(p, q)[0, 3].item(), abs=1e-12)
    assert all(len(proof.reasons) == 2 and "digit_1(" in str(proof) for proof in proofs)
    assert module.why((3,), k=1, digit_1=p, digit_2=q) == proofs[:1]
    with pytest.raises(nsdl.UsageError) as caught:
        module.why(3, digit_1=rows(2, 10), digit_2=rows(2, 10))
    assert caught.value.code == "E0825"
    with pytest.raises(nsdl.UsageError) as caught:
        module.why(3, output="sum_3", digit_1=p, digit_2=q)
    assert caught.value.code == "E0824"


@pytest.mark.parametrize("backend", BACKENDS)
def test_copies_compute_the_same(sum_2, backend):
    module = sum_2(backend=backend)
    p, q = rows(2, 10), rows(2, 10, seed=1)
    expected = module(digit_1=p, digit_2=q)
    saved = io.BytesIO()
    torch.save(module, saved)
    saved.seek(0)
    for other in (
        pickle.loads(pickle.dumps(module)),
        copy.deepcopy(module),
        copy.copy(module),
        torch.load(saved, weights_only=False),
    ):
        torch.testing.assert_close(other(digit_1=p, digit_2=q), expected, rtol=0, atol=0)
        assert other.tuples == module.tuples


def test_it_is_a_module(sum_2):
    model = torch.nn.Sequential()
    model.add_module("sum", sum_2())
    assert list(model.parameters()) == [] and model.state_dict() == {}
    model.train().eval().double().to("cpu")


REFUSED = [
    ("E0824", dict(digit_1=rows(2, 10))),
    ("E0824", dict(digit_1=rows(2, 10), digit_2=rows(2, 10), digit_3=rows(2, 10))),
    ("E0825", dict(digit_1=rows(2, 10)[0], digit_2=rows(2, 10)[0])),
    ("E0825", dict(digit_1=rows(2, 9), digit_2=rows(2, 10))),
    ("E0825", dict(digit_1=rows(2, 10), digit_2=rows(3, 10))),
    ("E0825", dict(digit_1=rows(2, 10)[None], digit_2=rows(2, 10)[None])),
    ("E0826", dict(digit_1=rows(2, 10), digit_2=rows(2, 10, torch.float32))),
    ("E0826", dict(digit_1=torch.zeros(2, 10, dtype=torch.int64), digit_2=rows(2, 10))),
    ("E0824", dict(digit_1=rows(2, 10).tolist(), digit_2=rows(2, 10))),
    ("E0827", dict(digit_1=rows(2, 10), digit_2=rows(2, 10).to("meta"))),
    ("E0521", dict(digit_1=rows(2, 10) * math.nan, digit_2=rows(2, 10))),
    ("E0510", dict(digit_1=rows(2, 10) - 1, digit_2=rows(2, 10))),
    ("E0510", dict(digit_1=rows(2, 10) * math.inf, digit_2=rows(2, 10))),
    ("E0511", dict(digit_1=rows(2, 10) * 1.5, digit_2=rows(2, 10))),
    ("E0511", dict(digit_1=(rows(2, 10) * 1.1).half(), digit_2=rows(2, 10).half())),
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("code", "call"), REFUSED)
def test_calls_that_do_not_fit(sum_2, backend, code, call):
    module = sum_2(backend=backend)
    with pytest.raises((nsdl.UsageError, nsdl.DataError)) as caught:
        module(**call)
    assert caught.value.code == code
    p, q = rows(2, 10), rows(2, 10, seed=1)
    torch.testing.assert_close(module(digit_1=p, digit_2=q), by_hand(p, q), rtol=0, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_values_are_not_checked_unless_asked(sum_2, backend):
    p, q = rows(2, 10) * 1.5, rows(2, 10)
    result = sum_2(backend=backend, validate=False)(digit_1=p, digit_2=q)
    torch.testing.assert_close(result, by_hand(p, q), rtol=0, atol=1e-12)
    # A row that sums to a little more than 1 is rounding, and a little more in half precision.
    module = sum_2(backend=backend)
    module(digit_1=rows(2, 10) * 1.00005, digit_2=q)
    module(digit_1=(rows(2, 10) * 1.005).half(), digit_2=q.half())


def test_help_tells_how_to_add_a_batch(sum_2):
    with pytest.raises(nsdl.UsageError, match=r"digit_1\.unsqueeze\(0\)"):
        sum_2()(digit_1=rows(1, 10)[0], digit_2=rows(1, 10)[0])


REFUSED_MODULES = [
    ("E0820", dict(inputs={}, output="r")),
    ("E0820", dict(inputs={"d": range(2)}, output={})),
    ("E0821", dict(inputs={"d": 2}, output="r")),
    ("E0821", dict(inputs={"d": "ab"}, output="r")),
    ("E0823", dict(inputs={"d": range(2)}, output="r", backend="cuda")),
    ("E0810", dict(inputs={"d": range(2)}, output="r", provenance="exat")),
    ("E0811", dict(inputs={"d": range(2)}, output="r", provenance="topkproofs", k=0)),
    ("E0815", dict(inputs={"d": range(2)}, output="r", provenance="unit")),
    ("E0201", dict(inputs={"d": range(2)}, output="s")),
    ("E0829", dict(inputs={"d": [None]}, output="r")),
]


@pytest.mark.parametrize(("code", "arguments"), REFUSED_MODULES)
def test_modules_that_do_not_fit(code, arguments):
    with pytest.raises(nsdl.NsdlError) as caught:
        nsdl.Module("rel r(a) = d(a)", **arguments)
    assert caught.value.code == code, caught.value.rendered


@pytest.mark.parametrize(
    ("code", "program"),
    [
        ("E01", "rel r(a = d(a)"),
        ("E02", "rel r(a) = e(a)"),
        ("E03", 'rel r(a) = d(a), "x" == 1'),
        ("E04", "rel r(a) = d(a), b > 1"),
    ],
)
def test_errors_in_the_program_of_a_module(code, program):
    with pytest.raises(nsdl.ProgramError) as caught:
        nsdl.Module(program, inputs={"d": range(2)}, output="r")
    assert caught.value.code.startswith(code) and caught.value.span is not None


def test_torch_operations_refuse_what_they_cannot_express():
    module = reach(provenance="topkproofs", k=3, backend="torch")
    p = torch.rand(1, len(EDGES))
    with pytest.raises(nsdl.UsageError) as caught:
        module(edge=p)
    assert caught.value.code == "E0828"


def test_other_devices_fall_to_torch_operations(sum_2):
    # The meta device has shapes only: enough to see that nothing reads its memory.
    module = sum_2(validate=False)
    p = torch.empty(4, 10, device="meta")
    result = module(digit_1=p, digit_2=p)
    assert result.device.type == "meta" and result.shape == (4, 19)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_gives_the_same(sum_2):
    module = sum_2()
    p, q = rows(8, 10).requires_grad_(), rows(8, 10, seed=1)
    here = module(digit_1=p, digit_2=q)
    there = module(digit_1=p.cuda(), digit_2=q.cuda())
    assert there.device.type == "cuda"
    torch.testing.assert_close(there.cpu(), here, rtol=0, atol=1e-12)
    gradients = [torch.autograd.grad(x[:, 5].sum(), p)[0] for x in (here, there)]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=1e-12)


def test_threads_share_a_module(sum_2):
    from concurrent.futures import ThreadPoolExecutor

    module = sum_2()

    def work(seed):
        p, q = rows(32, 10, seed=seed).requires_grad_(), rows(32, 10, seed=seed + 100)
        for _ in range(20):
            result = module(digit_1=p, digit_2=q)
            gradient = torch.autograd.grad(result[:, 7].sum(), p)[0]
        expected = by_hand(p, q)
        torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)
        torch.testing.assert_close(gradient, torch.autograd.grad(expected[:, 7].sum(), p)[0], rtol=0, atol=1e-12)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))


def test_ctrl_c_stops_a_compilation():
    import signal
    import threading
    import time

    # Reachability in a dense graph: exact inference would need minutes, or meet its budget.
    pairs = [(a, b) for a in range(14) for b in range(14) if a != b]
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        nsdl.Module(REACH, inputs={"edge": nsdl.independent(pairs)}, output={"path": [(0, 13)]})
    assert time.monotonic() - start < 30
