"""Bounds, worlds, samples, Jacobians, second derivatives and log space."""

import math
import warnings

import pytest
import torch

import nsdl
from nsdl import Context, Module

PATHS = """rel edge = {0.9::(0, 1), 0.8::(1, 2), 0.3::(0, 2)}
rel path(a, b) = edge(a, b) or (path(a, c) and edge(c, b))"""


def test_auto_has_bounds_beyond_its_budget() -> None:
    ctx = Context()
    ctx.add_program("rel 0.5::edge(a, b) = a in 0..14, b in 0..14")
    ctx.add_program("rel path(a, b) = edge(a, b) or (path(a, c) and edge(c, b))\nquery path(0, 13)")
    with pytest.warns(nsdl.NsdlWarning, match="W0604"):
        ctx.run()
    [((lower, upper), tuple_)] = ctx.bounds("path(0, 13)")
    [(answer, _)] = ctx.relation("path(0, 13)")
    assert tuple_ == (0, 13)
    assert 0 < lower <= answer <= upper <= 1 and lower < upper


def test_exact_answers_are_their_own_bounds() -> None:
    ctx = Context()
    ctx.add_program(PATHS)
    ctx.run()
    assert [low for (low, high), _ in ctx.bounds("path") if low == high] == [p for p, _ in ctx.relation("path")]


def test_the_most_probable_world() -> None:
    ctx = Context()
    ctx.add_program(PATHS)
    world = ctx.most_probable_world("path(0, 2)")
    assert world is not None and math.isclose(world.probability, 0.9 * 0.8 * 0.7)
    assert [(reason.text, reason.negated) for reason in world.reasons] == [
        ("edge(0, 1)", False),
        ("edge(1, 2)", False),
        ("edge(0, 2)", True),
    ]
    assert ctx.most_probable_world("path(2, 0)") is None


def sum_2(**options: object) -> Module:
    return Module(
        "rel sum_2(a + b) = digit_1(a), digit_2(b)",
        inputs={"digit_1": range(3), "digit_2": range(3)},
        output="sum_2",
        validate=False,
        **options,  # type: ignore[arg-type]
    )


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    p, q = (torch.rand(2, 3, dtype=torch.float64).softmax(1).requires_grad_() for _ in range(2))
    return p, q


@pytest.mark.parametrize("provenance", ["auto", "addmultprob", "minmaxprob"])
def test_gradients_can_be_differentiated(provenance: str) -> None:
    module = sum_2(provenance=provenance)
    call = lambda p, q: module(digit_1=p, digit_2=q)  # noqa: E731
    assert torch.autograd.gradcheck(call, digits())
    assert torch.autograd.gradgradcheck(call, digits())


def test_third_derivatives_are_those_of_torch() -> None:
    def third(module: Module) -> torch.Tensor:
        p, q = digits()
        loss = module(digit_1=p, digit_2=q).pow(2).sum()
        (first,) = torch.autograd.grad(loss, p, create_graph=True)
        (second,) = torch.autograd.grad(first.pow(2).sum(), p, create_graph=True)
        return torch.autograd.grad(second.sum(), p)[0]

    torch.testing.assert_close(third(sum_2()), third(sum_2(backend="torch")))


def test_sums_are_convolutions_in_torch_too() -> None:
    rules = "\n".join(f"rel digit({i}, d) = digit_{i}(d)" for i in range(6))
    modules = [
        Module(
            f"{rules}\nrel total(t) = t := sum[i](d: digit(i, d))",
            inputs={f"digit_{i}": range(4) for i in range(6)},
            output={"total": range(19)},
            backend=backend,
        )
        for backend in ("kernels", "torch")
    ]
    inputs = {f"digit_{i}": torch.rand(5, 4, dtype=torch.float64).softmax(1).requires_grad_() for i in range(6)}
    kernels, layers = (module(**inputs) for module in modules)
    torch.testing.assert_close(kernels, layers)
    torch.testing.assert_close(kernels.sum(1), torch.ones(5, dtype=torch.float64))
    for a, b in zip(
        *(torch.autograd.grad(y[:, 7].sum(), list(inputs.values())) for y in (kernels, layers)), strict=True
    ):
        torch.testing.assert_close(a, b)


