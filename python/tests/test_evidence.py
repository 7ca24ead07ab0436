"""Conditioning: contexts, modules, gradients, and the programs of ``tests/corpus/evidence`` beside ProbLog."""

import copy
import pickle

import pytest
import torch

import nsdl

WET = """
rel 0.3::rain()
rel 0.2::sprinkler()
rel 0.9::wet() = rain()
rel 0.5::wet() = sprinkler()
"""
SUM = "rel sum(a + b) = first(a), second(b)"


def test_a_context_takes_evidence():
    context = nsdl.Context()
    context.add_program(WET)
    context.add_program("query rain | wet()")
    context.run()
    wet = 1 - 0.73 * 0.9
    assert context.relation("rain | wet()") == [(pytest.approx(0.3 * 0.91 / wet), ())]
    assert context.relation("rain|wet( ), not sprinkler()") == [(pytest.approx(1.0), ())]
    context.add_evidence("wet()")
    context.add_evidence("sprinkler()", holds=False)
    context.run()
    assert context.relation("rain") == [(pytest.approx(1.0), ())]
    assert context.why("rain", (), k=1)[0].probability == pytest.approx(1.0)
    context.clear_evidence()
    context.run()
    assert context.relation("rain") == [(0.3, ())]
    with pytest.raises(nsdl.NsdlError) as caught:
        context.add_evidence("wett()")
    assert caught.value.code == "E0201"


