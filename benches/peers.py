"""nsdl beside ProbLog and PySDD: the same programs and formulas, from text to probabilities.

Run with a Python that has all three and nsdl built in release mode: `.venv/bin/python benches/peers.py`. Every pair
of answers is compared before its times are printed. A time is the best of several runs, each from the text (of
PySDD: from the clauses) to the answers, in this one process and thread.
"""

import contextlib
import random
import sys
import time

from problog import get_evaluatable
from problog.program import PrologString
from pysdd.sdd import SddManager

import nsdl

sys.setrecursionlimit(100_000)


def main():
    print(f"{'':<44}{'nsdl':>10}{'ProbLog':>12}{'ratio':>9}")
    for name, ours, theirs in PROGRAMS:
        a, mine = best(by_nsdl, ours)
        b, other = best(by_problog, theirs)
        line(name, mine, other, abs(a - b))
    print(f"\n{'':<44}{'nsdl':>10}{'PySDD':>12}{'ratio':>9}")
    for name, clauses, dnf, weights in FORMULAS:
        a, mine = best(lambda *formula: by_nsdl(rules(*formula)), clauses, dnf, weights)
        b, other = best(by_sdd, clauses, dnf, weights)
        line(name, mine, other, abs(a - b))


def line(name, mine, other, difference):
    assert difference < 1e-9, (name, difference)
    print(f"{name:<44}{mine * 1e3:>7.1f} ms{other * 1e3:>9.1f} ms{other / mine:>8.1f}×", flush=True)


def best(run, *arguments):
    """An answer, and the seconds of the fastest of up to five runs, fewer of slow ones."""
    times = []
    while len(times) < 5 and sum(times) < 3:
        start = time.perf_counter()
        answer = run(*arguments)
        times.append(time.perf_counter() - start)
    return answer, min(times)


def by_nsdl(program):
    """The sum of the probabilities of all tuples of the relations that are asked for."""
    context = nsdl.Context(provenance="exact")
    context.add_program(program)
    context.run()
    queries = [text.removeprefix("query ") for text in program.splitlines() if text.startswith("query ")]
    return sum(p for query in queries for p, _ in context.relation(query))


def by_problog(program):
    answers = get_evaluatable().create_from(PrologString(program)).evaluate()
    return sum(answers.values())


def by_sdd(clauses, dnf, weights):
    """Weighted model count of a CNF or DNF with dynamic minimisation, as PySDD recommends."""
    manager = SddManager(len(weights), True)
    literals = [[manager.literal(literal) for literal in clause] for clause in clauses]
    inner, outer = (manager.conjoin, manager.disjoin) if dnf else (manager.disjoin, manager.conjoin)
    whole = manager.false() if dnf else manager.true()
    for clause in literals:
        part = clause[0]
        for literal in clause[1:]:
            part = inner(part, literal)
        whole = outer(whole, part)
        whole.ref()
    count = whole.wmc(log_mode=False)
    for variable, weight in enumerate(weights, 1):
        count.set_literal_weight(manager.literal(variable), weight)
        count.set_literal_weight(manager.literal(-variable), 1 - weight)
    return count.propagate()


def rules(clauses, dnf, weights):
    """A formula as a program: a rule for each term, or for the failure of each clause."""
    text = [f"rel {weight!r}::x({variable})" for variable, weight in enumerate(weights, 1)]
    for clause in clauses:
        literals = clause if dnf else [-literal for literal in clause]
        body = ", ".join(f"x({literal})" if literal > 0 else f"not x({-literal})" for literal in literals)
        text.append(f"rel {'holds' if dnf else 'fails'}() = {body}")
    return "\n".join([*text, *([] if dnf else ["rel holds() = not fails()"]), "query holds"])


def graph(nodes, edges, seed):
    """A random directed graph, and whether there is a path from its first to its last node."""
    draw = random.Random(seed)
    pairs = [(a, b) for a in range(nodes) for b in range(nodes) if a != b]
    weighted = [(round(draw.uniform(0.1, 0.9), 2), a, b) for a, b in sorted(draw.sample(pairs, edges))]
    return reachability(weighted, 0, nodes - 1)


def grid(n):
    """An undirected grid: two-terminal reliability from corner to corner."""
    weighted = []
    for x in range(n):
        for y in range(n):
            here = x * n + y
            weighted += [(0.7, here, here + n)] if x + 1 < n else []
            weighted += [(0.6, here, here + 1)] if y + 1 < n else []
    return reachability(weighted, 0, n * n - 1, undirected=True)


def reachability(weighted, source, target, undirected=False):
    facts = ", ".join(f"{p}::({a}, {b})" for p, a, b in weighted)
    both = " or link(y, x)" if undirected else ""
    ours = (
        f"rel link = {{{facts}}}\nrel edge(x, y) = link(x, y){both}\n"
        f"rel path(x, y) = edge(x, y) or (path(x, z) and edge(z, y))\nquery path({source}, {target})"
    )
    facts = " ".join(f"{p}::link({a}, {b})." for p, a, b in weighted)
    both = "edge(X, Y) :- link(Y, X)." if undirected else ""
    theirs = (
        f"{facts}\nedge(X, Y) :- link(X, Y).\n{both}\npath(X, Y) :- edge(X, Y).\n"
        f"path(X, Y) :- edge(X, Z), path(Z, Y).\nquery(path({source}, {target}))."
    )
    return ours, theirs


