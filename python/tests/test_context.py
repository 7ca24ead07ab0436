"""nsdl.Context: programs and facts without torch."""

import doctest
import math
import signal
import threading
import time

import pytest

import nsdl
import nsdl.context

PATH = "type edge(i32, i32)\nrel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))"


def test_the_documentation_runs():
    assert doctest.testmod(nsdl.context, extraglobs={"Context": nsdl.Context}).attempted > 3
    assert doctest.testmod(nsdl.context, extraglobs={"Context": nsdl.Context}).failed == 0


def test_plain_datalog_gives_plain_tuples():
    ctx = nsdl.Context()
    ctx.add_program("rel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))\nrel edge = {(0, 1), (1, 2)}")
    ctx.run()
    assert ctx.relation("path") == [(0, 1), (0, 2), (1, 2)]


def test_uncertain_facts_give_probabilities():
    ctx = nsdl.Context()
    ctx.add_program(PATH)
    ctx.add_facts("edge", [(0, 1), (1, 2), (0, 2)], probs=[0.5, 0.5, 0.5])
    ctx.run()
    answers = ctx.relation("path")
    assert [row for _, row in answers] == [(0, 1), (0, 2), (1, 2)]
    assert [p for p, _ in answers] == pytest.approx([0.5, 1 - 0.5 * 0.75, 0.5], abs=1e-12)


@pytest.mark.parametrize(
    ("provenance", "expected"),
    [("minmaxprob", 0.5), ("addmultprob", 0.75), ("topkproofs", 0.625), ("exact", 0.625), ("bool", True)],
)
def test_every_provenance(provenance, expected):
    ctx = nsdl.Context(provenance=provenance, k=3)
    ctx.add_program(PATH)
    ctx.add_facts("edge", [(0, 1), (1, 2), (0, 2)], probs=[0.5, 0.5, 0.5])
    ctx.run()
    tags = {row: tag for tag, row in ctx.relation("path")}
    assert tags[(0, 2)] == pytest.approx(expected)


def test_pairs_are_probabilities():
    ctx = nsdl.Context()
    ctx.add_facts("edge", [(0.5, (0, 1)), (0.25, (1, 2))])
    ctx.add_facts("scored", [(0.5, 3)])  # a tuple of a float and an integer: no pair
    ctx.add_facts("seen", [1, "a"][:1])
    ctx.add_program("rel copy(a, b) = edge(a, b)\nrel both(x, y) = scored(x, y)\nrel s(x) = seen(x)")
    ctx.run()
    assert ctx.relation("copy") == [(0.5, (0, 1)), (0.25, (1, 2))]
    assert ctx.relation("both") == [(1.0, (0.5, 3))]
    assert ctx.relation("s") == [(1.0, (1,))]


def test_exclusive_facts_are_one_choice():
    ctx = nsdl.Context()
    ctx.add_facts("color", ["red", "blue"], probs=[0.25, 0.75], exclusive=True)
    ctx.add_program('type color(String)\nrel any() = color(_)\nrel both() = color("red"), color("blue")')
    ctx.run()
    assert ctx.relation("any") == [(pytest.approx(1.0), ())]
    assert ctx.relation("both") == []


def test_values_of_every_type_return_as_they_came():
    ctx = nsdl.Context()
    ctx.add_program(
        "type t(i8, u64, i128, u128, f64, bool, char, String, Symbol)\n"
        "rel r(a, b, c, d, e, f, g, h, i) = t(a, b, c, d, e, f, g, h, i)"
    )
    row = (-128, 2**64 - 1, -(2**127), 2**128 - 1, 0.1, True, "é", 'say "hi"\n', "RED")
    ctx.add_facts("t", [row])
    ctx.run()
    (answer,) = ctx.relation("r")
    assert answer == row
    assert [type(x) for x in answer] == [int, int, int, int, float, bool, str, str, str]


def test_values_that_stand_for_numbers():
    numpy = pytest.importorskip("numpy")
    ctx = nsdl.Context()
    ctx.add_program("type t(i32, f32)\nrel r(a, b) = t(a, b)")
    ctx.add_facts("t", [(numpy.int64(3), numpy.float32(0.5))])
    ctx.add_facts("edge", numpy.array([[0, 1], [1, 2]]))
    ctx.add_program("rel e(a, b) = edge(a, b)")
    with pytest.raises(nsdl.NsdlError):
        ctx.add_facts("t", [(0.5, 0.5)])  # no integer
    ctx.run()
    assert ctx.relation("r") == [(3, 0.5)]
    assert ctx.relation("e") == [(0, 1), (1, 2)]


def test_the_seed_decides_the_draws():
    def drawn(**options):
        ctx = nsdl.Context(**options)
        ctx.add_program("rel p = {1, 2, 3, 4, 5, 6, 7, 8}\nrel q = uniform<3>(x: p(x))")
        ctx.run()
        return ctx.relation("q")

    assert drawn(seed=5) == drawn(seed=5)
    assert drawn() == drawn(seed=0)
    assert len({tuple(drawn(seed=seed)) for seed in range(8)}) > 1


