"""The program's part of a training step, task by task: values and gradients of a batch, beside Scallop.

    .venv/bin/python benches/training.py [--only mnist] [--scli PATH] [--threads 2]

A time is the median of many calls from tensors to loss gradients, autograd and Python included, after one call that
is not counted; "compiled" is what making the module took. Before a time is printed, the answers (exact ones, and
their gradients) are compared with an enumeration or a dynamic program in torch that knows nothing of nsdl.

Scallop's figures are those of such a machine on another day (its top-3 unless said, batches in parallel). With
``--scli``, rows that have none run its interpreter: one sample, forward only, a process each.
"""

import argparse
import itertools
import os
import random
import statistics
import subprocess
import tempfile
import time
from functools import partial

import torch

import nsdl

SEEDS = torch.Generator()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--scli", help="the interpreter of Scallop")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.threads} threads; load average {os.getloadavg()[0]:.1f}")
    print(f"{'work':<44} {'batch':>5} {'compiled':>11} {'a batch':>12} {'Scallop':>11} {'times':>8}  checked against")
    for rows in (mnist, network, planning, points_to):
        if options.only in rows.__name__ or not options.only:
            rows(options)


# Measuring


def report(name, batch, module, inputs, checked, peer=None):
    """Times forward and backward of a module and prints a line; returns the milliseconds of a batch."""
    built = time.perf_counter()
    module = module()
    built = time.perf_counter() - built
    took = 1e3 * seconds(lambda: step(module, inputs))
    said = checked(module) if checked else "–"
    beside = f"{peer:8.1f} ms {peer / took:7.0f}×" if peer else f"{'–':>11} {'–':>8}"
    print(f"{name:<44} {batch:>5} {1e3 * built:>8.1f} ms {took:>9.3f} ms {beside}  {said}", flush=True)
    return took


def step(module, inputs):
    result = module(**inputs)
    for value in result.values() if isinstance(result, dict) else [result]:
        (value * value).sum().backward()


def seconds(run, least=0.5):
    """The median of as many runs as take some time, after one."""
    run()
    times = []
    while len(times) < 5 or (sum(times) < least and len(times) < 2_000):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def compare(module, inputs, expected):
    """Values and gradients of a module and of a function of the same tensors."""
    leaves = [x.detach().double().requires_grad_() for x in inputs.values()]
    found = module(**dict(zip(inputs, leaves, strict=True)))
    wanted = expected(*leaves)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-9)
    weights = torch.rand(wanted.shape, dtype=torch.float64)
    slopes = [torch.autograd.grad((x * weights).sum(), leaves) for x in (found, wanted)]
    for ours, theirs in zip(*slopes, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-8)


def choices(batch, *shape):
    """Rows that sum to 1, as a network's softmax gives them."""
    return torch.randn(batch, *shape, generator=SEEDS).mul(3).softmax(-1).requires_grad_()


# Digits

BATCH = 64


def of_digits(digits, rule, results, right):
    """A task over some digits: a rule, the results, and the same as a function of the digits."""
    names = [f"digit_{i}" for i in range(digits)]
    body = ", ".join(f"{name}({variable})" for name, variable in zip(names, "abcd", strict=False))
    program = f"rel result({rule}) = {body}"
    mapping = {name: range(10) for name in names}

    def module():
        return nsdl.Module(program, mapping, {"result": results}, provenance="exact")

    def expected(*rows):
        columns = {result: i for i, result in enumerate(results)}
        places = torch.tensor([columns[right(*values)] for values in itertools.product(range(10), repeat=digits)])
        worlds = rows[0]
        for row in rows[1:]:
            worlds = (worlds.unsqueeze(2) * row.unsqueeze(1)).flatten(1)
        return worlds.new_zeros(len(worlds), len(results)).index_add(1, places, worlds)

    inputs = {name: choices(BATCH, 10) for name in names}

    def checked(module):
        compare(module, inputs, expected)
        return f"{10**digits:,} worlds"

    return module, inputs, checked