def test_jacobians() -> None:
    module = sum_2()
    p, q = digits()
    wanted = torch.autograd.functional.jacobian(lambda p: module(digit_1=p, digit_2=q), p)
    wanted = torch.stack([wanted[i, :, i] for i in range(2)])
    torch.testing.assert_close(module.jacobian(digit_1=p, digit_2=q)["digit_1"], wanted)
    sparse = module.jacobian(sparse=True, digit_1=p, digit_2=q)["digit_1"]
    assert sparse.is_sparse and sparse._nnz() == 2 * 9
    torch.testing.assert_close(sparse.to_dense(), wanted)


def test_log_space() -> None:
    names = [f"x{i}" for i in range(60)]
    module = Module(
        "rel all() = " + ", ".join(f"{name}()" for name in names),
        inputs={name: nsdl.independent([()]) for name in names},
        output="all",
        log=True,
    )
    for weight in (1e-3, 0.0, 1.0):
        inputs = {name: torch.full((1, 1), weight, requires_grad=True) for name in names}
        result = module(**inputs)
        result.sum().backward()
        assert torch.isfinite(result).all()
        assert all(torch.isfinite(x.grad).all() for x in inputs.values() if x.grad is not None)
        if weight == 1e-3:
            assert math.isclose(result.item(), 60 * math.log(1e-3), rel_tol=1e-5)
    log = sum_2(log=True)
    assert torch.autograd.gradcheck(lambda p, q: log(digit_1=p, digit_2=q), digits())


@pytest.mark.parametrize("provenance", ["sample", "samplestraight"])
def test_samples_are_near_and_have_gradients(provenance: str) -> None:
    p, q = digits()
    exact = sum_2()(digit_1=p, digit_2=q)
    sampled = sum_2(provenance=provenance, k=20_000)(digit_1=p, digit_2=q)
    assert (exact - sampled).abs().max() < 0.03
    weights = torch.linspace(-1, 1, 5, dtype=torch.float64)
    # What a softmax passes on: differences between the alternatives.
    wanted, found = (torch.autograd.grad((y * weights).sum(), p)[0] for y in (exact, sampled))
    differences = (wanted - wanted.mean(1, keepdim=True)) - (found - found.mean(1, keepdim=True))
    assert differences.abs().max() < 0.1


def test_a_module_says_that_it_dropped_proofs() -> None:
    edges = [(0, 1), (1, 2), (0, 2)]
    p = torch.tensor([[0.9, 0.8, 0.3]], dtype=torch.float64)

    def module(k: int) -> Module:
        rules = PATHS.splitlines()[1]
        return Module(rules, {"edge": nsdl.independent(edges)}, "path(0, 2)", provenance="topkproofs", k=k)

    few = module(1)
    with pytest.warns(nsdl.NsdlWarning, match="W0602") as told:
        for _ in range(3):
            assert math.isclose(few(edge=p).item(), 0.72)
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isclose(module(2)(edge=p).item(), 0.804)


def test_what_a_run_took() -> None:
    ctx = Context(provenance="exact")
    ctx.add_program(PATHS)
    with pytest.raises(nsdl.NsdlError):
        ctx.statistics()
    ctx.run()
    found = ctx.statistics()
    assert found.mode == "traced" and found.tuples >= 6 and found.instances >= 5
    assert any("path" in stratum.relations and stratum.rows >= 3 for stratum in found.strata)
    assert all(stratum.seconds >= 0 for stratum in found.strata)
    assert found.circuit is not None and "exact" in found.circuit
    assert str(found).startswith("evaluation: with a trace of")
    plain = Context(provenance="unit")
    plain.add_program("rel a = {1, 2}")
    plain.run()
    assert plain.statistics().mode == "plain" and plain.statistics().circuit is None
