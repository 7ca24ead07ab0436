"""What Scallop's Python interface computes wrongly or cannot do (scallop.md §4.9, §7): the right numbers.

Faults that a program alone shows are programs of tests/corpus/scallop_faults/.
"""

import math

import pytest

torch = pytest.importorskip("torch")

import nsdl  # noqa: E402

COUNT = "rel n(k) = k := count(x: p(x))"
EITHER = "rel r(0) = d(0)  rel r(1) = d(1) or d(2)"
# Of k of six independent facts of probability 0.3.
PROBABILITIES = [math.comb(6, k) * 0.3**k * 0.7 ** (6 - k) for k in range(7)]


def row(*values, dtype=torch.float64):
    return torch.tensor([values], dtype=dtype, requires_grad=True)


def test_batches_are_computed_side_by_side(sum_2):
    """A panic for every batch of two or more."""
    p = torch.rand(64, 10, generator=torch.Generator().manual_seed(0)).softmax(1)
    q = torch.rand(64, 10, generator=torch.Generator().manual_seed(1)).softmax(1)
    module = sum_2()
    together = module(digit_1=p, digit_2=q)
    one_by_one = [module(digit_1=p[i : i + 1], digit_2=q[i : i + 1]) for i in range(64)]
    torch.testing.assert_close(together, torch.cat(one_by_one))
    torch.testing.assert_close(together.sum(1), torch.ones(64))


def test_the_count_of_independent_facts_is_exact():
    """0.151 for the second of seven numbers whose sum is 0.379."""
    module = nsdl.Module(COUNT, inputs={"p": nsdl.independent(range(6))}, output={"n": range(7)})
    p = row(*[0.3] * 6)
    counts = module(p=p)
    torch.testing.assert_close(counts[0], torch.tensor(PROBABILITIES, dtype=torch.float64), rtol=0, atol=1e-12)
    assert counts[0, 1].item() == pytest.approx(0.302526, abs=1e-6)
    assert torch.autograd.gradcheck(lambda p: module(p=p), p)


@pytest.mark.parametrize("provenance", ["exact", "difftopkproofs", "diffaddmultprob"])
def test_exclusive_inputs_exclude_each_other(provenance):
    """0.58 for the second, or 0.678 and 0.874 for both with `wmc_with_disjunctions`."""
    module = nsdl.Module(EITHER, inputs={"d": range(3)}, output={"r": range(2)}, provenance=provenance)
    result = module(d=row(0.3, 0.3, 0.4))
    torch.testing.assert_close(result.detach(), torch.tensor([[0.3, 0.7]], dtype=torch.float64))


def test_a_sum_with_two_exclusive_ways():
    """0.8119 for 0.82."""
    program = "rel sum_2(a + b) = digit_a(a), digit_b(b)"
    module = nsdl.Module(program, inputs={"digit_a": [1, 2], "digit_b": [1, 2]}, output={"sum_2": [2, 3, 4]})
    result = module(digit_a=row(0.1, 0.9), digit_b=row(0.9, 0.1))
    torch.testing.assert_close(result.detach(), torch.tensor([[0.09, 0.82, 0.09]], dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_results_have_the_type_of_the_inputs(sum_2, dtype):
    """Always float32."""
    p = torch.full((2, 10), 0.1, dtype=dtype)
    assert sum_2()(digit_1=p, digit_2=p).dtype == dtype


def test_results_can_be_differentiated_twice():
    """A constant gradient: no second derivative."""
    module = nsdl.Module("rel r() = p(_)", inputs={"p": nsdl.independent(range(2))}, output={"r": [()]})
    p = row(0.3, 0.6)
    (gradient,) = torch.autograd.grad(module(p=p).sum(), p, create_graph=True)
    torch.testing.assert_close(gradient.detach(), row(0.4, 0.7).detach())
    (second,) = torch.autograd.grad(gradient[0, 0], p)
    torch.testing.assert_close(second, row(0.0, -1.0).detach())


def test_facts_of_the_program_stand_beside_tensors():
    """A TypeError where such a fact is given from outside."""
    module = nsdl.Module("rel aw = {0.8::0}  rel r(x) = aw(x), d(x)", inputs={"d": range(2)}, output={"r": range(2)})
    d = row(0.5, 0.5)
    result = module(d=d)
    torch.testing.assert_close(result.detach(), row(0.4, 0.0).detach())
    torch.testing.assert_close(torch.autograd.grad(result.sum(), d)[0], row(0.8, 0.0).detach())


def test_normalize_normalizes():
    """0.2 and 0.2 under `difftopkproofs`."""
    program = "rel w = {0.2::1, 0.2::2}  rel n = normalize(x: w(x))"
    ctx = nsdl.Context(provenance="difftopkproofs")
    ctx.add_program(program)
    ctx.run()
    assert ctx.relation("n") == [(0.5, (1,)), (0.5, (2,))]
    # A circuit is made before the weights are known: a module says so.
    with pytest.raises(nsdl.NsdlError) as caught:
        nsdl.Module("rel n = normalize(x: d(x))", inputs={"d": range(2)}, output="n")
    assert caught.value.code == "E0850"


def test_what_goes_wrong_is_an_exception():
    """PanicException for `x / 0`: no `except Exception` catches it."""
    ctx = nsdl.Context()
    ctx.add_program("rel n = {0, 2}  rel q(10 / x) = n(x)  query q")
    with pytest.warns(nsdl.NsdlWarning, match="W0601"):
        ctx.run()
    assert ctx.relation("q") == [(5,)]
    for error in (nsdl.ProgramError, nsdl.DataError, nsdl.UsageError):
        assert issubclass(error, Exception)
    with pytest.raises(nsdl.NsdlError, match="E0501"):
        nsdl.Context().add_program("rel n(1 / 0)")


def test_odd_shapes(sum_2):
    """A shape error without help for one sample, and an IndexError for none."""
    p = torch.full((10,), 0.1)
    with pytest.raises(nsdl.UsageError, match="unsqueeze"):
        sum_2()(digit_1=p, digit_2=p)
    empty = torch.zeros(0, 10)
    assert sum_2()(digit_1=empty, digit_2=empty).shape == (0, 19)


def test_calls_are_made_once():
    """Six for two rules and three facts (§4.4)."""
    calls = []

    @nsdl.foreign_function
    def triple(x: int) -> int:
        calls.append(x)
        return 3 * x

    ctx = nsdl.Context()
    ctx.register(triple)
    ctx.add_program("rel p = {1, 2, 3}  rel q($triple(x)) = p(x)  rel r($triple(x)) = p(x)  query q  query r")
    ctx.run()
    assert ctx.relation("r") == [(3,), (6,), (9,)]
    assert sorted(calls) == [1, 2, 3]


def test_a_provenance_needs_no_saturated():
    """An AttributeError at the first tuple that is derived twice (§4.5, §7.2)."""

    class Cheapest(nsdl.Provenance):
        def zero(self):
            return math.inf

        def one(self):
            return 0.0

        def add(self, a, b):
            return min(a, b)

        def mult(self, a, b):
            return a + b

    ctx = nsdl.Context(provenance=Cheapest())
    ctx.add_facts("edge", [(0, 1), (1, 2), (0, 2), (2, 0)], probs=[1.0, 1.0, 3.0, 1.0])
    ctx.add_program("rel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))  query path(0, _)")
    ctx.run()
    assert ctx.relation("path(0, _)") == [(3.0, (0, 0)), (1.0, (0, 1)), (2.0, (0, 2))]