def test_why_lists_proofs():
    ctx = nsdl.Context()
    ctx.add_program(PATH)
    ctx.add_facts("edge", [(0, 1), (1, 2), (0, 2)], probs=[0.9, 0.8, 0.5])
    ctx.run()
    best, second = ctx.why("path", (0, 2), k=5)
    assert best.probability == pytest.approx(0.72)
    assert [reason.text for reason in best.reasons] == ["edge(0, 1)", "edge(1, 2)"]
    assert [reason.probability for reason in best.reasons] == [0.9, 0.8]
    assert second.probability == pytest.approx(0.5)
    assert "0.72" in str(best)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("E01", "rel p("),
        ("E02", "rel p(x) = q(x)\nrel p(x, y) = q(x), q(y)"),
        ("E03", 'rel p = {1}\nrel p = {"a"}'),
        ("E04", "rel p(x) = not q(x)\nrel q = {1}"),
        ("E04", "rel a(x) = n(x), not b(x)\nrel b(x) = n(x), not a(x)\nrel n = {1}"),
        ("E05", "rel 1.5::p(1)"),
        ("E05", "rel p = {0.7::1; 0.7::2}"),
    ],
)
def test_errors_in_programs(code, text):
    ctx = nsdl.Context()
    ctx.add_program("rel kept = {1}")
    with pytest.raises(nsdl.NsdlError) as caught:
        ctx.add_program(text)
    error = caught.value
    assert error.code.startswith(code), error.rendered
    assert error.span is not None and error.span[0] >= 1 and error.span[1] >= 1
    assert error.code in error.rendered and error.message in error.rendered
    assert str(error) == error.rendered
    ctx.run()  # nothing is lost
    assert ctx.relation("kept") == [(1,)]


def test_the_span_is_line_and_column():
    with pytest.raises(nsdl.ProgramError) as caught:
        nsdl.Context().add_program("rel a = {1}\nrel b(x) = a(x), y > 1\nrel c = {1}")
    assert caught.value.span[0] == 2


@pytest.mark.parametrize("p", [1.5, -0.1, math.nan, math.inf])
def test_probabilities_outside_the_range(p):
    with pytest.raises(nsdl.DataError) as caught:
        nsdl.Context().add_facts("p", [(1,)], probs=[p])
    assert caught.value.code == "E0510"


def test_errors_in_facts():
    ctx = nsdl.Context()
    ctx.add_program("type edge(u8, u8)\nrel r(a, b) = edge(a, b)")
    with pytest.raises(nsdl.DataError) as caught:
        ctx.add_facts("edge", [(1, 2), (3, 4)], probs=[0.5])
    assert caught.value.code == "E0520"
    with pytest.raises(nsdl.DataError) as caught:
        ctx.add_facts("edge", [(1, 2), (3, 4)], probs=[0.7, 0.7], exclusive=True)
    assert caught.value.code == "E0511"
    for wrong in [(1, 256), (1, "a"), (1,), (1, 2, 3), (1, 2.5)]:
        with pytest.raises(nsdl.NsdlError):
            ctx.add_facts("edge", [wrong])
    with pytest.raises(nsdl.UsageError) as caught:
        ctx.add_facts("edge", [(0.5, (1, 2)), (3, 4)])
    assert caught.value.code == "E0822"
    with pytest.raises(nsdl.UsageError) as caught:
        ctx.add_facts("edge", [(0.5, (1, 2))], probs=[0.5])
    assert caught.value.code == "E0822"
    with pytest.raises(nsdl.UsageError) as caught:
        ctx.add_facts("edge", [(1, None)])
    assert caught.value.code == "E0829"
    with pytest.raises(nsdl.UsageError) as caught:
        ctx.add_facts("edge", [(1, 2**130)])
    assert caught.value.code == "E0829"
    ctx.add_facts("edge", [(1, 2)])
    ctx.run()
    assert ctx.relation("r") == [(1, 2)]


def test_errors_of_use():
    with pytest.raises(nsdl.UsageError) as caught:
        nsdl.Context(provenance="exat")
    assert caught.value.code == "E0810" and "exact" in caught.value.rendered
    ctx = nsdl.Context()
    ctx.add_program("rel path = {1}")
    with pytest.raises(nsdl.UsageError) as caught:
        ctx.relation("path")
    assert caught.value.code == "E0812"
    ctx.run()
    with pytest.raises(nsdl.NsdlError) as caught:
        ctx.relation("pth")
    assert caught.value.code == "E0201" and "path" in caught.value.rendered


def test_files(tmp_path):
    program = tmp_path / "p.dl"
    program.write_text("type edge(i32, i32)\nrel r(a, b) = edge(a, b)\n")
    facts = tmp_path / "edge.csv"
    facts.write_text("0.5,0,1\n0.25,1,2\n")
    ctx = nsdl.Context()
    ctx.add_file(program)
    ctx.add_csv("edge", facts)
    ctx.run()
    assert ctx.relation("r") == [(0.5, (0, 1)), (0.25, (1, 2))]
    with pytest.raises(nsdl.DataError) as caught:
        ctx.add_file(tmp_path / "none.dl")
    assert caught.value.code == "E0701"
    facts.write_text("0,1\n0,x\n")
    with pytest.raises(nsdl.DataError) as caught:
        ctx.add_csv("edge", facts)
    assert caught.value.code.startswith("E07") and "2" in str(caught.value)


