"""Functions, predicates and aggregates written in Python."""

import copy
import pickle
from typing import TypeVar

import pytest

import nsdl
from nsdl import Exclusive, Facts
from nsdl.foreign import Number, Symbol, u64, usize

T = TypeVar("T", bound=Number)


def run(program, *items, **options):
    """The queried relations of a program that uses these items."""
    ctx = nsdl.Context(**options)
    ctx.register(*items)
    ctx.add_program(program)
    ctx.run()
    return ctx


@nsdl.foreign_function
def double(x: int) -> int:
    """Twice as much."""
    return 2 * x


def test_a_function():
    ctx = run("rel p = {1, 2}  rel q($double(x)) = p(x)", double)
    assert ctx.relation("q") == [(2,), (4,)]
    assert double(4) == 8
    assert double.signature == "$double(i32) -> i32"
    assert double.__doc__ == "Twice as much."


def test_types_come_from_annotations():
    @nsdl.foreign_function
    def show(n: u64, name: Symbol, flag: bool, x: float = 0.5, *rest: str) -> str:
        return f"{n} {name} {flag} {x} {'+'.join(rest)}"

    assert show.signature == "$show(u64, Symbol, bool, f32?, String...) -> String"
    ctx = run('rel q($show(1, s"a", true), $show(2, s"b", false, 1.5, "x", "y"))', show)
    assert ctx.relation("q") == [("1 a True 0.5 ", "2 b False 1.5 x+y")]


def test_a_type_variable():
    @nsdl.foreign_function
    def larger(x: T, y: T) -> T:
        return max(x, y)

    assert larger.signature == "$larger<T: Number>(T, T) -> T"
    ctx = run("rel q($larger(1u8, 2), $larger(1.5f64, 0.5))", larger)
    assert ctx.relation("q") == [(2, 1.5)]


def test_calls_are_made_once_for_the_same_arguments():
    calls = []

    @nsdl.foreign_function
    def seen(x: int) -> int:
        calls.append(x)
        return x

    program = "rel p = {(1, 1), (2, 1), (3, 2)}  rel q(a, $seen(x)) = p(a, x)  rel r($seen(x)) = p(_, x)"
    run(program, seen)
    assert sorted(calls) == [1, 2]


def test_volatile_calls_are_made_anew():
    calls = []

    @nsdl.foreign_function(volatile=True, name="tick")
    def anything(x: int) -> int:
        calls.append(x)
        return len(calls)

    ctx = run("rel p = {7}  rel q($tick(x)) = p(x)  rel r($tick(x)) = p(x)", anything)
    assert ctx.relation("q") + ctx.relation("r") == [(1,), (2,)]


def test_an_exception_drops_the_derivation():
    @nsdl.foreign_function
    def inverse(x: int) -> float:
        return 1 / x

    with pytest.warns(nsdl.NsdlWarning, match=r"(?s)`\$inverse` failed: ZeroDivisionError.*rel q\(") as caught:
        ctx = run("rel p = {0, 2}\nrel q($inverse(x)) = p(x)", inverse)
    assert ctx.relation("q") == [(0.5,)]
    assert len(caught) == 1


def test_a_result_of_another_type_drops_the_derivation():
    @nsdl.foreign_function
    def wrong(x: int) -> int:
        return "text"

    with pytest.warns(nsdl.NsdlWarning, match="not of type i32"):
        assert run("rel p = {0}  rel q($wrong(x)) = p(x)", wrong).relation("q") == []


def test_a_batch_of_calls():
    batches = []

    @nsdl.foreign_function(batch=True)
    def lengths(words: list[str]) -> list[usize]:
        batches.append(len(words))
        return [len(word) for word in words]

    ctx = run('rel p = {"a", "bb", "ccc"}  rel q(w, $lengths(w)) = p(w)', lengths)
    assert ctx.relation("q") == [("a", 1), ("bb", 2), ("ccc", 3)]
    assert sum(batches) == 3


