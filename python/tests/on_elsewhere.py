"""Tensors on a device that kernels cannot reach; test_device.py runs these in a process of their own.

Torch counts devices when it computes its first gradient, so that this one has to be there before.
"""

import importlib.util
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import nsdl  # noqa: E402
from nsdl.device import moved  # noqa: E402

spec = importlib.util.spec_from_file_location("elsewhere", Path(__file__).with_name("elsewhere.py"))
elsewhere = importlib.util.module_from_spec(spec)
spec.loader.exec_module(elsewhere)

if not elsewhere.exists():
    pytest.skip("this torch has no devices written in Python", allow_module_level=True)

REACH = "rel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))"
EDGES = [(0, 1), (1, 2), (2, 1), (1, 3), (0, 3), (2, 3)]  # with a cycle
HOST = torch.device("cpu")


@pytest.fixture
def away():
    """Brings a tensor to another device; ``away.copies()`` counts those that have come home since it was last asked."""

    def send(x):
        return x.detach().to("elsewhere").requires_grad_(x.requires_grad)

    def copies():
        home, elsewhere.Elsewhere.home = elsewhere.Elsewhere.home, 0
        return home

    send.copies = copies
    copies()
    return send


def rows(batch, width, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, width, generator=generator, dtype=torch.float64).softmax(1).to(dtype)


def reach(**options):
    return nsdl.Module(REACH, inputs={"edge": nsdl.independent(EDGES)}, output={"path": [(0, 3), (0, 2)]}, **options)


def test_tensors_move_together(away):
    parts = [rows(3, 4).requires_grad_(), rows(2, 5, 1), torch.empty(0, 7, dtype=torch.float64), rows(1, 1, 2)[0]]
    there = [away(x) for x in parts]
    back = moved(there, HOST)
    assert away.copies() == 1
    for x, y in zip(parts, back, strict=True):
        torch.testing.assert_close(y, x, rtol=0, atol=0)
        assert y.is_contiguous()
    weights = rows(3, 4, 3)
    (gradient,) = torch.autograd.grad((back[0] * weights).sum(), there[0])
    assert gradient.device.type == "elsewhere"
    torch.testing.assert_close(gradient.cpu(), weights, rtol=0, atol=0)
    assert moved(parts, HOST) is parts and moved([], HOST) == []


@pytest.mark.parametrize("provenance", ["topkproofs", "minmaxprob", "addmultprob", "samplekproofs", "sample"])
@pytest.mark.filterwarnings("ignore::nsdl.NsdlWarning")
def test_what_torch_cannot_express_goes_to_the_host_and_back(away, provenance):
    module, other = reach(provenance=provenance), reach(provenance=provenance)  # two, since each call draws anew
    assert not module._circuit.exists
    here, weights = torch.rand(4, len(EDGES), generator=torch.Generator().manual_seed(1)).requires_grad_(), rows(4, 2)
    there = away(here)
    expected, found = other(edge=here), module(edge=there)
    assert found.device == there.device and found.dtype == here.dtype and away.copies() == 1
    torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=0)
    away.copies()
    (wanted,) = torch.autograd.grad((expected * weights).sum(), here)
    (slope,) = torch.autograd.grad((found * away(weights)).sum(), there)
    assert slope.device == there.device and away.copies() == 1
    torch.testing.assert_close(slope.cpu(), wanted, rtol=0, atol=0)
    assert "on a GPU: copied to the host" in module.explain()