def test_a_failed_derivation_is_dropped_with_a_warning():
    ctx = nsdl.Context()
    ctx.add_program("rel n = {0, 2}\nrel q(10 / x) = n(x)")
    with pytest.warns(nsdl.NsdlWarning):
        ctx.run()
    assert ctx.relation("q") == [(5,)]


def test_errors_are_picklable():
    import pickle

    with pytest.raises(nsdl.ProgramError) as caught:
        nsdl.Context().add_program("rel p(")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is nsdl.ProgramError
    assert (copy.code, copy.span, copy.rendered) == (
        caught.value.code,
        caught.value.span,
        caught.value.rendered,
    )


def test_ctrl_c_stops_a_run():
    ctx = nsdl.Context()
    # Far more than a second of work, far less than the limits allow.
    ctx.add_program("rel n(0)\nrel n(x + 1) = n(x), x < 3000\nrel all(a, b, c) = n(a), n(b), n(c), a + b + c < 0")
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ctx.run()
    assert time.monotonic() - start < 30
    with pytest.raises(nsdl.UsageError):
        ctx.relation("all")  # there is no result, not even part of one


def test_the_gil_is_released():
    ctx = nsdl.Context()
    ctx.add_program("rel n(0)\nrel n(x + 1) = n(x), x < 700\nrel all(a, b) = n(a), n(b), a < b")
    ticks = 0
    done = threading.Event()

    def run():
        ctx.run()
        done.set()

    thread = threading.Thread(target=run)
    thread.start()
    while not done.is_set():
        ticks += 1
        time.sleep(0)
    thread.join()
    assert ticks > 1
    assert len(ctx.relation("all")) == 701 * 700 // 2


def test_files_of_every_format(tmp_path):
    source = nsdl.Context()
    source.add_program("type edge(from: i32, to: i32)\nrel edge = {0.5::(0, 1), (1, 2)}\nquery edge")
    source.run()
    for name in ["e.csv", "e.csv.gz", "e.jsonl", "e.parquet", "e.feather"]:
        source.write("edge", tmp_path / name, header=True)
        ctx = nsdl.Context()
        ctx.add_program("type edge(from: i32, to: i32)\nquery edge")
        ctx.add_facts_file("edge", tmp_path / name, header=True, probability="probability")
        ctx.run()
        assert ctx.relation("edge") == [(0.5, (0, 1)), (1.0, (1, 2))], name
    with pytest.raises(nsdl.DataError) as caught:
        source.add_facts_file("edge", tmp_path / "e.csv", keys="from")
    assert caught.value.code == "E0707"


def test_a_wide_table_is_turned(tmp_path):
    (tmp_path / "people.tsv").write_text("id\tage\n1\t31\n")
    ctx = nsdl.Context()
    ctx.add_program("type person(i32, String, u8)")
    ctx.add_facts_file("person", tmp_path / "people.tsv", header=True, keys="id")
    ctx.run()
    assert ctx.relation("person") == [(1, "age", 31)]


def test_arguments():
    ctx = nsdl.Context()
    ctx.add_program('@cmd_arg("-n", long="--num", default=1) type n(i32)')
    ctx.set_argument("num", 5)
    ctx.run()
    assert ctx.relation("n") == [(5,)]
    with pytest.raises(nsdl.NsdlError) as caught:
        ctx.set_argument("nmu", 5)
    assert caught.value.code == "E0245"


def test_attributes_of_python():
    seen = []

    def numbers(item, upto, **named):
        seen.append((item.relation, item.types, named))
        if upto < 0:
            raise ValueError("too few")
        return [(0.5, (i,)) for i in range(upto)] if upto else None

    ctx = nsdl.Context()
    ctx.add_attribute("numbers", numbers)
    ctx.add_program('@numbers(2, by=["a", 1]) type n(u8)\n@numbers(0) type none(u8)\nquery n\nquery none')
    ctx.run()
    assert ctx.relation("n") == [(0.5, (0,)), (0.5, (1,))]
    assert ctx.relation("none") == []
    assert seen == [("n", ("u8",), {"by": ["a", 1]}), ("none", ("u8",), {})]
    with pytest.raises(nsdl.ProgramError) as caught:
        ctx.add_program("@numbers(-1) type m(u8)")
    assert caught.value.code == "E0244" and "too few" in str(caught.value)


def test_a_limit_of_iterations():
    ctx = nsdl.Context(iteration_limit=3)
    ctx.add_program("rel n(0)  rel n(x + 1) = n(x)")
    ctx.run()
    assert ctx.relation("n") == [(0,), (1,), (2,), (3,)]
