"""How time grows: with the batch, with digits, with the size of a grid, and with circuit × batch; nsdl and its peers.

    .venv/bin/python benches/plots.py [--limit 60] [--out benches/plots/scaling.svg]

A time is the least of several runs, of the processor and with one thread, so that other work on the machine adds
little. "A step" is forward and backward of a compiled module, from tensors to gradients, autograd and Python included;
"from text" is parsing, compiling and the first answers. A peer runs in a process of its own, and goes on to larger
inputs as long as it stays within the limit, in seconds. Scallop's points are those of such a machine on another day
(top 3, forward and backward, batches in parallel).
"""

import os

os.environ.setdefault("RAYON_NUM_THREADS", "1")

import argparse
import json
import multiprocessing
import re
import sys
import time
from pathlib import Path

import matplotlib
import torch

import nsdl

matplotlib.use("svg")
import matplotlib.pyplot as plt

BATCHES = [1, 4, 16, 64, 256, 1024, 4096]
DIGITS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
SIDES = [2, 3, 4, 5, 6, 7, 8]
# Milliseconds; see the notes on its figures in benches/README.md.
SCALLOP = {"sum_2": 77, "sum_4": 249, "grid": {6: 129}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=float, default=60, help="seconds a peer may take for one input")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "plots" / "scaling.svg")
    parser.add_argument("--again", action="store_true", help="draw what was measured last time")
    options = parser.parse_args()
    torch.set_num_threads(1)
    numbers = options.out.with_suffix(".json")
    if not options.again:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        numbers.write_text(json.dumps(measure(options.limit)) + "\n")
    draw(json.loads(numbers.read_text()), options.out)
    print(options.out)


# Programs

SUMS = "type digit(i32, i32)\nrel total(t) = t := sum[i](d: digit(i, d))"
ADD = (Path(__file__).parents[1] / "examples" / "mnist" / "add.dl").read_text()
GRID = """
rel edge(a, b) = link(a, b) or link(b, a)
rel path(a, b) = edge(a, b) or (path(a, c) and edge(c, b))
"""


def places(n):
    return nsdl.exclusive(nsdl.product(range(n), range(10)), dim=1)


def few(n):
    """The sum of n digits as a join."""
    names = [f"digit_{i}" for i in range(n)]
    body = ", ".join(f"{name}(x{i})" for i, name in enumerate(names))
    program = f"rel result({' + '.join(f'x{i}' for i in range(n))}) = {body}"
    return nsdl.Module(program, dict.fromkeys(names, range(10)), "result", provenance="exact")


def total(n):
    """The sum of n digits as an aggregate."""
    return nsdl.Module(SUMS, {"digit": places(n)}, {"total": range(9 * n + 1)}, provenance="exact")


def add(n):
    """Two numbers of n digits: whether the sum is as wanted."""
    inputs = {"first": places(n), "second": places(n), "wanted": places(n + 1)}
    return nsdl.Module(ADD.replace("LENGTH = 15", f"LENGTH = {n}"), inputs, "sum", provenance="exact", log=True)


def links(side):
    right = [(i, i + 1) for i in range(side * side) if i % side < side - 1]
    return right + [(i, i + side) for i in range(side * (side - 1))]


def grid(side):
    """Whether two opposite corners of a grid are connected."""
    output = {"path": [(0, side * side - 1)]}
    return nsdl.Module(GRID, {"link": nsdl.independent(links(side))}, output, provenance="exact")


# Measuring


def least(run, seconds=0.3):
    """Seconds of the processor."""
    times = []
    while len(times) < 3 or (sum(times) < seconds and len(times) < 300):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
        if times[-1] > 5:
            break
    return min(times)


def step(module, batch):
    generator = torch.Generator().manual_seed(0)
    inputs = {}
    for name, width in module.inputs.items():
        x = torch.randn(batch, width, generator=generator)
        x = x.sigmoid() if name == "link" else x.view(batch, -1, 10).softmax(2).flatten(1)
        inputs[name] = x.requires_grad_()

    def run():
        module(**inputs).sum().backward()

    return run


def cold(make, n):
    """From text to the first answers."""
    return least(lambda: step(make(n), 1)())


def edges(module):
    return int(re.search(r"([\d,]+) edges", module.explain())[1].replace(",", ""))


def measure(limit):
    found = {}

    def keep(panel, line, x, y):
        if y is not None:
            found.setdefault(panel, {}).setdefault(line, []).append((x, y))
            print(f"{panel:<10} {line:<40} {x:>12,} {1e3 * y:>12.3f} ms", file=sys.stderr, flush=True)
        return y is not None

    works = {
        "sum of 2 digits": few(2), "sum of 4 digits": few(4),
        "add-15, in log space": add(15), "6×6 grid": grid(6),
    }  # fmt: skip
    for name, module in works.items():
        for batch in BATCHES:
            took = least(step(module, batch))
            keep("batch", name, batch, took)
            keep("circuit", name, batch * edges(module), took)
    for n in DIGITS:
        module = total(n)
        keep("digits", "sum-n, a step, batch 1", n, least(step(module, 1)))
        keep("digits", "sum-n, from text", n, cold(total, n))
        if n <= 256:
            module = add(n)
            keep("digits", "add-n, a step, batch 1", n, least(step(module, 1)))
            keep("circuit", "add-n, in log space", edges(module), least(step(module, 1)))
            keep("digits", "add-n, from text", n, cold(add, n))
    for side in SIDES:
        module = grid(side)
        keep("grid", "nsdl, a step, batch 1", side, least(step(module, 1)))
        keep("circuit", "grids", edges(module), least(step(module, 1)))
        keep("grid", "nsdl, from text", side, cold(grid, side))
    for panel, line, peer, sizes in PEERS:
        for n in sizes:
            if not keep(panel, line, n, within(limit, peer, n)):
                break
    return found