DIGITS = {
    "sum_2": (2, "a + b", range(19), lambda a, b: a + b, 77),
    "sum_3": (3, "a + b + c", range(28), lambda a, b, c: a + b + c, None),
    "sum_4": (4, "a + b + c + d", range(37), lambda a, b, c, d: a + b + c + d, 249),
    "sum_double_2": (
        4, "a * 10 + b + c * 10 + d", range(199), lambda a, b, c, d: a * 10 + b + c * 10 + d, None,
    ),
    "add_sub": (3, "a + b - c", range(-9, 19), lambda a, b, c: a + b - c, None),
    "add_mod_3": (2, "(a + b) % 3", range(3), lambda a, b: (a + b) % 3, None),
    "mult_2": (2, "a * b", range(82), lambda a, b: a * b, None),
    "mod_2": (2, "a % (b + 1)", range(10), lambda a, b: a % (b + 1), None),
    "eq_2": (2, "a == b", [False, True], lambda a, b: a == b, None),
    "is_3_and_4": (2, "a == 3 && b == 4", [False, True], lambda a, b: a == 3 and b == 4, None),
    "sort_2": (2, "a < b", [False, True], lambda a, b: a < b, None),
    "identity": (1, "a", range(10), lambda a: a, None),
}  # fmt: skip

# How many of the digits are as the formula says: which digits count, or which do not.
COUNTS = {
    "how_many_3": ("digit(o, 3)", [3], True),
    "how_many_3_or_4": ("digit(o, 3) or digit(o, 4)", [3, 4], True),
    "how_many_not_3": ("place(o) and not digit(o, 3)", [3], False),
    "how_many_not_3_and_not_4": ("place(o) and not digit(o, 3) and not digit(o, 4)", [3, 4], False),
}


def mnist(options):
    parts = {}
    for name, (digits, rule, results, right, peer) in DIGITS.items():
        module, inputs, checked = of_digits(digits, rule, results, right)
        parts[digits] = max(parts.get(digits, 0), report(name, BATCH, module, inputs, checked, peer))
    x = {"digit": choices(BATCH, 10)}
    report(
        "not_3_or_4",
        BATCH,
        lambda: nsdl.Module("rel answer() = not digit(3), not digit(4)", {"digit": range(10)}, {"answer": [()]}),
        x,
        lambda module: compare(module, x, lambda p: 1 - p[:, 3:4] - p[:, 4:5]) or "10 worlds",
    )
    for name, (formula, digits, count_them) in COUNTS.items():
        for n in (8, 16):
            count(name, formula, digits, count_them, n)
    for digits, took in sorted(parts.items()):
        training = lenet(digits)
        name = f"  of a step of LeNet, {digits} images a sample"
        print(f"{name:<44} {training:9.1f} ms: {took / training:.2%}")


def count(name, formula, digits, count_them, n):
    mapping = nsdl.exclusive(nsdl.product(range(n), range(10)), dim=1)
    places = f"rel place = {{{', '.join(map(str, range(n)))}}}\n"
    program = f"{places}rel result(x) = x := count(o: {formula})"

    def expected(p):
        hits = p[:, :, digits].sum(2)
        hits = hits if count_them else 1 - hits  # rows of f32 sum to 1 only nearly
        known = torch.ones_like(hits[:, :1])
        for i in range(n):  # one digit more
            hit = hits[:, i : i + 1]
            zero = torch.zeros_like(hit)
            known = torch.cat([known * (1 - hit), zero], 1) + torch.cat([zero, known * hit], 1)
        return known

    x = {"digit": choices(BATCH, n, 10)}
    report(
        f"{name}, {n} digits",
        BATCH,
        lambda: nsdl.Module(program, {"digit": mapping}, {"result": range(n + 1)}, provenance="exact"),
        x,
        lambda module: compare(module, x, expected) or "a dynamic program",
    )