@pytest.mark.filterwarnings("ignore:.*W060[23]")
@pytest.mark.parametrize("provenance", ["exact", "topkproofs", "topbottomkclauses"])
def test_second_derivatives_given_evidence_on_a_cycle(provenance):
    module = nsdl.Module(
        "rel path(x, y) = edge(x, y) or (path(x, z) and edge(z, y))\nrel ?0.4::seen(y) = path(0, y)",
        inputs={"edge": nsdl.independent([(0, 1), (1, 2), (2, 0), (0, 2)])},
        output={"path(0, 2) | path(0, 1)": None, "path(0, 1) | seen(2)": None, "seen": [0, 2]},
        provenance=provenance,
        validate=False,
    )
    p = 0.1 + 0.3 * torch.rand(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    (name, parameter), *_ = module.named_parameters()
    parameter = parameter.detach().double().requires_grad_()

    def run(p, parameter):
        return tuple(torch.func.functional_call(module, {name: parameter}, (), {"edge": p}).values())

    assert torch.autograd.gradcheck(run, (p.requires_grad_(), parameter))
    assert torch.autograd.gradgradcheck(run, (p, parameter))


def test_second_derivatives_where_evidence_is_impossible():
    module = nsdl.Module("rel r() = a(0), a(1)", {"a": nsdl.independent(range(2))}, "r | a(0)", validate=False)
    p = torch.tensor([[0.0, 0.5], [0.25, 0.5]], dtype=torch.float64, requires_grad=True)
    with pytest.warns(nsdl.NsdlWarning, match="W0550"):
        (first,) = torch.autograd.grad(module(a=p)[1].sum(), p, create_graph=True)
    assert first.tolist() == [[0, 0], [0, 1]]
    (second,) = torch.autograd.grad(first.sum(), p)
    assert second.tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("backend", ["kernels", "torch"])
def test_modules_condition_and_differentiate(backend):
    module = nsdl.Module(
        SUM,
        inputs={"first": range(3), "second": range(3)},
        output={"first | sum(2)": range(4), "first(x) | sum(x)": None, "sum": None},
        backend=backend,
    )
    logits = torch.randn(5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)

    def run(logits):
        first, second = logits[:, :3].softmax(1), logits[:, 3:].softmax(1)
        return tuple(module(first=first, second=second).values())

    first, second = logits[:, :3].softmax(1), logits[:, 3:].softmax(1)
    joint = first * second.flip(1)
    expected = torch.cat([joint / joint.sum(1, keepdim=True), torch.zeros(5, 1)], 1)
    torch.testing.assert_close(run(logits)[0], expected)
    assert torch.autograd.gradcheck(run, logits)
    assert torch.autograd.gradgradcheck(run, logits)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        torch.testing.assert_close(other(first=first, second=second)["first | sum(2)"], expected)


@pytest.mark.parametrize("backend", ["kernels", "torch"])
def test_evidence_about_inputs_is_part_of_a_module(backend):
    module = nsdl.Module(
        SUM,
        inputs={"first": range(3), "second": range(3)},
        output="first",
        evidence={"sum(2)": True, "second(0)": False},
        backend=backend,
    )
    first = torch.tensor([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.1, 0.1, 0.8]], requires_grad=True)
    second = torch.tensor([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    with pytest.warns(nsdl.NsdlWarning, match="W0550.* in 1 samples"):
        found = module(first=first, second=second)
    torch.testing.assert_close(found[0], torch.tensor([0.04, 0.09, 0.0]) / 0.13)
    assert found[1].isnan().all()
    found.nansum().backward()
    assert first.grad.isfinite().all() and (first.grad[1] == 0).all()


def test_provenances_without_a_quotient_refuse():
    with pytest.raises(nsdl.NsdlError) as caught:
        nsdl.Module(SUM, {"first": range(3), "second": range(3)}, "first | sum(2)", provenance="addmultprob")
    assert caught.value.code == "E0551"


# Programs for both: nsdl's, its queries, ProbLog's, and its queries for the same tuples.
BOTH = {
    "alarm": (
        """
        rel 0.1::burglary()
        rel 0.2::earthquake()
        rel 0.9::alarm() = burglary(), earthquake()
        rel 0.8::alarm() = burglary(), not earthquake()
        rel 0.1::alarm() = not burglary(), earthquake()
        rel person = {"john", "mary"}
        rel 0.8::calls(x) = alarm(), person(x)
        rel 0.1::calls(x) = not alarm(), person(x)
        """,
        """
        0.1::burglary. 0.2::earthquake.
        0.9::alarm :- burglary, earthquake.
        0.8::alarm :- burglary, \\+earthquake.
        0.1::alarm :- \\+burglary, earthquake.
        person(john). person(mary).
        0.8::calls(X) :- person(X), alarm.
        0.1::calls(X) :- person(X), \\+alarm.
        both :- calls(john), calls(mary).
        some :- calls(john). some :- calls(mary).
        """,
        [
            ('burglary | calls("john")', "evidence(calls(john)). query(burglary)."),
            ('burglary | calls("john") and calls("mary")', "evidence(both). query(burglary)."),
            ('burglary | calls("john") or calls("mary")', "evidence(some). query(burglary)."),
            ('burglary | calls("john"), earthquake()', "evidence(calls(john)). evidence(earthquake). query(burglary)."),
            ('calls("mary") | not calls("john")', "evidence(calls(john), false). query(calls(mary))."),
        ],
    ),
    "monty_hall": (
        """
        rel prize = {1; 2; 3}
        rel 0.5::coin()
        rel open(2) = prize(1), coin()
        rel open(3) = prize(1), not coin()
        rel open(2) = prize(3)
        rel open(3) = prize(2)
        """,
        """
        1/3::prize(1); 1/3::prize(2); 1/3::prize(3).
        0.5::coin.
        open(2) :- prize(1), coin.
        open(3) :- prize(1), \\+coin.
        open(2) :- prize(3).
        open(3) :- prize(2).
        """,
        [("prize(2) | open(3)", "evidence(open(3)). query(prize(2)).")],
    ),
    "network": (
        """
        rel edge = {0.9::(0, 1), 0.8::(0, 2), 0.5::(1, 3), 0.5::(2, 3), 0.3::(3, 0)}
        rel path(a, b) = edge(a, b) or path(a, c) and edge(c, b)
        """,
        """
        0.9::edge(0,1). 0.8::edge(0,2). 0.5::edge(1,3). 0.5::edge(2,3). 0.3::edge(3,0).
        path(A,B) :- edge(A,B).
        path(A,B) :- path(A,C), edge(C,B).
        """,
        [
            ("edge(0, 2) | path(0, 3)", "evidence(path(0,3)). query(edge(0,2))."),
            ("edge(0, 1) | not path(0, 3)", "evidence(path(0,3), false). query(edge(0,1))."),
            (
                "path(1, 2) | path(0, 3), not edge(2, 3)",
                "evidence(path(0,3)). evidence(edge(2,3), false). query(path(1,2)).",
            ),
        ],
    ),
    "colors": (
        """
        rel color = {0.5::"red"; 0.2::"blue"; 0.3::"green"}
        rel 0.4::dark()
        """,
        """
        0.5::color(red); 0.2::color(blue); 0.3::color(green).
        0.4::dark.
        e :- color(red). e :- dark.
        """,
        [
            ('color("blue") | color("red") or dark()', "evidence(e). query(color(blue))."),
            ('color("green") | not color("red")', "evidence(color(red), false). query(color(green))."),
        ],
    ),
    "smokers": (
        """
        rel person = {"ann", "bob", "cyd"}
        rel friend = {("ann", "bob"), ("bob", "ann"), ("bob", "cyd"), ("cyd", "bob")}
        rel 0.3::stress(x) = person(x)
        rel 0.2::influences(x, y) = friend(x, y)
        rel smokes(x) = stress(x)
        rel smokes(x) = smokes(y), influences(y, x)
        rel 0.4::asthma(x) = smokes(x)
        """,
        """
        person(ann). person(bob). person(cyd).
        friend(ann,bob). friend(bob,ann). friend(bob,cyd). friend(cyd,bob).
        0.3::stress(X) :- person(X).
        0.2::influences(X,Y) :- friend(X,Y).
        smokes(X) :- stress(X).
        smokes(X) :- smokes(Y), influences(Y,X).
        0.4::asthma(X) :- smokes(X).
        """,
        [
            ('smokes("cyd") | smokes("ann")', "evidence(smokes(ann)). query(smokes(cyd))."),
            (
                'stress("bob") | asthma("ann"), not stress("ann")',
                "evidence(asthma(ann)). evidence(stress(ann), false). query(stress(bob)).",
            ),
        ],
    ),
}


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning")
def test_beside_problog(name):
    pytest.importorskip("problog")
    from problog import get_evaluatable
    from problog.program import PrologString

    ours, theirs, queries = BOTH[name]
    context = nsdl.Context()
    context.add_program(ours)
    context.run()
    for query, theirs_too in queries:
        [expected] = get_evaluatable().create_from(PrologString(theirs + theirs_too)).evaluate().values()
        [(found, _)] = context.relation(query)
        assert found == pytest.approx(expected, abs=1e-12), query
