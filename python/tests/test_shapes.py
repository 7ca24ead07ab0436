"""Batches whose samples have facts of their own: values, gradients, the cache, and what is refused."""

import copy
import itertools
import pickle

import pytest

torch = pytest.importorskip("torch")

import nsdl  # noqa: E402

REACH = "type edge(i32, i32)\nrel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))"
PROVENANCES = ["exact", "minmaxprob", "addmultprob", "topkproofs"]
GRAPHS = [
    [(0, 1), (1, 2), (0, 2)],
    [(0, 1), (1, 0), (1, 2), (2, 1)],  # a cycle
    [],
    [(0, 1), (1, 2), (0, 2)],  # the shape of the first
    [(0, 2)],
]


def probabilities(seed=0, graphs=GRAPHS, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return 0.1 + 0.8 * torch.rand(sum(map(len, graphs)), generator=generator, dtype=torch.float64).to(dtype)


def ragged(p, graphs=GRAPHS):
    offsets = [0, *itertools.accumulate(map(len, graphs))]
    return nsdl.Ragged(list(itertools.chain(*graphs)), p, offsets)


def reach(output=None, **options):
    return nsdl.Module(REACH, inputs={"edge": None}, output=output or {"path": [(0, 2)]}, **options)


def one_by_one(p, mapping, graphs=GRAPHS, **options):
    """The same with a module for each sample."""
    rows = []
    for graph, q in zip(graphs, p.split([len(g) for g in graphs]), strict=True):
        if graph:
            module = nsdl.Module(REACH, {"edge": nsdl.independent(graph)}, {"path": mapping}, **options)
            rows.append(module(edge=q.unsqueeze(0)))
        else:
            rows.append(p.new_zeros(1, len(mapping)))
    return torch.cat(rows)


@pytest.mark.parametrize("provenance", PROVENANCES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_batch_is_as_its_samples_one_by_one(provenance, dtype):
    mapping = [(0, 2), (1, 1), (2, 0)]
    p = probabilities(dtype=dtype).requires_grad_()
    module = reach({"path": mapping}, provenance=provenance)
    found = module(edge=ragged(p))
    expected = one_by_one(p, mapping, provenance=provenance)
    assert found.dtype == dtype
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    seeds = torch.arange(found.numel(), dtype=dtype).view_as(found)
    gradients = [torch.autograd.grad((x * seeds).sum(), p)[0] for x in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-5)


def test_lists_and_flat_arrays_say_the_same():
    module = reach()
    p = probabilities().requires_grad_()
    expected = module(edge=ragged(p))
    pieces = p.split([len(g) for g in GRAPHS])
    pairs = [list(zip(q.unbind(), graph, strict=True)) for q, graph in zip(pieces, GRAPHS, strict=True)]
    whole = list(zip(pieces, GRAPHS, strict=True))
    offsets = torch.tensor([0, *itertools.accumulate(map(len, GRAPHS))])
    table = nsdl.Ragged(torch.tensor(list(itertools.chain(*GRAPHS))), p, offsets)
    for facts in (pairs, whole, table):
        found = module(edge=facts)
        torch.testing.assert_close(found, expected, rtol=0, atol=0)
        (gradient,) = torch.autograd.grad(found.sum(), p, retain_graph=True)
        torch.testing.assert_close(gradient, torch.autograd.grad(expected.sum(), p, retain_graph=True)[0])
    numbers = [[(x.item(), edge) for x, edge in sample] for sample in pairs]
    torch.testing.assert_close(module(edge=numbers), expected.detach().float())


@pytest.mark.filterwarnings("ignore:.*W060[23]")
@pytest.mark.parametrize(
    ("provenance", "backend"),
    [("exact", "torch")]
    + [
        (provenance, "auto")
        for provenance in (
            *("exact", "topkproofs", "topbottomkclauses", "samplekproofs", "minmaxprob", "maxmultprob"),
            *("addmultprob", "nandmultprob", "nandminprob", "lukasiewicz"),
        )
    ],
)
def test_gradcheck(provenance, backend):
    module = reach(provenance=provenance, validate=False, backend=backend)
    p = probabilities().requires_grad_()
    assert torch.autograd.gradcheck(lambda p: module(edge=ragged(p)), (p,))
    assert torch.autograd.gradgradcheck(lambda p: module(edge=ragged(p)), (p,))


@pytest.mark.filterwarnings("ignore:.*W060[23]")
@pytest.mark.parametrize("provenance", ["exact", "topkproofs", "nandmultprob"])
@pytest.mark.parametrize("graphs", [GRAPHS[:2], [GRAPHS[1]]])
def test_second_derivatives_with_evidence_parameters_and_fixed_inputs(provenance, graphs):
    program = REACH + "\nrel path(a, b) = extra(x), edge(a, x), edge(x, b)\nrel ?0.5::up(a) = edge(a, 1), path(a, 2)"
    module = nsdl.Module(
        program,
        {"edge": None, "extra": range(3)},
        {"path": [(0, 2)], "up": [0, 1]},
        evidence=() if provenance == "nandmultprob" else "edge(0, 1)",
        provenance=provenance,
        validate=False,
    )
    p = probabilities(1, graphs).requires_grad_()
    x = torch.rand(len(graphs), 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) / 3
    (parameter,) = (w.double() for w in module.parameters())
    name = next(name for name, _ in module.named_parameters())

    def run(p, x, parameter):
        inputs = {"edge": ragged(p, graphs), "extra": x}
        return tuple(torch.func.functional_call(module, {name: parameter}, (), inputs).values())

    tensors = (p, x.requires_grad_(), parameter.detach().requires_grad_())
    assert torch.autograd.gradcheck(run, tensors)
    assert torch.autograd.gradgradcheck(run, tensors)


def test_third_derivatives_by_torch():
    module = reach(validate=False)
    p = probabilities()[:3].requires_grad_()
    value = module(edge=ragged(p, GRAPHS[:1]))  # 1 - (1 - p0 p1) (1 - p2)
    (first,) = torch.autograd.grad(value.sum(), p, create_graph=True)
    (second,) = torch.autograd.grad(first[0], p, create_graph=True)
    (third,) = torch.autograd.grad(second[1], p)
    torch.testing.assert_close(third, torch.tensor([0.0, 0.0, -1.0], dtype=torch.float64))


def test_outputs_without_a_mapping():
    module = reach("path")
    p = probabilities()
    answers = module(edge=ragged(p))
    assert isinstance(answers, nsdl.Ragged) and len(answers) == 5
    assert [t for _, t in answers[0]] == [(0, 1), (0, 2), (1, 2)]
    assert answers[2] == [] and answers[4][0][1] == (0, 2)
    tuples, matrix = answers.padded()
    assert tuples == sorted(set(answers.tuples)) and matrix.shape == (5, len(tuples))
    torch.testing.assert_close(matrix, one_by_one(p, tuples), rtol=0, atol=1e-12)
    again = pickle.loads(pickle.dumps(answers))
    assert again.tuples == answers.tuples and again.padded()[0] == tuples
    torch.testing.assert_close(again.padded()[1], matrix)
    q = p.clone().requires_grad_()
    module(edge=ragged(q)).padded()[1][:, 0].sum().backward()
    assert q.grad is not None and q.grad.abs().sum() > 0
    assert module.tuples is None and "edge: facts -> path" in repr(module)


def test_several_outputs_and_an_empty_batch():
    module = reach({"path": None, "edge": [(0, 1), (5, 5)]})
    both = module(edge=ragged(probabilities()))
    assert set(both) == {"path", "edge"} and both["edge"].shape == (5, 2)
    none = module(edge=[])
    assert none["edge"].shape == (0, 2) and len(none["path"]) == 0
    assert none["path"].padded()[1].shape == (0, 0)


def test_shapes_are_compiled_once():
    module = reach()
    p = probabilities()
    module(edge=ragged(p))
    stats = module.stats()
    assert (stats.shapes, stats.misses, stats.hits) == (4, 4, 1)
    assert stats.bytes > 0 and stats.seconds > 0
    for seed in range(3):
        module(edge=ragged(probabilities(seed)))
    module(edge=ragged(torch.zeros(len(p))))  # a probability of 0 changes no shape
    stats = module.stats()
    assert (stats.misses, stats.hits) == (4, 21)


def test_ahead_of_time():
    module = reach()
    module.prepare(edge=[[(1.0, edge) for edge in graph] for graph in GRAPHS])
    assert module.stats().misses == 4
    module(edge=ragged(probabilities()))
    assert module.stats().misses == 4


def test_the_cache_is_bounded():
    module = reach(memory=0)
    expected = reach()(edge=ragged(probabilities()))
    for _ in range(2):
        torch.testing.assert_close(module(edge=ragged(probabilities())), expected)
    stats = module.stats()
    assert stats.shapes == 1 and stats.evicted >= 6


def test_exclusive_groups():
    program = 'type color(String, String)\nrel both(a) = color(a, "red"), color(a, "blue")\nrel any(a) = color(a, _)'
    module = nsdl.Module(program, {"color": None}, {"both": ["ball"], "any": ["ball"]})
    ball = [(0.5, ("ball", "red")), (0.25, ("ball", "blue"))]
    found = module(color=[[ball], ball])  # a list among the facts is a group
    assert found["both"].tolist() == [[0.0], [0.125]]
    assert found["any"].tolist() == [[0.75], [0.625]]
    flat = nsdl.Ragged([t for _, t in ball * 2], torch.tensor([0.5, 0.25] * 2), [0, 2, 4], [3, 3, -1, -1])
    for key, value in module(color=flat).items():
        assert value.tolist() == found[key].tolist()
    with pytest.raises(nsdl.DataError) as caught:
        module(color=[[[(0.9, ("ball", "red")), (0.2, ("ball", "blue"))]]])
    assert caught.value.code == "E0511"


def test_facts_beside_tensors_and_certain_facts():
    program = """
        type wanted(String)
        rel result(a) = left(a), wanted("left")
        rel result(a + b) = left(a), right(b), wanted("sum")
    """
    module = nsdl.Module(
        program, inputs={"left": range(3), "wanted": None, "right": range(3)}, output={"result": range(5)}
    )
    left, right = (torch.rand(4, 3, dtype=torch.float64).softmax(1).requires_grad_() for _ in range(2))
    found = module(left=left, right=right, wanted=[["sum"], ["left"], [], ["sum"]])
    sums = torch.zeros(4, 5, dtype=torch.float64)
    for a, b in itertools.product(range(3), range(3)):
        sums[:, a + b] += left[:, a] * right[:, b]
    torch.testing.assert_close(found[[0, 3]], sums[[0, 3]])
    torch.testing.assert_close(found[1, :3], left[1])
    assert found[2].tolist() == [0.0] * 5
    gradient = torch.autograd.grad(found[1, 0], left)[0]
    assert gradient[1, 0] == 1 and gradient.sum() == 1
    with pytest.raises(nsdl.UsageError) as caught:
        module(left=left, right=right, wanted=[["sum"]])
    assert caught.value.code == "E0825"


def test_half_precision_and_checks():
    module = reach()
    p = probabilities(dtype=torch.float16)
    found = module(edge=ragged(p))
    assert found.dtype == torch.float16
    torch.testing.assert_close(found.double(), reach()(edge=ragged(p.double())), rtol=0, atol=1e-3)
    for dtype, backend in itertools.product([torch.float16, torch.float64], ["auto", "torch"]):
        for bad, code in [(-0.5, "E0510"), (1.5, "E0510"), (float("nan"), "E0521")]:
            q = probabilities(dtype=dtype)
            q[1] = bad
            with pytest.raises(nsdl.DataError) as caught:
                reach(backend=backend)(edge=ragged(q))
            assert caught.value.code == code
    reach(validate=False)(edge=ragged(probabilities() * 3))


def test_why():
    module = reach()
    proofs = module.why((0, 2), edge=[[(0.5, (0, 1)), (0.25, (1, 2)), (0.5, (0, 2))]])
    assert str(proofs[0]).startswith("0.5: edge(0, 2)") and len(proofs) == 2
    with pytest.raises(nsdl.UsageError) as caught:
        module.why((0, 2), edge=ragged(probabilities()))
    assert caught.value.code == "E0825"


def test_evidence_and_learned_probabilities():
    program = REACH + "\nrel ?0.5::up(a) = edge(a, 1)"
    p = probabilities()[:5].requires_grad_()
    module = nsdl.Module(program, {"edge": None}, {"path": [(0, 2)], "up": [0]}, evidence="edge(0, 1)")
    found = module(edge=[(p[:3], GRAPHS[0]), (p[3:], [(0, 1), (1, 2)])])
    torch.testing.assert_close(found["path"][0, 0], 1 - (1 - p[1]) * (1 - p[2]))  # edge(0, 1) is there
    torch.testing.assert_close(found["path"][1, 0], p[4])
    torch.testing.assert_close(found["up"], torch.full((2, 1), 0.5, dtype=torch.float64))
    (parameter,) = module.parameters()
    gradients = torch.autograd.grad(found["path"].sum() + found["up"].sum(), [p, parameter])
    torch.testing.assert_close(gradients[0][[0, 4]], torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert gradients[1].item() == pytest.approx(2 * 0.25)  # two samples, the slope of a sigmoid at 0
    assert len(module.why((0, 2), output="path", edge=[(p[:3], GRAPHS[0])])) == 2
    assert "?0.5::up" in module.to_dl()
    with pytest.warns(nsdl.NsdlWarning, match="W0550"):
        impossible = module(edge=[(p[:2], [(0, 1), (1, 2)]), (p[:1], [(1, 2)])])
    assert impossible["path"].isnan().tolist() == [[False], [True]]
    torch_ = nsdl.Module(program, {"edge": None}, {"path": [(0, 2)], "up": [0]}, evidence="edge(0, 1)", backend="torch")
    again = torch_(edge=[(p[:3], GRAPHS[0]), (p[3:], [(0, 1), (1, 2)])])
    for name in found:
        torch.testing.assert_close(again[name], found[name])


def test_certain_facts_and_learned_rules():
    module = nsdl.Module("type e(i32)\nrel ?0.25::some() = e(_)", {"e": None}, {"some": [()]})
    found = module(e=[[1, 2], [3], []])
    torch.testing.assert_close(found.flatten(), torch.tensor([1 - 0.75**2, 0.25, 0.0]))
    found.sum().backward()
    assert next(module.parameters()).grad.item() == pytest.approx((2 * 0.75 + 1) * 0.25 * 0.75)


def test_what_only_plain_modules_know():
    module = reach()
    calls = [
        lambda: module.bounds(edge=ragged(probabilities())),
        lambda: module.jacobian(edge=ragged(probabilities())),
        lambda: reach(log=True),
    ]
    for call in calls:
        with pytest.raises(nsdl.UsageError) as caught:
            call()
        assert caught.value.code == "E0877"


def test_copies_keep_their_shapes():
    module = reach(provenance="minmaxprob")
    expected = module(edge=ragged(probabilities()))
    for other in (pickle.loads(pickle.dumps(module)), copy.deepcopy(module)):
        assert other.stats().shapes == 4
        misses = other.stats().misses
        torch.testing.assert_close(other(edge=ragged(probabilities())), expected, rtol=0, atol=0)
        assert other.stats().misses == misses
    assert module.state_dict() == {}


def test_warnings_about_shapes_come_once():
    module = nsdl.Module("type d(i8)\nrel r(a + 100i8) = d(a)", {"d": None}, {"r": [101]})
    module(d=[[(0.5, 1)]])
    with pytest.warns(nsdl.NsdlWarning, match="W0601"):
        found = module(d=[[(0.5, 100), (0.25, 1)], [(0.5, 1)]])
    assert found.tolist() == [[0.25], [0.5]]
    module(d=[[(0.5, 100), (0.25, 1)]])
    # New shapes, of the same cause: only the number of derivations is another one.
    module(d=[[(0.5, 100), (0.5, 90), (0.25, 1)]])


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("E0824", None),
        ("E0874", 3),
        ("E0874", "ab"),
        ("E0874", [3]),
        ("E0874", [(torch.rand(2), [(0, 1)])]),
        ("E0822", [[(0.5, (0, 1)), (1, 2)]]),
        ("E0202", [[(0.5, (0, 1, 2))]]),
        ("E0301", [[(0.5, (0, "x"))]]),
        ("E0501", [[(0.5, (0, 1 << 40))]]),
        ("E0825", nsdl.Ragged([(0, 1)], torch.rand(2), [0, 1])),
        ("E0826", nsdl.Ragged([(0, 1)], torch.tensor([1]), [0, 1])),
        ("E0872", nsdl.Ragged([(0, 1)], torch.rand(1), [0, 2])),
        ("E0872", nsdl.Ragged([(0, 1)], torch.rand(1), [1, 1])),
        ("E0873", nsdl.Ragged([(0, 1)], torch.rand(1), [0, 1], [1, 2])),
        ("E0202", nsdl.Ragged(torch.zeros(1, 3, dtype=torch.int64), torch.rand(1), [0, 1])),
    ],
)
def test_facts_that_do_not_fit(code, facts):
    module = reach()
    with pytest.raises(nsdl.NsdlError) as caught:
        module(**({} if facts is None else {"edge": facts}))
    assert caught.value.code == code, caught.value.rendered
    assert module(edge=ragged(probabilities())).shape == (5, 1)


def test_modules_that_do_not_fit():
    with pytest.raises(nsdl.ProgramError) as caught:
        nsdl.Module("rel path(a, b) = edge(a, b)", {"edge": None}, "path")
    assert caught.value.code == "E0201" and "type edge" in caught.value.rendered
    with pytest.raises(nsdl.UsageError) as caught:
        nsdl.Module("rel path(a) = edge(a)", {"edge": [0]}, "path").prepare(edge=[[0]])
    assert caught.value.code == "E0870"