def lenet(digits):
    """Milliseconds of a whole step of the network that reads the digits of a batch."""
    layers = torch.nn
    net = layers.Sequential(
        layers.Conv2d(1, 32, 5), layers.MaxPool2d(2), layers.Conv2d(32, 64, 5), layers.MaxPool2d(2),
        layers.Flatten(), layers.Linear(1024, 1024), layers.ReLU(), layers.Linear(1024, 10), layers.Softmax(1),
    )  # fmt: skip
    optimiser = torch.optim.Adam(net.parameters())
    images = torch.randn(BATCH * digits, 1, 28, 28)

    def train():
        optimiser.zero_grad()
        net(images).square().sum().backward()
        optimiser.step()

    return 1e3 * seconds(train, 1)


# A network of dots

SIDE = 6
EDGES = [(i, i + 1) for i in range(SIDE * SIDE) if i % SIDE < SIDE - 1] + [
    (i, i + SIDE) for i in range(SIDE * (SIDE - 1))
]
# As one writes it, and as one helps an engine that would derive all pairs; Scallop's figures are of each.
ALL_PAIRS = """
rel path(a, b) = edge(a, b) or edge(b, a)
rel path(a, c) = path(a, b) and (edge(b, c) or edge(c, b))
"""
FROM_ONE = """
rel path(0, b) = edge(0, b) or edge(b, 0)
rel path(0, c) = path(0, b) and (edge(b, c) or edge(c, b))
"""
PEERS = {"exact": (129, 18), "topkproofs": (129, 18), "minmaxprob": (24, 5)}


def connected(p):
    """The probability that the first and the last dot are connected, edge by edge: which dots of the frontier are in
    one part, dots before it forgotten. Torch numbers, so that it has gradients."""
    goal = SIDE * SIDE - 1
    last = {dot: max(i for i, edge in enumerate(EDGES) if dot in edge) for dot in range(goal + 1)}
    order = sorted(range(len(EDGES)), key=lambda i: (max(EDGES[i]), min(EDGES[i])))
    last = {dot: max(at for at, i in enumerate(order) if dot in EDGES[i]) for dot in last}
    states = {(): torch.ones_like(p[:, 0])}
    for at, i in enumerate(order):
        grown = {}
        for state, weight in states.items():
            parts = dict(state)
            for dot in EDGES[i]:
                parts.setdefault(dot, min(dot, dot))
            for present, share in ((True, p[:, i]), (False, 1 - p[:, i])):
                after = dict(parts)
                if present:
                    a, b = sorted(after[dot] for dot in EDGES[i])
                    after = {dot: a if part == b else part for dot, part in after.items()}
                # The ends stay; other dots go with their last edge.
                after = {dot: part for dot, part in after.items() if last[dot] > at or dot in (0, goal)}
                names = {}
                key = tuple((dot, names.setdefault(part, len(names))) for dot, part in sorted(after.items()))
                grown[key] = grown.get(key, 0) + weight * share
        states = grown
    reached = [weight for state, weight in states.items() if dict(state)[0] == dict(state)[goal]]
    return sum(reached).unsqueeze(1)


def network(options):
    rows = 8
    x = {"edge": torch.rand(rows, len(EDGES), generator=SEEDS).mul(0.98).add(0.01).requires_grad_()}

    def module(program, provenance):
        inputs, output = {"edge": nsdl.independent(EDGES)}, {"path": [(0, SIDE * SIDE - 1)]}
        return lambda: nsdl.Module(program, inputs, output, provenance=provenance)

    def checked(module):
        compare(module, x, connected)
        return "a frontier of dots"

    def below(module):
        assert (module(**x) <= connected(x["edge"].double()) + 1e-6).all()
        return "not above exact"

    checks = {"exact": checked, "topkproofs": below, "minmaxprob": widest}
    for provenance, peers in PEERS.items():
        for name, program, peer in zip(("path", "path(0, _)"), (ALL_PAIRS, FROM_ONE), peers, strict=True):
            report(f"6×6 dots, {name}, {provenance}", rows, module(program, provenance), x, checks[provenance], peer)