# Peers: each from its text or clauses to the answer


def within(limit, run, n):
    """Seconds of the processor that a peer takes in a process of its own; None where it is stopped or fails."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=alone, args=(run, n, theirs), daemon=True)
    process.start()
    # The processor may be shared: the clock on the wall is given three times the limit.
    answer = ours.recv() if ours.poll(3 * limit) else None
    process.kill()
    process.join()
    return answer if answer is not None and answer < limit else None


def alone(run, n, connection):
    sys.setrecursionlimit(1_000_000)
    run(1 if run is problog_sum else 2)  # what a first call imports
    start = time.process_time()
    run(n)
    connection.send(time.process_time() - start)


def problog(text):
    from problog import get_evaluatable
    from problog.program import PrologString

    return get_evaluatable().create_from(PrologString(text)).evaluate()


def problog_sum(n):
    faces = "; ".join(f"0.1::digit(D, {face})" for face in range(10))
    problog(
        f"place(D) :- between(1, {n}, D).\n{faces} :- place(D).\ntotal(0, 0).\n"
        f"total(D, S) :- D > 0, E is D - 1, total(E, R), digit(D, V), S is R + V.\nquery(total({n}, _))."
    )


def problog_grid(side):
    facts = " ".join(f"0.6::link({a}, {b})." for a, b in links(side))
    problog(
        f"{facts}\nedge(X, Y) :- link(X, Y).\nedge(X, Y) :- link(Y, X).\npath(X, Y) :- edge(X, Y).\n"
        f"path(X, Y) :- edge(X, Z), path(Z, Y).\nquery(path(0, {side * side - 1}))."
    )


def pysdd_grid(side):
    """A disjunction of all simple paths, with dynamic minimisation."""
    from pysdd.sdd import SddManager

    numbers = {}
    for number, (a, b) in enumerate(links(side), 1):
        numbers[a, b] = numbers[b, a] = number
    beside = {}
    for a, b in numbers:
        beside.setdefault(a, []).append(b)
    manager = SddManager(len(links(side)), True)
    whole = manager.false()

    def walk(at, seen, path):
        nonlocal whole
        if at == side * side - 1:
            whole = manager.disjoin(whole, path)
            whole.ref()
            return
        for to in beside[at]:
            if to not in seen:
                further = manager.conjoin(path, manager.literal(numbers[at, to]))
                further.ref()
                walk(to, seen | {to}, further)

    walk(0, {0}, manager.true())
    count = whole.wmc(log_mode=False)
    for number in set(numbers.values()):
        count.set_literal_weight(manager.literal(number), 0.6)
        count.set_literal_weight(manager.literal(-number), 0.4)
    return count.propagate()


PEERS = [
    ("digits", "ProbLog, sum-n, from text", problog_sum, [1, 2, 3, 4, 5]),
    ("grid", "ProbLog, from text", problog_grid, SIDES),
    ("grid", "PySDD, from all paths", pysdd_grid, SIDES),
]


# Drawing


def draw(found, path):
    # The same file for the same numbers, and a small one.
    plt.rcParams.update({"svg.hashsalt": "nsdl", "svg.fonttype": "none"})
    figure, panels = plt.subplots(2, 2, figsize=(12, 9), layout="constrained")
    titles = {
        "batch": ("a step against the batch", "samples"),
        "digits": ("sums of n digits (sum-n), of two numbers of n digits (add-n)", "digits n"),
        "grid": ("are opposite corners of an n×n grid connected?", "side n"),
        "circuit": ("a step against edges of the circuit × batch", "edges × samples"),
    }
    for axes, (panel, (title, label)) in zip(panels.flat, titles.items(), strict=True):
        for i, (line, points) in enumerate(found[panel].items()):
            peer = line.startswith(("ProbLog", "PySDD"))
            style = {"marker": "s" if peer else "o", "linestyle": "--" if peer else "-"}
            if panel == "circuit":
                style["linestyle"] = ""
            axes.plot(*zip(*points, strict=True), label=line, markersize=4, color=f"C{i}", **style)
        axes.set(title=title, xlabel=label, ylabel="seconds", yscale="log")
        axes.set_xscale("linear" if panel == "grid" else "log")
        axes.grid(alpha=0.3)
    batch, _, grid, circuit = panels.flat
    batch.plot([64], [1e-3 * SCALLOP["sum_2"]], "kx", label="Scallop, top 3, sum of 2")
    batch.plot([64], [1e-3 * SCALLOP["sum_4"]], "k+", label="Scallop, top 3, sum of 4")
    for side, took in SCALLOP["grid"].items():
        grid.plot([side], [1e-3 * took / 8], "kx", label="Scallop, top 3, a step, an eighth of a batch of 8")
    grid.set_ylim(top=20)  # room for what stands there
    ends = [1e5, max(x for points in found["circuit"].values() for x, _ in points)]
    circuit.plot(ends, [1e-9 * x for x in ends], "k:", label="1 ns an edge and sample")
    for axes in panels.flat:
        axes.legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
