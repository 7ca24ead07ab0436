"""Gradients, first and second, of every provenance against numeric differences (torch.autograd).

Exact probabilities are multilinear: at 0 and 1, where differences leave the domain, a derivative is the difference
of two values.
"""

import pytest

torch = pytest.importorskip("torch")

import nsdl  # noqa: E402

# Few proofs, samples and cycles are differentiated as they are: that they approximate is said, and tested elsewhere.
pytestmark = pytest.mark.filterwarnings("ignore:.*W060[23]")

BACKENDS = ["kernels", "torch"]
PROVENANCES = [
    "exact",
    "auto",
    "minmaxprob",
    "addmultprob",
    "nandmultprob",
    "maxmultprob",
    "nandminprob",
    "lukasiewicz",
    "topkproofs",
    "topbottomkclauses",
    "samplekproofs",
]
EDGES = [(0, 1), (1, 2), (2, 0), (2, 3), (0, 3)]  # with a cycle
EDGE = nsdl.independent(EDGES)
COINS = nsdl.independent(range(4))


def chooses(provenance):
    """Whether proofs are chosen anew for each sample, which torch operations cannot express."""
    return provenance in ("topkproofs", "topbottomkclauses", "samplekproofs")


def is_iterated(program, provenance):
    """Whether cycles are iterated, which torch operations cannot express either."""
    return "path" in program and not chooses(provenance) and provenance not in ("exact", "auto")


# Name, program, inputs, outputs.
PROGRAMS = [
    ("conjunction", "rel r() = a(0), a(1)\nrel r() = a(2), a(3)", {"a": COINS}, {"r": [()]}),
    ("exclusive", "rel sum(x + y) = a(x), b(y)", {"a": range(3), "b": range(4)}, {"sum": range(6)}),
    (
        "exclusive and independent",
        "rel r(x) = a(x), b(x)\nrel none() = not r(_)",
        {"a": range(3), "b": nsdl.independent(range(3))},
        {"r": range(3), "none": [()]},
    ),
    (
        "recursion",
        "rel path(x, y) = edge(x, y) or (path(x, z) and edge(z, y))",
        {"edge": EDGE},
        {"path": [(0, 3), (1, 0), (2, 2)]},
    ),
    (
        "negation over recursion",
        "rel path(x, y) = edge(x, y) or (path(x, z) and edge(z, y))\nrel cut(x) = edge(x, _), not path(x, 3)",
        {"edge": EDGE},
        {"cut": range(3)},
    ),
    ("count", "rel n(k) = k := count(x: a(x))", {"a": COINS}, {"n": range(5)}),
    ("sum", "rel n(s) = s := sum[i](v: a(i, v))", {"a": [(0, 1), (0, 2), (1, 2)]}, {"n": range(4)}),
    (
        "sum of digits",
        "rel n(s) = s := sum[i](v: d(i, v))\nrel d(0, v) = a(v)\nrel d(1, v) = b(v)",
        {"a": range(1, 4), "b": range(1, 4)},
        {"n": range(7)},
    ),
    ("greatest", "rel best(i) = i := argmax[i](v: a(i, v))", {"a": nsdl.independent([(0, 1), (1, 2), (2, 2)])}, "best"),
    ("exists", "rel r(b) = b := exists(x: a(x))", {"a": COINS}, {"r": [True, False]}),
    (
        "forall",
        "rel node = {0, 1, 2}\nrel ends(x) = node(x), forall(y: edge(x, y) implies y == 3)",
        {"edge": EDGE},
        {"ends": range(3)},
    ),
    (
        "rule probabilities",
        "rel 0.9::alarm() = a(0)\nrel 0.35::alarm() = a(1)\nrel 0.8::calls(x) = a(x), alarm()",
        {"a": COINS},
        {"alarm": [()], "calls": range(4)},
    ),
    (
        "exclusive heads",
        "rel {0.6::b(x); 0.3::c(x)} = a(x)\nrel r() = b(_), not c(0)",
        {"a": COINS},
        {"r": [()]},
    ),
    (
        "constant and tensor tags",
        "rel 0.37::edge(1, 3)\nrel edge(3, 0)\nrel color = {0.2::1; 0.45::2}\n"
        "rel path(x, y) = edge(x, y) or (path(x, z) and edge(z, y))\nrel r(c) = path(0, 3), color(c)",
        {"edge": EDGE},
        {"r": [1, 2], "path": [(0, 0)]},
    ),
]