def widest(module):
    """Min-max is the widest path: the best of the least edge."""
    p = torch.rand(4, len(EDGES), generator=SEEDS)
    for row, found in zip(p, module(edge=p), strict=True):
        for least in row.sort(descending=True).values:
            parts = list(range(SIDE * SIDE))
            for (a, b), q in zip(EDGES, row, strict=True):
                if q >= least:
                    old, new = parts[a], parts[b]
                    parts = [new if part == old else part for part in parts]
            if parts[0] == parts[-1]:
                break
        assert abs(found - least) < 1e-7
    return "widest paths"


# Planning

PLAN = """
type step(i32, i32, i32)
rel step = {(0, 0, 1), (1, 0, -1), (2, 1, 0), (3, -1, 0)}
rel cell = {%s}
rel open(x, y) = cell(x, y) and not enemy(x, y)
rel move(x, y, a, x + dx, y + dy) = open(x, y) and step(a, dx, dy) and open(x + dx, y + dy)
rel reach(x, y, x, y) = open(x, y)
rel reach(x, y, u, v) = move(x, y, _, z, w) and reach(z, w, u, v)
rel next(a, u, v) = actor(x, y) and step(a, dx, dy) and u == x + dx and v == y + dy and open(u, v)
rel score(a) = next(a, x, y) and goal(u, v) and reach(x, y, u, v)
"""


def planning(options):
    cells = [(x, y) for x in range(5) for y in range(5)]
    program = PLAN % ", ".join(map(str, cells))
    rows = 16
    x = {"actor": choices(rows, 25), "goal": choices(rows, 25)}
    x["enemy"] = torch.rand(rows, 25, generator=SEEDS).mul(0.4).requires_grad_()
    inputs = {"actor": cells, "goal": cells, "enemy": nsdl.independent(cells)}
    checks = {"topkproofs": None, "minmaxprob": iterated(cells, x, torch.minimum, torch.amax)}
    checks["addmultprob"] = iterated(cells, x, torch.mul, lambda x, dim: x.sum(dim).clamp(max=1))
    for provenance in ("topkproofs", "minmaxprob", "addmultprob"):
        peer = scallop(options, planned(cells, x), provenance)
        report(
            f"planning on 5×5 cells, {provenance}",
            rows,
            lambda provenance=provenance: nsdl.Module(program, inputs, {"score": range(4)}, provenance=provenance),
            x,
            checks[provenance],
            peer and peer * rows,
        )


def iterated(cells, x, both, any_of):
    """Checks that planning is the least fixpoint of its rules in an algebra, by dense tensors: [row][from][to]."""

    def checked(module):
        actor, goal, enemy = (x[name].detach().double() for name in ("actor", "goal", "enemy"))
        free = 1 - enemy
        steps = [(0, 1), (0, -1), (1, 0), (-1, 0)]
        onto = torch.tensor([[[(a + i, b + j) == other for other in cells] for a, b in cells] for i, j in steps])
        move = both(free.unsqueeze(2), free.unsqueeze(1)) * onto.any(0)
        reach = stay = torch.diag_embed(free)
        for _ in range(10_000):
            moved = any_of(both(move.unsqueeze(3), reach.unsqueeze(1)), 2)
            before, reach = reach, any_of(torch.stack([stay, moved]), 0)
            if (reach - before).abs().max() < 1e-12:
                break
        score = []
        for near in onto.double():
            first = any_of(both(actor.unsqueeze(2), free.unsqueeze(1)) * near, 1)
            score.append(any_of(both(both(first.unsqueeze(2), goal.unsqueeze(1)), reach).flatten(1), 1))
        torch.testing.assert_close(module(**x).detach().double(), torch.stack(score, 1), atol=1e-5, rtol=0)
        return "its fixpoint"

    return checked