def test_second_derivatives_of_proofs(away):
    module = reach(provenance="topkproofs", k=20, validate=False)
    here = torch.rand(2, len(EDGES), dtype=torch.float64, generator=torch.Generator().manual_seed(2)).requires_grad_()
    there = away(here)
    second = []
    for x in (here, there):
        (slope,) = torch.autograd.grad((module(edge=x) ** 2).sum(), x, create_graph=True)
        second.append(torch.autograd.grad((slope**3).sum(), x)[0])
    assert second[1].device == there.device
    torch.testing.assert_close(second[1].cpu(), second[0], rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore::nsdl.NsdlWarning")
def test_several_inputs_and_outputs_go_in_one_copy(away):
    module = nsdl.Module(
        "rel sum(a + b) = left(a), right(b)\nrel less() = left(a), right(b), a < b",
        {"left": range(4), "right": range(4)},
        {"sum": range(7), "less": [()]},
        provenance="topkproofs",
    )
    here = [rows(5, 4, seed).requires_grad_() for seed in (0, 1)]
    there = [away(x) for x in here]
    expected, found = (module(left=p, right=q) for p, q in (here, there))
    assert away.copies() == 1
    gradients = []
    for outputs, inputs in ((expected, here), (found, there)):
        total = outputs["sum"].square().sum() + outputs["less"].mul(3).sum()
        gradients.append(torch.autograd.grad(total, inputs))
    for name in expected:
        torch.testing.assert_close(found[name].cpu(), expected[name], rtol=0, atol=0)
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(b.cpu(), a, rtol=0, atol=1e-12)


def test_what_torch_can_express_stays_where_it_is(away, sum_2):
    module = sum_2(validate=False)
    here = [rows(5, 10, seed).requires_grad_() for seed in (0, 1)]
    there = [away(x) for x in here]
    expected, found = (module(digit_1=p, digit_2=q) for p, q in (here, there))
    wanted = torch.autograd.grad(expected[:, 7].sum(), here)
    slopes = torch.autograd.grad(found[:, 7].sum(), there)
    assert away.copies() == 0
    for a, b in zip((expected, *wanted), (found, *slopes), strict=True):
        torch.testing.assert_close(b.cpu(), a, rtol=0, atol=1e-12)
    assert "on a GPU: evaluated there, by torch operations\n" in module.explain()


def test_the_kernels_when_they_are_asked_for(away, sum_2):
    module = sum_2(backend="kernels")
    p = rows(3, 10)
    found = module(digit_1=away(p), digit_2=away(p))
    assert found.device.type == "elsewhere" and away.copies() == 1
    torch.testing.assert_close(found.cpu(), module(digit_1=p, digit_2=p), rtol=0, atol=0)
    log = sum_2(log=True)
    assert "on a GPU: copied to the host" in log.explain()
    torch.testing.assert_close(log(digit_1=away(p), digit_2=away(p)).cpu().exp(), found.cpu())


def test_torch_when_it_is_asked_for_cannot_express_proofs(away):
    module = reach(provenance="topkproofs", backend="torch")
    for x in (rows(1, len(EDGES)), away(rows(1, len(EDGES)))):
        with pytest.raises(nsdl.UsageError, match="E0828"):
            module(edge=x)
    assert "on a GPU: not at all (E0828)" in module.explain()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_what_is_no_probability_is_refused_at_once(away, dtype):
    module = reach(provenance="topkproofs", k=20)
    p = torch.full((1, len(EDGES)), 0.5, dtype=dtype)
    assert module(edge=away(p)).dtype == dtype
    with pytest.raises(nsdl.DataError, match="E0510"):
        module(edge=away(p * 3))


def test_facts_of_each_sample(away):
    module = nsdl.Module("type edge(i32, i32)\n" + REACH, {"edge": None}, "path")
    facts, offsets = [(0, 1), (1, 2), (0, 1), (0, 2), (2, 3)], [0, 2, 5]
    here = torch.tensor([0.9, 0.8, 0.3, 0.7, 0.5]).requires_grad_()
    there = away(here)
    expected, found = (module(edge=nsdl.Ragged(facts, p, offsets)) for p in (here, there))
    assert found.probabilities.device == there.device and away.copies() == 1
    torch.testing.assert_close(found.probabilities.cpu(), expected.probabilities, rtol=0, atol=0)
    (wanted,) = torch.autograd.grad(expected.probabilities.square().sum(), here)
    (slope,) = torch.autograd.grad(found.probabilities.square().sum(), there)
    torch.testing.assert_close(slope.cpu(), wanted, rtol=0, atol=1e-7)
    assert "on a GPU: copied to the host" in module.explain(edge=[[(0.5, (0, 1))]])


def test_circuits_of_files(away, tmp_path):
    (tmp_path / "either.sdd").write_text("sdd 6\nL 0 0 1\nT 1\nL 2 0 -1\nL 3 2 2\nF 4\nD 5 1 2 0 1 2 3\n")
    circuit = nsdl.Circuit.from_sdd(tmp_path / "either.sdd")
    yes, no = rows(3, 2).log().requires_grad_(), rows(3, 2, 1).log()
    there = away(yes), away(no)
    expected, found = circuit(yes, no), circuit(*there)
    assert found.device.type == "elsewhere" and away.copies() == 1
    torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=0)
    slopes = [torch.autograd.grad(counts.sum(), x)[0] for counts, x in ((expected, yes), (found, there[0]))]
    torch.testing.assert_close(slopes[1].cpu(), slopes[0], rtol=0, atol=0)
    with pytest.raises(nsdl.UsageError, match="E0827"):
        circuit(yes, there[1])


@pytest.mark.parametrize("provenance", ["exact", "topkproofs"])
def test_what_is_learned_may_stay_on_the_host(away, provenance):
    module = nsdl.Module(
        "rel ?0.3::noisy(0)\nrel r(a) = d(a), noisy(0)", {"d": range(2)}, {"r": range(2)}, provenance=provenance
    )
    p, slopes = rows(3, 2, dtype=torch.float32), []
    for x in (p, away(p)):
        module.zero_grad()
        result = module(d=x)
        torch.testing.assert_close(result.cpu(), p * 0.3)
        result.square().sum().backward()
        slopes += [parameter.grad for parameter in module.parameters()]
    assert slopes[0].device == slopes[1].device == HOST
    torch.testing.assert_close(slopes[1], slopes[0])