def test_a_predicate():
    @nsdl.foreign_predicate
    def divisors(n: int) -> Facts[None, tuple[int]]:
        for d in range(1, n + 1):
            if n % d == 0:
                yield d

    assert divisors.signature == "divisors(bound i32, free i32)"
    ctx = run("rel p = {4, 5}  rel q(n, d) = p(n), divisors(n, d)  rel even(n) = p(n), divisors(n, 2)", divisors)
    assert ctx.relation("q") == [(4, 1), (4, 2), (4, 4), (5, 1), (5, 5)]
    assert ctx.relation("even") == [(4,)]


def test_a_predicate_with_modes():
    @nsdl.foreign_predicate
    def successor(x: int) -> Facts[None, tuple[int]]:
        yield x + 1

    @successor.mode("fb")
    def predecessor(y: int):
        yield (y - 1,)

    ctx = run("rel p = {5}  rel up(y) = p(x), successor(x, y)  rel down(x) = p(y), successor(x, y)", successor)
    assert ctx.relation("up") + ctx.relation("down") == [(6,), (4,)]


def test_a_test():
    @nsdl.foreign_predicate
    def even(x: int) -> Facts[bool, tuple[()]]:
        yield x % 2 == 0

    ctx = run("rel p = {1, 2}  rel q(x) = p(x), even(x)  rel r(x) = p(x), not even(x)", even)
    assert ctx.relation("q") + ctx.relation("r") == [(2,), (1,)]


def test_probabilities():
    @nsdl.foreign_predicate
    def classify(image: str) -> Facts[float, tuple[str, int]]:
        yield 0.5, ("cat", len(image))
        yield 0.25, ("dog", len(image))

    program = """rel image = {"a", "bb"}
        rel has(i, c) = image(i), classify(i, c, _)
        rel both(i) = has(i, "cat"), has(i, "dog")
        rel n(k) = k := count(i: has(i, "cat"))"""
    ctx = run(program, classify)
    assert ctx.relation("both") == [(0.125, ("a",)), (0.125, ("bb",))]
    assert ctx.relation("n") == [(0.25, (0,)), (0.5, (1,)), (0.25, (2,))]
    [proof] = ctx.why("has", ("a", "cat"))
    assert proof.probability == 0.5
    assert "classify" in str(proof)


def test_exclusive_results():
    @nsdl.foreign_predicate
    def throw(coin: int) -> Facts[Exclusive, tuple[str]]:
        yield 0.5, "heads"
        yield 0.5, "tails"

    program = """rel coin = {1}  rel side(s) = coin(c), throw(c, s)
        rel both() = side("heads"), side("tails")
        rel any() = side("heads") or side("tails")"""
    ctx = run(program, throw)
    assert ctx.relation("both") == []
    assert ctx.relation("any") == [(1.0, ())]


def test_a_batch_of_predicates():
    @nsdl.foreign_predicate(batch=True)
    def letters(words: list[str]) -> list[Facts[None, tuple[str]]]:
        return [list(word) for word in words]

    ctx = run('rel p = {"ab", "c"}  rel q(w, l) = p(w), letters(w, l)', letters)
    assert ctx.relation("q") == [("ab", "a"), ("ab", "b"), ("c", "c")]


def test_a_module_with_a_predicate():
    torch = pytest.importorskip("torch")
    module = nsdl.Module(
        "type digit(i32)\nrel same() = digit(x), likely(x)",
        inputs={"digit": range(3)},
        output="same",
        foreign=[likely],
    )
    p = torch.tensor([[0.5, 0.25, 0.25]], requires_grad=True)
    y = module(digit=p)
    assert y.item() == pytest.approx(0.5 * 0.5 + 0.25 * 0.5)
    y.sum().backward()
    assert p.grad.tolist() == [[0.5, 0.5, 0.0]]
    again = pickle.loads(pickle.dumps(module))
    assert again(digit=p).item() == pytest.approx(y.item())
    assert copy.deepcopy(module)(digit=p).item() == pytest.approx(y.item())


