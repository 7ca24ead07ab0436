"""What a module tells of itself: `explain`, `draw`, `stats`."""

import xml.etree.ElementTree as xml

import pytest

torch = pytest.importorskip("torch")

import nsdl  # noqa: E402

REACH = "type edge(i32, i32)\nrel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))"


def test_explain(sum_2):
    text = sum_2(provenance="exact").explain()
    assert "digit_1 (one of 10), digit_2 (one of 10) → sum_2 (19)" in text
    assert "exact as it stands" in text and "products" in text and "sums" in text
    edges = [(a, b) for a in range(4) for b in range(4) if a != b]
    reach = nsdl.Module(REACH, {"edge": nsdl.independent(edges)}, {"path": [(0, 3)]}, provenance="exact")
    assert "branching" in reach.explain() and "each of 12" in reach.explain()
    count = nsdl.Module("rel n(x) = x := count(a: d(a))", {"d": nsdl.independent(range(5))}, "n", provenance="exact")
    assert "1 × cardinality chain (count)" in count.explain()
    digits = nsdl.exclusive(nsdl.product(range(8), range(10)), dim=1)
    program = "type digit(i32, i32)\nrel total(t) = t := sum[i](d: digit(i, d))"
    total = nsdl.Module(program, {"digit": digits}, {"total": range(73)}, provenance="exact").explain()
    assert "digit (8 × one of 10) → total (73)" in total
    # Eight polynomials of ten coefficients, multiplied two by two.
    assert f"{4 * 10 * 10 + 2 * 19 * 19 + 37 * 37} products of two coefficients" in total
    names = [f"digit_{i}" for i in range(6)]
    body = ", ".join(f"{name}(0)" for name in names)
    many = nsdl.Module(f"rel all() = {body}", {name: range(10) for name in names}, {"all": [()]})
    assert "digit_0 … digit_5 (6, each one of 10) → all (1)" in many.explain()
    best = nsdl.Module(REACH, {"edge": nsdl.independent(edges)}, {"path": [(0, 3)]}, provenance="topkproofs")
    assert "most probable proofs" in best.explain() and "for each sample" in best.explain()


def test_draw():
    module = nsdl.Module('rel both("<&>") = a(0), a(1)', {"a": nsdl.independent(range(3))}, "both", provenance="exact")
    drawing = module.draw()
    assert drawing.dot.count("->") == 3 and 'label="a(0)"' in drawing.dot and str(drawing) == drawing.dot
    root = xml.fromstring(drawing._repr_svg_())
    labels = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(labels) == sorted(["a(0)", "a(1)", "×", 'both("<&>")'])
    assert len(list(root.iter("{http://www.w3.org/2000/svg}line"))) == 3


def test_one_sample_of_many():
    module = nsdl.Module(REACH, {"edge": None}, {"path": [(0, 2)]}, provenance="exact")
    facts = [[(0.5, (0, 1)), (0.5, (1, 2))]]
    assert 'label="edge(1, 2)"' in module.draw(edge=facts).dot
    assert "exact as it stands" in module.explain(edge=facts)
    with pytest.raises(nsdl.UsageError) as caught:
        module.draw(edge=facts * 2)
    assert caught.value.code == "E0825"


def test_what_cannot_be_drawn(sum_2):
    large = nsdl.Module(
        "rel s(a + b + c) = x(a), y(b), z(c)", {name: range(10) for name in "xyz"}, "s", provenance="exact"
    )
    for module in (large, sum_2(provenance="topkproofs")):
        with pytest.raises(nsdl.UsageError) as caught:
            module.draw()
        assert caught.value.code == "E0876"


def test_stats_of_a_module_without_facts(sum_2):
    module = sum_2()
    p = torch.full((2, 10), 0.1)
    for _ in range(3):
        module(digit_1=p, digit_2=p)
    stats = module.stats()
    assert (stats.hits, stats.misses, stats.shapes) == (3, 1, 1) and stats.bytes > 0
