"""The symbolic part of a training step in Python: `nsdl.Module` beside the same circuit written in torch operations.

Run with a Python that has torch and nsdl: `.venv/bin/python benches/python_step.py`.
"""

import statistics
import time

import torch

import nsdl

BATCH = 64
PROGRAM = "rel sum_2(a + b) = digit_1(a), digit_2(b)"


def by_hand(p, q):
    """The distribution of the sum: every product of digits, added up where the sums agree."""
    products = (p[:, :, None] * q[:, None, :]).reshape(len(p), 100)
    return torch.zeros(len(p), 19, dtype=p.dtype).index_add(1, SUMS, products)


SUMS = (torch.arange(10)[:, None] + torch.arange(10)[None, :]).reshape(-1)


def time_step(function, dtype):
    """Median seconds of forward and backward, as in training: gradients flow on to what made the inputs."""
    generator = torch.Generator().manual_seed(0)
    p, q = (torch.rand(BATCH, 10, dtype=dtype, generator=generator).softmax(1).requires_grad_() for _ in range(2))
    weights = torch.rand(BATCH, 19, dtype=dtype, generator=generator)
    taken = []
    for step in range(2_200):
        p.grad = q.grad = None
        start = time.perf_counter()
        out = function(p, q)
        (out * weights).sum().backward()
        if step >= 200:
            taken.append(time.perf_counter() - start)
    return statistics.median(taken), out.detach(), p.grad, q.grad


def main():
    digits = range(10)
    module = nsdl.Module(PROGRAM, inputs={"digit_1": digits, "digit_2": digits}, output={"sum_2": range(19)})
    functions = {
        "torch operations by hand": by_hand,
        "nsdl.Module": lambda p, q: module(digit_1=p, digit_2=q),
        "nsdl.Module, validate=False": None,
    }
    plain = nsdl.Module(
        PROGRAM, inputs={"digit_1": digits, "digit_2": digits}, output={"sum_2": range(19)}, validate=False
    )
    functions["nsdl.Module, validate=False"] = lambda p, q: plain(digit_1=p, digit_2=q)
    threads = torch.get_num_threads()
    print(f"sum_2, batch {BATCH}, forward and backward, loss included; torch {torch.__version__}, {threads} threads")
    for dtype in (torch.float32, torch.float64):
        hand, *expected = time_step(by_hand, dtype)
        for name, function in functions.items():
            seconds, *got = time_step(function, dtype)
            for a, b in zip(got, expected, strict=True):
                torch.testing.assert_close(a, b)
            print(f"{dtype!s:<14} {name:<30} {seconds * 1e6:8.1f} µs, ratio {seconds / hand:.2f}")


if __name__ == "__main__":
    main()
