"""Batches whose samples differ in their facts: kinship chains and formulas, forward and backward, milliseconds a batch.

    OMP_WAIT_POLICY=passive .venv/bin/python benches/ragged.py [--quick]

"new" is a batch all of whose shapes are met for the first time, so that each sample is derived; "known" one whose
shapes are kept, as from the third epoch on (in the second each gets a circuit of its own). Python's reading of the
facts is part of both. Scallop's figures are those of the same work on such a machine (its own process, batches in
parallel).
"""

import argparse
import random
import statistics
import time

import torch

import nsdl

BATCH = 16
RELATIONS = 20

KINSHIP = """
type kinship(r: i32, a: i32, b: i32), last(i32)
{table}
rel derived(r, a, b) = kinship(r, a, b)
rel derived(r, a, c) = derived(p, a, b) and kinship(q, b, c) and composition(p, q, r)
rel answer(r) = derived(r, 0, n) and last(n)
"""

# The number of a digit is itself; 10, 11, 12, 13 are + - * /.
FORMULA = """
type symbol(place: i32, s: i32), length(i32)
rel factor(s as f32, i, i + 1) = symbol(i, s) and s < 10
rel term(x, i, j) = factor(x, i, j)
rel term(x * y, i, j) = term(x, i, m) and symbol(m, 12) and factor(y, m + 1, j)
rel term(x / y, i, j) = term(x, i, m) and symbol(m, 13) and factor(y, m + 1, j)
rel value(x, i, j) = term(x, i, j)
rel value(x + y, i, j) = value(x, i, m) and symbol(m, 10) and term(y, m + 1, j)
rel value(x - y, i, j) = value(x, i, m) and symbol(m, 11) and term(y, m + 1, j)
rel result(x) = value(x, 0, n) and length(n)
"""

# Milliseconds of Scallop: (work, length, candidates, provenance).
SCALLOP = {
    ("kinship", 4, 3, "topkproofs"): 17, ("kinship", 8, 3, "topkproofs"): 27,
    ("kinship", 4, 3, "minmaxprob"): 8, ("kinship", 8, 3, "minmaxprob"): 17,
    ("formula", 3, 3, "topkproofs"): 15, ("formula", 5, 3, "topkproofs"): 42, ("formula", 7, 3, "topkproofs"): 138,
    ("formula", 3, 3, "minmaxprob"): 10, ("formula", 5, 3, "minmaxprob"): 26, ("formula", 7, 3, "minmaxprob"): 53,
    ("formula", 7, 7, "topkproofs"): 1141,
}  # fmt: skip


def kinship(provenance):
    rng = random.Random(0)
    pairs = [(p, q) for p in range(RELATIONS) for q in range(RELATIONS)]
    table = ", ".join(f"({p}, {q}, {rng.randrange(RELATIONS)})" for p, q in pairs if rng.random() < 0.6)
    return nsdl.Module(
        KINSHIP.format(table=f"rel composition = {{{table}}}"),
        inputs={"kinship": None, "last": None},
        output={"answer": range(RELATIONS)},
        provenance=provenance,
    )


def formula(provenance):
    return nsdl.Module(FORMULA, inputs={"symbol": None, "length": None}, output="result", provenance=provenance)


def chain(length, candidates, rng):
    """Places with the candidates that the network would see there."""
    return [(r, i, i + 1) for i in range(length) for r in sorted(rng.sample(range(RELATIONS), candidates))]


def written(length, candidates, rng):
    """A formula of digits and operators in turn, each with candidates of its kind first and others after."""
    facts = []
    for place in range(length):
        right = range(10) if place % 2 == 0 else range(10, 14)
        chosen = {rng.choice(right)}
        while len(chosen) < candidates:
            chosen.add(rng.choice(right if rng.random() < 0.7 and len(chosen) < len(right) else range(14)))
        facts += [(place, s) for s in sorted(chosen)]
    return facts


def batch(make, names, lengths, candidates, seed):
    """Facts of a batch as flat arrays, one group of exclusive facts a place."""
    rng = random.Random(seed)
    tuples, offsets, groups, last = [], [0], [], []
    for i in range(BATCH):
        length = lengths[i % len(lengths)]
        facts = make(length, candidates, rng)
        tuples += facts
        groups += [k // candidates for k in range(len(facts))]
        offsets.append(len(tuples))
        last.append(length)
    numbers = torch.rand(len(tuples) // candidates, candidates, generator=torch.Generator().manual_seed(seed))
    table = torch.tensor(tuples)
    ends = torch.tensor(last).unsqueeze(1)

    def facts():
        p = numbers.softmax(1).flatten().requires_grad_()
        return p, {
            names[0]: nsdl.Ragged(table, p, offsets, groups),
            names[1]: nsdl.Ragged(ends, None, range(BATCH + 1)),
        }

    return facts


def step(module, facts):
    _, given = facts()
    start = time.perf_counter()
    result = module(**given)
    values = result.probabilities if isinstance(result, nsdl.Ragged) else result
    (values * values).sum().backward()
    return 1e3 * (time.perf_counter() - start)


def measure(name, make, module, names, lengths, candidates, provenance, rounds):
    first, known = [], []
    step(module, batch(make, names, lengths, candidates, 10_000))
    for seed in range(rounds):
        facts = batch(make, names, lengths, candidates, seed)
        first.append(step(module, facts))
        known.append(min(step(module, facts) for _ in range(3)))
    what = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
    new, old = statistics.median(first), statistics.median(known)
    peer = SCALLOP.get((name, lengths[0], candidates, provenance)) if len(lengths) == 1 else None
    beside = f"Scallop {peer:>5} ms: {peer / new:5.0f} and {peer / old:6.0f} times" if peer else ""
    print(
        f"{name:<8} {what:>7} × {candidates}  {provenance:<11} new {new:9.3f} ms  known {old:8.3f} ms  {beside}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no large formulas")
    parser.add_argument("--only", default="", help="kinship or formula")
    options = parser.parse_args()
    rounds = 3 if options.quick else 15
    print(f"batch {BATCH}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    for provenance in ("topkproofs", "minmaxprob", "exact"):
        if options.only != "formula":
            module = kinship(provenance)
            for lengths in ([2], [4], [6], [8], [10], list(range(2, 11))):
                measure("kinship", chain, module, ("kinship", "last"), lengths, 3, provenance, rounds)
        if options.only != "kinship":
            module = formula(provenance)
            for lengths, candidates in (([1], 3), ([3], 3), ([5], 3), ([7], 3), ([1, 3, 5, 7], 3), ([7], 7)):
                if candidates == 7 and (options.quick or provenance == "exact"):
                    continue
                measure("formula", written, module, ("symbol", "length"), lengths, candidates, provenance, rounds)


if __name__ == "__main__":
    main()
