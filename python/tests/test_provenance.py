"""Provenances by name, and algebras written in Python."""

import math

import pytest

import nsdl

PATH = "rel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))"


def run(provenance, program, **facts):
    ctx = nsdl.Context(provenance=provenance)
    for relation, pairs in facts.items():
        ctx.add_facts(relation, [row for _, row in pairs], probs=[tag for tag, _ in pairs])
    ctx.add_program(program)
    ctx.run()
    return ctx


def test_counts_and_costs():
    edges = [(2, (0, 1)), (3, (1, 2)), (7, (0, 2))]
    ctx = run("natural", PATH, edge=edges)
    assert ctx.relation("path") == [(2, (0, 1)), (13, (0, 2)), (3, (1, 2))]
    assert all(isinstance(tag, int) for tag, _ in ctx.relation("path"))
    assert run("tropical", PATH, edge=edges).relation("path") == [(2, (0, 1)), (5, (0, 2)), (3, (1, 2))]
    costs = [(0.5, (0, 1)), (0.25, (1, 2)), (1.5, (0, 2))]
    assert run("realtropical", PATH, edge=costs).relation("path") == [(0.5, (0, 1)), (0.75, (0, 2)), (0.25, (1, 2))]
    loop = run("natural", PATH, edge=[(1, (0, 1)), (1, (1, 0))])
    assert loop.relation("path")[0] == (math.inf, (0, 0))


def test_proofs_are_lists_of_literals():
    program = "rel far(a, b) = path(a, b) and not edge(a, b)\n" + PATH
    ctx = run("proofs", program, edge=[(0.5, (0, 1)), (0.5, (1, 2)), (0.9, (0, 2))])
    assert ctx.relation("far") == [([["edge(0, 1)", "edge(1, 2)", "not edge(0, 2)"]], (0, 2))]
    why = nsdl.Context(provenance="why")
    why.add_program("rel edge = {(0, 1), (1, 2)}\n" + PATH)
    why.run()
    assert why.relation("path")[1] == ([["edge(0, 1)", "edge(1, 2)"]], (0, 2))


def test_tags_must_be_numbers_of_the_algebra():
    ctx = nsdl.Context(provenance="natural")
    with pytest.raises(nsdl.DataError) as caught:
        ctx.add_facts("edge", [(0, 1)], probs=[0.5])
    assert caught.value.code == "E0540"
    with pytest.raises(nsdl.DataError) as caught:
        nsdl.Context().add_facts("edge", [(0, 1)], probs=[3])
    assert caught.value.code == "E0510"


class Cheapest(nsdl.Provenance):
    def zero(self):
        return math.inf

    def one(self):
        return 0.0

    def add(self, a, b):
        return min(a, b)

    def mult(self, a, b):
        return a + b

    def weight(self, tag):
        return math.exp(-tag)


def test_a_class_without_a_complement():
    ctx = nsdl.Context(provenance=Cheapest())
    ctx.add_facts("edge", [(0, 1), (1, 2), (2, 0)], probs=[2.5, 4.0, 1.0])
    ctx.add_program(
        "rel 10::edge(0, 2)\n" + PATH + "\nrel none(a) = path(a, _) and not path(a, a)\nquery path\nquery none"
    )
    ctx.run()
    assert ctx.relation("path")[:3] == [(7.5, (0, 0)), (2.5, (0, 1)), (6.5, (0, 2))]
    assert ctx.relation("none") == []
    assert ctx.relation("edge")[1] == (10.0, (0, 2))


def test_what_top_chooses_by_is_the_weight():
    ctx = nsdl.Context(provenance=Cheapest())
    ctx.add_facts("town", ["a", "b", "c"], probs=[3.0, 1.0, 2.0])
    ctx.add_program("rel near(x) = x := top<2>(x: town(x))")
    ctx.run()
    assert ctx.relation("near") == [(1.0, ("b",)), (2.0, ("c",))]


class Texts(Cheapest):
    """Tags need not be numbers."""

    def zero(self):
        return None

    def one(self):
        return ""

    def add(self, a, b):
        return b if a is None else a if b is None else min(a, b)

    def mult(self, a, b):
        return None if a is None or b is None else a + b

    def recover(self, tag):
        return tag.upper()


def test_tags_of_any_kind():
    ctx = nsdl.Context(provenance=Texts())
    ctx.add_facts("letter", [(1,), (2,)], probs=["x", "y"])
    ctx.add_facts("letter", [("z", (3,))])
    ctx.add_program("rel word(a, b) = letter(a) and letter(b) and a < b")
    ctx.run()
    assert ctx.relation("word") == [("XY", (1, 2)), ("XZ", (1, 3)), ("YZ", (2, 3))]


class Broken(Cheapest):
    def mult(self, a, b):
        return a + b + {}


def test_an_exception_is_the_cause_and_the_session_goes_on():
    ctx = nsdl.Context(provenance=Broken())
    ctx.add_facts("edge", [(0, 1), (1, 2)], probs=[1.0, 2.0])
    ctx.add_program(PATH)
    with pytest.raises(nsdl.UsageError, match="`mult`") as caught:
        ctx.run()
    assert caught.value.code == "E0840"
    assert isinstance(caught.value.__cause__, TypeError)
    Broken.mult = Cheapest.mult
    ctx.run()
    assert ctx.relation("path") == [(1.0, (0, 1)), (3.0, (0, 2)), (2.0, (1, 2))]


