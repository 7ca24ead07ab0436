"""Circuits of random 3-CNFs beside KLay and PySDD: the same files, the same weights, the same answers.

    pip install PySDD klaycircuits
    .venv/bin/python benches/counting.py [--seeds 3] [--threads 2] [--processor] [--compile]

PySDD compiles n variables and n/2 clauses of three literals with its default vtree and dynamic minimisation off, as in
KLay's own measurements; the file it saves is what nsdl and KLay load. Weights of all literals are logarithms, in f32
(PySDD: its doubles). A time is the median of forward and backward of a batch, autograd and Python included; PySDD has
no batches and computes values and derivatives in one go, from weights that are set first. Answers and gradients are
compared before anything is printed. ``--processor``, for a machine that others use, gives the least time of the
processor, of all threads, in place of the median by the clock. ``--compile`` also times KLay under torch.compile.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import torch
from pysdd.sdd import SddManager

import nsdl

try:
    import klay
except ImportError as reason:
    print("KLay cannot be imported:", reason, file=sys.stderr)
    klay = None

BATCHES = (128, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--variables", type=int, nargs="*", default=[30, 35, 40, 45, 50])
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--processor", action="store_true", help="least time of the processor, not the clock's median")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    what = "least times of the processor" if options.processor else "medians"
    print(f"torch {torch.__version__}, {options.threads} threads; load average {os.getloadavg()[0]:.1f}; {what}")
    titles = ("load", "128", "1", "KLay 128", "ratio", "KLay 1", "ratio", "PySDD 1", "ratio")
    print(f"{'variables, seed, size':<24}" + "".join(f"{title:>11}" for title in titles))
    with tempfile.TemporaryDirectory() as folder:
        for n in options.variables:
            for seed in range(options.seeds):
                row(n, seed, Path(folder) / "formula.sdd", options)


def row(n, seed, path, options):
    manager, formula = compile(n, seed)
    formula.save(bytes(path))
    start = time.perf_counter()
    circuit = nsdl.Circuit.from_sdd(path, variables=n)
    how = (time.process_time, min) if options.processor else (time.perf_counter, statistics.median)
    seconds = partial(measured, *how)
    loaded = time.perf_counter() - start
    ours, theirs = {}, {}
    peer = None
    if klay is not None:
        peer = klay.Circuit()
        peer.add_sdd_from_file(str(path))
        peer = peer.to_torch_module(semiring="log", compile=options.compile)
    torch.manual_seed(seed)
    for batch in BATCHES:
        weights = (torch.rand(2, batch, n) * 0.8 + 0.1).log()
        # KLay does not smooth: equal sums of both weights are right for all.
        normal = (weights - weights.logsumexp(0)).unbind()
        found = step(circuit, weights.unbind())
        ours[batch] = seconds(lambda weights=weights: step(circuit, weights.unbind()))
        if peer is not None:
            close(*(logits(step(model, normal), normal) for model in (circuit, peer)), "KLay")
            theirs[batch] = seconds(lambda normal=normal: step(peer, normal))
    count = formula.wmc(log_mode=True)
    yes, no = (w[0].tolist() for w in weights)
    close(found, propagate(manager, count, yes, no), "PySDD")
    sdd = seconds(lambda: propagate(manager, count, yes, no))
    cells = [ms(loaded), ms(ours[128]), ms(ours[1])]
    for batch in BATCHES:
        cells += [ms(theirs[batch]), times(theirs[batch] / ours[batch])] if theirs else ["–", "–"]
    cells += [ms(sdd), times(sdd / ours[1])]
    print(f"{f'{n}, {seed}, {formula.size():,}':<24}" + "".join(f"{cell:>11}" for cell in cells), flush=True)


def compile(n, seed):
    """An SDD of a random 3-CNF with half as many clauses as variables."""
    draw = random.Random(1000 * n + seed)
    manager = SddManager(n)
    formula = manager.true()
    for _ in range(n // 2):
        clause = manager.false()
        for variable in draw.sample(range(1, n + 1), 3):
            clause |= manager.literal(draw.choice((-1, 1)) * variable)
        formula &= clause
    return manager, formula


def step(circuit, weights):
    """Counts of a batch, and the gradients of their sum."""
    weights = [w.detach().requires_grad_() for w in weights]
    counts = circuit(*weights)
    return counts.detach(), *torch.autograd.grad(counts.sum(), weights)


def logits(results, weights):
    """Counts, and gradients along normalised weights: what KLay has of them where it does not smooth."""
    counts, by_yes, by_no = results
    yes, no = (w.exp() for w in weights)
    return counts.reshape(-1), no * by_yes - yes * by_no


def propagate(manager, count, yes, no):
    """The same by PySDD, one sample: counts, and shares of literals as gradients."""
    for v in range(len(yes)):
        count.set_literal_weight(manager.literal(v + 1), yes[v])
        count.set_literal_weight(manager.literal(-v - 1), no[v])
    total = count.propagate()
    shares = [[count.literal_pr(manager.literal(sign * (v + 1))) for v in range(len(yes))] for sign in (1, -1)]
    return torch.tensor([total]), *(torch.tensor([share]).exp() for share in shares)


def close(found, wanted, name):
    for mine, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4, msg=lambda text: f"{name}: {text}")


def measured(clock, which, run, least=0.5):
    """The median or the least of as many runs as take some time, after one."""
    run()
    times = []
    while len(times) < 5 or (sum(times) < least and len(times) < 1_000):
        start = clock()
        run()
        times.append(clock() - start)
    return which(times)


def ms(time):
    return f"{1e3 * time:.3f} ms"


def times(ratio):
    return f"{ratio:.1f}×"


if __name__ == "__main__":
    main()