def planned(cells, x):
    """The same for Scallop: the first sample."""
    text = PLAN.replace("type step(i32, i32, i32)", "type step(a: i32, x: i32, y: i32)") % ", ".join(map(str, cells))
    for name, values in x.items():
        between = ", " if name == "enemy" else "; "
        members = (f"{p:.6f}::{cell}" for p, cell in zip(values[0].tolist(), cells, strict=True))
        text = f"rel {name} = {{{between.join(members)}}}\n" + text
    return text + "query score\n"


# Points-to

POINTS = """
rel points(v, h) = alloc(v, h)
rel points(v, h) = assign(v, w), points(w, h)
rel points(v, h) = load(v, w), points(w, a), points(a, h)
rel points(a, h) = store(v, w), points(v, a), points(w, h)
"""


def points_to(options):
    draw = random.Random(1)
    n = 1000
    sizes = {"alloc": n // 2, "assign": 7 * n // 10, "load": n // 20, "store": n // 20}
    facts = {name: sorted({(draw.randrange(n), draw.randrange(n)) for _ in range(m)}) for name, m in sizes.items()}
    p = {
        name: torch.rand(1, len(rows), generator=SEEDS).mul(0.9).add(0.05).requires_grad_()
        for name, rows in facts.items()
    }
    text = POINTS
    for name, rows in facts.items():
        members = (f"{q:.6f}::{row}" for q, row in zip(p[name][0].tolist(), rows, strict=True))
        text = f"rel {name} = {{{', '.join(members)}}}\n" + text
    inputs = {name: nsdl.independent(rows) for name, rows in facts.items()}
    for provenance, k in (("topkproofs", 1), ("minmaxprob", 3)):
        peer = scallop(options, text + "query points\n", provenance, k)
        name = "points-to, 1,000 variables, " + ("top 1" if k == 1 else "min-max")

        def checked(module, k=k):
            wanted = heaviest(facts, p)
            assert set(module.tuples) == set(wanted)
            # A proof is no more probable than the least probable of its facts.
            found = zip(module.tuples, module(**p)[0].tolist(), strict=True)
            assert all(x <= wanted[it] + 1e-6 and (k == 1 or x >= wanted[it] - 1e-6) for it, x in found)
            return "its fixpoint" if k > 1 else "not above min-max"

        module = partial(nsdl.Module, POINTS, inputs, "points", provenance=provenance, k=k)
        report(name, 1, module, p, checked, peer)


def heaviest(facts, p):
    """Points-to under min-max, rule by rule until nothing changes."""
    weight = {name: dict(zip(rows, p[name][0].tolist(), strict=True)) for name, rows in facts.items()}
    found = dict(weight["alloc"])
    while True:
        of = {}
        for (v, h), x in found.items():
            of.setdefault(v, []).append((h, x))
        grown = dict(found)

        def derive(head, *parts, grown=grown):
            grown[head] = max(grown.get(head, 0), min(parts))

        for (v, w), x in weight["assign"].items():
            for h, y in of.get(w, []):
                derive((v, h), x, y)
        for (v, w), x in weight["load"].items():
            for a, y in of.get(w, []):
                for h, z in of.get(a, []):
                    derive((v, h), x, y, z)
        for (v, w), x in weight["store"].items():
            for a, y in of.get(v, []):
                for h, z in of.get(w, []):
                    derive((a, h), x, y, z)
        if grown == found:
            return found
        found = grown


def scallop(options, text, provenance, k=3):
    """Milliseconds that its interpreter takes, less those of an empty program."""
    if not options.scli:
        return None

    def run(text):
        with tempfile.NamedTemporaryFile("w", suffix=".scl") as file:
            file.write(text)
            file.flush()
            command = [options.scli, "-p", provenance, "-k", str(k), file.name]
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, timeout=300)
            return 1e3 * (time.perf_counter() - start)

    empty = min(run("rel a(1)\n") for _ in range(3))
    try:
        return statistics.median(run(text) for _ in range(3)) - empty
    except subprocess.SubprocessError:
        return None


if __name__ == "__main__":
    main()
