"""Circuits of other compilers: PySDD's counts and derivatives, gradients, shapes, errors."""

import copy
import itertools
import pickle
import random
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import nsdl  # noqa: E402

EITHER = "sdd 6\nL 0 0 1\nT 1\nL 2 0 -1\nL 3 2 2\nF 4\nD 5 1 2 0 1 2 3\n"
BOTH = "nnf 3 2 2\nL 1\nL 2\nA 2 0 1\n"


@pytest.fixture
def files(tmp_path):
    """Writes a text to a file and returns its path."""

    def write(name, text):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_probabilities_of_a_diagram(files):
    circuit = nsdl.Circuit.from_sdd(files("either.sdd", EITHER))
    p = torch.tensor([[0.5, 0.5], [0.1, 0.2]], dtype=torch.float64)
    torch.testing.assert_close(circuit(p.log()).exp(), torch.tensor([0.75, 0.28], dtype=torch.float64))
    real = nsdl.Circuit.from_sdd(str(files("either.sdd", EITHER)), semiring="real")
    torch.testing.assert_close(real(p), torch.tensor([0.75, 0.28], dtype=torch.float64))
    assert (circuit.variables, circuit(p[0].log()).shape) == (2, ())
    assert "variables=2, semiring='log', nodes=" in repr(circuit)


def test_several_formulas_are_several_outputs(files):
    paths = [files("a.nnf", BOTH), files("b.nnf", "nnf 1 0 2\nL -2\n")]
    circuit = nsdl.Circuit.from_nnf(paths, variables=3, semiring="real")
    yes, no = torch.tensor([[[2.0, 3.0, 1.0]], [[5.0, 7.0, 1.0]]], dtype=torch.float64)
    # The third variable is free: its weights count together.
    torch.testing.assert_close(circuit(yes, no), torch.tensor([[2.0 * 3 * 2, (2 + 5) * 7 * 2]], dtype=torch.float64))
    assert circuit(yes[0], no[0]).shape == (2,)
    assert circuit(torch.rand(0, 3)).shape == (0, 2)


@pytest.mark.parametrize("semiring", ["log", "real"])
@pytest.mark.parametrize("both", [False, True])
def test_gradients(files, semiring, both):
    paths = [files("either.sdd", EITHER), files("not.sdd", "sdd 1\nL 0 2 -2\n")]
    circuit = nsdl.Circuit.from_sdd(paths, semiring=semiring)
    weights = torch.rand(1 + both, 3, 2, dtype=torch.float64) * 0.8 + 0.1
    weights = weights.log() if semiring == "log" else weights
    assert torch.autograd.gradcheck(circuit, [w.clone().requires_grad_() for w in weights])


def test_gradients_far_below_what_numbers_hold(files):
    circuit = nsdl.Circuit.from_nnf(files("both.nnf", BOTH))
    for dtype in (torch.float32, torch.float64):
        logits = torch.tensor([[-1000.0, -500.0], [0.5, 1.0]], dtype=dtype, requires_grad=True)
        sigmoid = torch.nn.functional.logsigmoid
        counts = circuit(sigmoid(logits), sigmoid(-logits))
        torch.testing.assert_close(counts, sigmoid(logits).sum(1))
        (slope,) = torch.autograd.grad(counts.sum(), logits)
        torch.testing.assert_close(slope, torch.sigmoid(-logits))


def test_counts_are_those_of_pysdd(tmp_path):
    sdd = pytest.importorskip("pysdd.sdd")
    draw = random.Random(0)
    for n in (4, 8, 12):
        manager = sdd.SddManager(n)
        formula = manager.true()
        for _ in range(n // 2):
            literals = [draw.choice((-1, 1)) * v for v in draw.sample(range(1, n + 1), 3)]
            clause = manager.false()
            for literal in literals:
                clause |= manager.literal(literal)
            formula &= clause
        formula.save(bytes(tmp_path / "f.sdd"))
        manager.vtree().save(bytes(tmp_path / "f.vtree"))
        circuit = nsdl.Circuit.from_sdd(tmp_path / "f.sdd", vtree=tmp_path / "f.vtree")
        assert circuit.variables == n
        yes, no = torch.randn(2, n, dtype=torch.float64).mul(2).unbind()
        yes.requires_grad_(), no.requires_grad_()
        count = formula.wmc(log_mode=True)
        for v in range(n):
            count.set_literal_weight(manager.literal(v + 1), yes[v].item())
            count.set_literal_weight(manager.literal(-v - 1), no[v].item())
        total = count.propagate()
        found = circuit(yes, no)
        assert found.item() == pytest.approx(total, abs=1e-12)
        found.backward()
        for v in range(n):
            share = [count.literal_pr(manager.literal(literal)) for literal in (v + 1, -v - 1)]
            wanted = [torch.tensor(x, dtype=torch.float64).exp().item() for x in share]
            assert [yes.grad[v].item(), no.grad[v].item()] == pytest.approx(wanted, abs=1e-12)


def test_dtypes_copies_and_pickles(files):
    circuit = nsdl.Circuit.from_nnf(files("both.nnf", BOTH))
    p = torch.tensor([[0.5, 0.25]]).log()
    wanted = torch.tensor([0.125]).log()
    for other in (circuit, copy.deepcopy(circuit), pickle.loads(pickle.dumps(circuit))):
        torch.testing.assert_close(other(p), wanted)
    assert circuit(p.half()).dtype == torch.float16
    assert circuit.state_dict() == {}


def test_what_does_not_fit_is_refused(files):
    circuit = nsdl.Circuit.from_nnf(files("both.nnf", BOTH))
    ok = torch.zeros(1, 2)
    for code, call in {
        "E0701": lambda: nsdl.Circuit.from_nnf("nowhere.nnf"),
        "E0810": lambda: nsdl.Circuit.from_nnf([], semiring="mpe"),
        "E0824": lambda: circuit([[0.5, 0.5]]),
        "E0825": lambda: circuit(torch.zeros(1, 3)),
        "E0826": lambda: circuit(torch.zeros(1, 2, dtype=torch.int64)),
        "E0880": lambda: nsdl.Circuit.from_sdd(files("both.sdd", BOTH)),
        "E0881": lambda: nsdl.Circuit.from_nnf(files("none.nnf", BOTH.replace("L 2", "L -1"))),
        "E0882": lambda: circuit(ok + 1),
    }.items():
        with pytest.raises(nsdl.NsdlError) as caught:
            call()
        assert caught.value.code == code
    with pytest.raises(nsdl.UsageError, match=r"both\.sdd:1: `sdd` is expected instead of `nnf`"):
        nsdl.Circuit.from_sdd(files("both.sdd", BOTH))
    (slope,) = torch.autograd.grad(circuit(x := ok.clone().requires_grad_()), x)
    assert slope.tolist() == [[1, 1]]
    with pytest.raises(nsdl.UsageError, match="E0828"):
        torch.autograd.grad(circuit(x), x, create_graph=True)
    tape = circuit(x)
    with torch.no_grad():
        x.add_(-1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        tape.backward()


def test_the_constraint_of_the_example():
    path = Path(__file__).parents[2] / "examples" / "one_of_six.sdd"
    circuit = nsdl.Circuit.from_sdd(path, semiring="real")
    for world in itertools.product([0.0, 1.0], repeat=6):
        assert circuit(torch.tensor(world)).item() == (sum(world) == 1)