@nsdl.foreign_predicate
def likely(x: int) -> Facts[float, tuple[()]]:
    if x < 2:
        yield 0.5, ()


def test_registered_for_all(monkeypatch):
    monkeypatch.setattr(nsdl.foreign, "_everywhere", [])

    @nsdl.register
    @nsdl.foreign_function
    def triple(x: int) -> int:
        return 3 * x

    ctx = nsdl.Context()
    ctx.add_program("rel q($triple(2))")
    ctx.run()
    assert ctx.relation("q") == [(6,)]


def test_names_are_suggested():
    ctx = nsdl.Context()
    ctx.register(double)
    with pytest.raises(nsdl.ProgramError, match=r"\$double"):
        ctx.add_program("rel p = {1}  rel q($duoble(x)) = p(x)")


def test_declared_and_not_registered():
    ctx = nsdl.Context()
    ctx.add_program("extern type $double(x: i32) -> i32\nrel p = {1}\nrel q($double(x)) = p(x)")
    with pytest.raises(nsdl.RunError) as caught:
        ctx.run()
    assert caught.value.code == "E0650"
    ctx.register(double)
    ctx.run()
    assert ctx.relation("q") == [(2,)]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(x) -> int: ...", "has no annotation"),
        ("def f(x: int): ...", "the result has no annotation"),
        ("def f(x: dict) -> int: ...", "`dict`, which is no type"),
        ("def f(*, x: int) -> int: ...", "has no position"),
    ],
)
def test_annotations_are_checked(source, message):
    scope = {}
    exec(source, scope)
    with pytest.raises(nsdl.UsageError, match=message) as caught:
        nsdl.foreign_function(scope["f"])
    assert caught.value.code == "E0861"


def test_a_predicate_needs_facts():
    def f(x: int) -> int: ...

    with pytest.raises(nsdl.UsageError, match="no `Facts"):
        nsdl.foreign_predicate(f)


def test_built_in_names_are_taken():
    @nsdl.foreign_function(name="abs")
    def other(x: int) -> int:
        return x

    with pytest.raises(nsdl.UsageError) as caught:
        nsdl.Context().register(other)
    assert caught.value.code == "E0860"


def test_only_foreign_objects_are_registered():
    with pytest.raises(nsdl.UsageError, match="decorate it"):
        nsdl.Context().register(len)


def test_a_function_cannot_use_its_context():
    """E0862 is what the function gets."""
    ctx = nsdl.Context()

    @nsdl.foreign_function
    def deep(x: int) -> int:
        return len(ctx.relation("p"))

    ctx.register(deep)
    ctx.add_program("rel p = {1}  rel q($deep(x)) = p(x)")
    with pytest.warns(nsdl.NsdlWarning, match="cannot use that context"):
        ctx.run()


def test_ctrl_c_stops_the_evaluation():
    @nsdl.foreign_function
    def stop(x: int) -> int:
        raise KeyboardInterrupt

    ctx = nsdl.Context()
    ctx.register(stop)
    ctx.add_program("rel p = {1}  rel q($stop(x)) = p(x)")
    with pytest.raises((KeyboardInterrupt, nsdl.RunError, Warning)):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ctx.run()


@nsdl.foreign_aggregate
def spread(values: list[int]) -> int | None:
    return max(values) - min(values) if values else None


def test_an_aggregate():
    ctx = run("rel p = {1, 4, 0.5::9}  rel q(n) = n := spread(x: p(x))", spread)
    assert ctx.relation("q") == [(0.5, (3,)), (0.5, (8,))]
    assert spread.signature == "spread(i32) -> i32"


def test_an_aggregate_of_pairs():
    @nsdl.foreign_aggregate
    def longest(members: list[tuple[str, int]]) -> str:
        return max(members, key=lambda member: member[1])[0]

    ctx = run('rel p = {("a", 1), ("b", 3)}  rel q(s) = s := longest(w, n: p(w, n))', longest)
    assert ctx.relation("q") == [("b",)]