def test_what_is_missing_is_said():
    class Half(nsdl.Provenance):
        def zero(self):
            return 0

    ctx = nsdl.Context(provenance=Half())
    ctx.add_program("rel a(1)\nrel b(x) = a(x)")
    with pytest.raises(nsdl.UsageError, match="needs `one`"):
        ctx.run()


def test_answers_of_ones_own_are_relations_only(tmp_path):
    ctx = nsdl.Context(provenance=Cheapest())
    ctx.add_facts("edge", [(0, 1)], probs=[1.0])
    ctx.add_program(PATH)
    ctx.run()
    for call in (lambda: ctx.write("path", tmp_path / "path.csv"), lambda: ctx.why("path", (0, 1))):
        with pytest.raises(nsdl.UsageError) as caught:
            call()
        assert caught.value.code == "E0841"


def test_a_provenance_cannot_use_its_context():
    class Inner(Cheapest):
        def mult(self, a, b):
            ctx.run()

    ctx = nsdl.Context(provenance=Inner())
    ctx.add_facts("edge", [(0, 1), (1, 2)], probs=[1.0, 2.0])
    ctx.add_program(PATH)
    with pytest.raises(nsdl.UsageError) as caught:
        ctx.run()
    assert caught.value.__cause__.code == "E0862"


def test_tensors_as_tags_have_the_gradients_of_addmultprob():
    torch = pytest.importorskip("torch")

    class AddMult(nsdl.Provenance):
        def zero(self):
            return torch.zeros((), dtype=torch.float64)

        def one(self):
            return torch.ones((), dtype=torch.float64)

        def add(self, a, b):
            return torch.clamp(a + b, max=1.0)

        def mult(self, a, b):
            return a * b

        def negate(self, a):
            return 1 - a

        def saturated(self, old, new):
            return bool((old - new).abs() < 1e-12)

    program = PATH + "\nrel stuck(a) = node(a) and not path(a, 2)\nrel node = {0, 1, 3}"
    rows = [(0, 1), (1, 2), (2, 1), (0, 2), (3, 0)]
    weights = torch.tensor([0.3, 0.4, 0.5, 0.2, 0.6], dtype=torch.float64)

    mine = weights.clone().requires_grad_()
    ctx = nsdl.Context(provenance=AddMult())
    ctx.add_facts("edge", rows, probs=mine)
    ctx.add_program(program)
    ctx.run()
    ours = weights.clone().requires_grad_()
    for relation in ("path", "stuck"):
        found = ctx.relation(relation)
        module = nsdl.Module(
            program,
            inputs={"edge": nsdl.independent(rows)},
            output={relation: [row for _, row in found]},
            provenance="addmultprob",
        )
        wanted = module(edge=ours.unsqueeze(0))[0]
        for (tag, row), value in zip(found, wanted, strict=True):
            assert tag.item() == pytest.approx(value.item(), abs=1e-9), (relation, row)
            (found_gradient,) = torch.autograd.grad(tag, mine, retain_graph=True)
            (wanted_gradient,) = torch.autograd.grad(value, ours, retain_graph=True)
            assert torch.allclose(found_gradient, wanted_gradient, atol=1e-6), (relation, row)


@pytest.mark.parametrize(
    "provenance", ["nandmultprob", "maxmultprob", "viterbi", "nandminprob", "godel", "product", "lukasiewicz"]
)
def test_modules_differentiate_under_every_algebra_of_numbers(provenance):
    torch = pytest.importorskip("torch")
    rows = [(0, 1), (1, 2), (0, 2), (2, 3)]
    # Without a cycle: kernels and torch operations; with one: the kernels.
    for program, backends in (
        ("rel two(a, c) = edge(a, b) and edge(b, c) and not edge(a, c) or edge(a, c) and edge(c, 3)", 2),
        (PATH + "\nrel edge(b, a) = edge(a, b)\nrel two(a, b) = path(a, b)", 1),
    ):
        weights = torch.tensor([[0.3, 0.9, 0.65, 0.8], [0.55, 0.7, 0.2, 0.95]], dtype=torch.float64, requires_grad=True)
        results = []
        for backend in ("kernels", "torch")[:backends]:
            module = nsdl.Module(
                program,
                inputs={"edge": nsdl.independent(rows)},
                output="two",
                provenance=provenance,
                backend=backend,
            )
            # An iteration to 1e-12 and differences of 1e-6 leave six digits.
            assert torch.autograd.gradcheck(lambda x, m=module: m(edge=x), (weights,), atol=1e-5)
            results.append(module(edge=weights))
        assert torch.allclose(results[0], results[-1], atol=1e-12)


def test_a_module_names_its_provenance():
    pytest.importorskip("torch")
    for provenance in (Cheapest(), "natural", "proofs"):
        with pytest.raises(nsdl.UsageError) as caught:
            nsdl.Module(PATH, inputs={"edge": [(0, 1)]}, output="path", provenance=provenance)
        assert caught.value.code == "E0815"