def smokers(people, seed):
    draw = random.Random(seed)
    friends = sorted({(draw.randrange(people), draw.randrange(people)) for _ in range(2 * people)})
    friends = [(a, b) for a, b in friends if a != b]
    ours = (
        f"rel person(x) = x in 0..{people}\nrel friend = {{{', '.join(map(str, friends))}}}\n"
        "rel 0.3::stress(x) = person(x)\nrel 0.2::influences(x, y) = friend(y, x)\nrel smokes(x) = stress(x)\n"
        "rel smokes(x) = friend(x, y), influences(y, x), smokes(y)\nquery smokes"
    )
    theirs = (
        f"person(X) :- between(0, {people - 1}, X).\n{' '.join(f'friend({a}, {b}).' for a, b in friends)}\n"
        "0.3::stress(X) :- person(X).\n0.2::influences(X, Y) :- friend(Y, X).\nsmokes(X) :- stress(X).\n"
        "smokes(X) :- friend(X, Y), influences(Y, X), smokes(Y).\nquery(smokes(X)) :- person(X)."
    )
    return ours, theirs


def weather(days):
    ours = (
        f"rel day(d) = d in 1..{days}\nrel start()\n"
        'rel {0.5::weather(0, "sun"); 0.5::weather(0, "rain")} = start()\n'
        'rel {0.6::weather(d, "sun"); 0.4::weather(d, "rain")} = day(d), weather(d - 1, "sun")\n'
        'rel {0.2::weather(d, "sun"); 0.8::weather(d, "rain")} = day(d), weather(d - 1, "rain")\n'
        f"query weather({days - 1}, _)"
    )
    theirs = (
        f"day(D) :- between(1, {days - 1}, D).\n0.5::weather(0, sun); 0.5::weather(0, rain).\n"
        "0.6::weather(D, sun); 0.4::weather(D, rain) :- day(D), P is D - 1, weather(P, sun).\n"
        "0.2::weather(D, sun); 0.8::weather(D, rain) :- day(D), P is D - 1, weather(P, rain).\n"
        f"query(weather({days - 1}, _))."
    )
    return ours, theirs


def dice(n):
    """The sum of n dice, in both as a recursion over the dice."""
    faces = "; ".join(f"0.1::roll(d, {face})" for face in range(1, 6)) + "; 0.5::roll(d, 6)"
    ours = (
        f"rel die(d) = d in 1..={n}\nrel {{{faces}}} = die(d)\nrel total(0, 0)\n"
        f"rel total(d, s + v) = total(d - 1, s), roll(d, v)\nquery total({n}, _)"
    )
    faces = faces.replace("(d", "(D")
    theirs = (
        f"die(D) :- between(1, {n}, D).\n{faces} :- die(D).\ntotal(0, 0).\n"
        f"total(D, S) :- D > 0, E is D - 1, total(E, R), roll(D, V), S is R + V.\nquery(total({n}, _))."
    )
    return ours, theirs


def count(n):
    """How many of n coins show heads: an aggregate here, a recursion there."""
    ours = f"rel coin(c) = c in 1..={n}\nrel 0.3::heads(c) = coin(c)\nrel n(k) = k := count(c: heads(c))\nquery n"
    theirs = (
        f"coin(C) :- between(1, {n}, C).\n0.3::heads(C) :- coin(C).\nn(0, 0).\n"
        "n(C, K) :- C > 0, B is C - 1, heads(C), n(B, J), K is J + 1.\n"
        f"n(C, K) :- C > 0, B is C - 1, \\+heads(C), n(B, K).\nquery(n({n}, _))."
    )
    return ours, theirs


def random_formula(variables, clauses, width, seed):
    draw = random.Random(seed)
    weights = [round(draw.uniform(0.05, 0.95), 2) for _ in range(variables)]
    chosen = [sorted(draw.sample(range(1, variables + 1), width)) for _ in range(clauses)]
    return [[v if draw.random() < 0.5 else -v for v in clause] for clause in chosen], weights


def chain(variables, width, seed):
    """Clauses over neighbouring variables: of small width, so exact inference should be easy."""
    draw = random.Random(seed)
    weights = [round(draw.uniform(0.05, 0.95), 2) for _ in range(variables)]
    windows = [range(first, first + width) for first in range(1, variables - width + 2)]
    return [[v if draw.random() < 0.5 else -v for v in window] for window in windows], weights


def formulas():
    for variables, clauses in ((15, 40), (20, 50), (25, 60), (30, 70)):
        formula, weights = random_formula(variables, clauses, 3, variables)
        yield f"CNF, {variables} variables, {clauses} clauses of 3", formula, False, weights
    for variables, clauses in ((20, 20), (30, 30), (40, 40)):
        formula, weights = random_formula(variables, clauses, 4, variables)
        yield f"DNF, {variables} variables, {clauses} terms of 4", formula, True, weights
    for variables in (50, 200):
        formula, weights = chain(variables, 4, variables)
        yield f"CNF, a chain of {variables} variables, width 4", formula, False, weights
        yield f"DNF, a chain of {variables} variables, width 4", formula, True, weights


PROGRAMS = [
    ("reachability, 15 nodes, 30 edges", *graph(15, 30, 1)),
    ("reachability, 30 nodes, 60 edges", *graph(30, 60, 2)),
    ("reliability, grid 3×3", *grid(3)),
    ("reliability, grid 4×4", *grid(4)),
    ("smokers, 10 people", *smokers(10, 3)),
    ("weather, 20 days", *weather(20)),
    ("weather, 40 days", *weather(40)),
    ("sum of 3 dice", *dice(3)),
    ("count of 10 coins", *count(10)),
    ("count of 20 coins", *count(20)),
]
FORMULAS = list(formulas())


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