CASES = [
    pytest.param(*parts, provenance, backend, id=f"{name}-{provenance}-{backend}")
    for name, *parts in PROGRAMS
    for provenance in PROVENANCES
    for backend in BACKENDS
    if backend == "kernels" or not (chooses(provenance) or is_iterated(parts[0], provenance))
]


def is_exclusive(mapping):
    """Whether the tuples of a row exclude each other: all but what nsdl.independent(…) gives."""
    return isinstance(mapping, (range, list))


def build(program, inputs, output, provenance, backend):
    """A function from tensors to one tensor, and inputs for it that are nowhere near a tie."""
    module = nsdl.Module(program, inputs, output, provenance=provenance, backend=backend, validate=False)
    generator = torch.Generator().manual_seed(7)
    tensors = []
    for name, mapping in inputs.items():
        x = 0.1 + 0.8 * torch.rand(2, module.inputs[name], generator=generator, dtype=torch.float64)
        if is_exclusive(mapping):
            x = 0.9 * x / x.sum(1, keepdim=True)
        tensors.append(x)

    def function(*tensors):
        result = module(**dict(zip(inputs, tensors, strict=True)))
        return torch.cat(list(result.values()), 1) if isinstance(result, dict) else result

    return function, tensors


@pytest.mark.parametrize(("program", "inputs", "output", "provenance", "backend"), CASES)
def test_first_derivatives(program, inputs, output, provenance, backend):
    function, tensors = build(program, inputs, output, provenance, backend)
    assert torch.autograd.gradcheck(function, [x.requires_grad_() for x in tensors])


@pytest.mark.parametrize(("program", "inputs", "output", "provenance", "backend"), CASES)
def test_second_derivatives(program, inputs, output, provenance, backend):
    function, tensors = build(program, inputs, output, provenance, backend)
    assert torch.autograd.gradgradcheck(function, [x.requires_grad_() for x in tensors])


@pytest.mark.parametrize(("program", "inputs", "output", "provenance", "backend"), CASES)
def test_only_some_inputs_need_gradients(program, inputs, output, provenance, backend):
    function, tensors = build(program, inputs, output, provenance, backend)
    tensors[0].requires_grad_()
    assert torch.autograd.gradcheck(function, tensors)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("program", "inputs", "output"), [pytest.param(*p[1:], id=p[0]) for p in PROGRAMS])
def test_gradients_at_0_and_1_are_differences_of_values(program, inputs, output, backend):
    function, tensors = build(program, inputs, output, "exact", backend)
    corners = []
    for x, mapping in zip(tensors, inputs.values(), strict=True):
        if is_exclusive(mapping):
            corners.append(torch.nn.functional.one_hot(torch.arange(len(x)), x.shape[1]).double())
        else:
            corners.append((torch.arange(x.numel()).reshape(x.shape) % 3 == 0).double())
    leaves = [x.clone().requires_grad_() for x in corners]
    result = function(*leaves)
    for column in range(result.shape[1]):
        gradients = torch.autograd.grad(result[:, column].sum(), leaves, retain_graph=True, allow_unused=True)
        for place, gradient in enumerate(gradients):
            for i in range(corners[place].shape[1]):
                values = []
                for weight in (0.0, 1.0):
                    moved = [x.clone() for x in corners]
                    moved[place][:, i] = weight
                    values.append(function(*moved)[:, column])
                torch.testing.assert_close(gradient[:, i], values[1] - values[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize(("program", "inputs", "output", "provenance", "backend"), CASES)
def test_gradients_are_finite_at_0_and_1(program, inputs, output, provenance, backend, value):
    function, tensors = build(program, inputs, output, provenance, backend)
    leaves = [torch.full_like(x, value, requires_grad=True) for x in tensors]
    result = function(*leaves)
    gradients = torch.autograd.grad(result.sum(), leaves)
    assert result.isfinite().all() and all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize(("program", "inputs", "output", "provenance", "backend"), CASES)
def test_f32_stays_f32(program, inputs, output, provenance, backend):
    function, tensors = build(program, inputs, output, provenance, backend)
    single = [x.float().requires_grad_() for x in tensors]
    result = function(*single)
    gradients = torch.autograd.grad(result.sum(), single)
    assert all(x.dtype == torch.float32 for x in (result, *gradients))
    torch.testing.assert_close(result.double(), function(*tensors), rtol=1e-5, atol=1e-6)
    double = [x.requires_grad_() for x in tensors]
    expected = torch.autograd.grad(function(*double).sum(), double)
    for gradient, wanted in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient.double(), wanted, rtol=1e-4, atol=1e-5)
