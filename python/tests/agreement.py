"""Writes agreement.json: what every way of use must compute, found by enumeration of possible worlds.

Nothing of nsdl is used here. For each case the file has a program, the weights of its inputs, the probabilities of
its outputs, weights of the outputs, and the gradients of the weighted sum of outputs.

    python python/tests/agreement.py
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

Row = tuple[Any, ...]
World = dict[str, set[Row]]


def case(
    name: str,
    program: str,
    inputs: dict[str, tuple[list[Row], bool]],
    output: tuple[str, list[Row]],
    model: Callable[[World], set[Row]],
    batch: int = 3,
) -> dict[str, Any]:
    """One case; ``inputs`` are mapping and exclusiveness, ``model`` the output tuples that hold in a world."""
    generator = torch.Generator().manual_seed(len(name))
    weights = {}
    for relation, (mapping, exclusive) in inputs.items():
        values = torch.rand(batch, len(mapping), generator=generator, dtype=torch.float64)
        # Some mass of an exclusive input is left for "none of them".
        weights[relation] = (0.9 * values / values.sum(1, keepdim=True) if exclusive else values).requires_grad_()
    relation, tuples = output
    columns = [torch.zeros(batch, dtype=torch.float64) for _ in tuples]
    for world, weight in worlds(inputs, weights):
        holds = model(world)
        columns = [column + weight if row in holds else column for row, column in zip(tuples, columns, strict=True)]
    result = torch.stack(columns, dim=1)
    factors = torch.rand(result.shape, generator=generator, dtype=torch.float64)
    gradients = torch.autograd.grad((result * factors).sum(), list(weights.values()))
    return {
        "name": name,
        "program": program,
        "inputs": [
            {
                "relation": r,
                "mapping": inputs[r][0],
                "exclusive": inputs[r][1],
                "weights": weights[r].tolist(),
                "gradients": gradient.tolist(),
            }
            for r, gradient in zip(weights, gradients, strict=True)
        ],
        "output": {
            "relation": relation,
            "mapping": tuples,
            "values": result.tolist(),
            "factors": factors.tolist(),
        },
    }


def worlds(
    inputs: dict[str, tuple[list[Row], bool]], weights: dict[str, torch.Tensor]
) -> Iterator[tuple[World, torch.Tensor]]:
    """Every combination of input facts with its probability, one per sample."""
    choices: list[list[tuple[str, set[Row], torch.Tensor]]] = []
    for relation, (mapping, exclusive) in inputs.items():
        p = weights[relation]
        if exclusive:
            members = [(relation, {row}, p[:, i]) for i, row in enumerate(mapping)]
            choices.append([*members, (relation, set(), 1 - p.sum(1))])
        else:
            choices.extend(
                [(relation, {row}, p[:, i]), (relation, set(), 1 - p[:, i])] for i, row in enumerate(mapping)
            )
    for chosen in itertools.product(*choices):
        world: World = {relation: set() for relation in inputs}
        weight = torch.ones(len(next(iter(weights.values()))), dtype=torch.float64)
        for relation, rows, p in chosen:
            world[relation] |= rows
            weight = weight * p
        yield world, weight


def closure(edges: set[Row]) -> set[Row]:
    paths = set(edges)
    while True:
        longer = paths | {(a, d) for a, b in paths for c, d in edges if b == c}
        if longer == paths:
            return paths
        paths = longer


def main() -> None:
    digits: list[Row] = [(i,) for i in range(10)]
    edges: list[Row] = [(0, 1), (1, 2), (2, 1), (1, 3), (0, 3), (2, 3)]
    pairs: list[Row] = list(itertools.product(range(3), range(3)))
    cases = [
        case(
            "sum of two digits",
            "type digit_1(u32), digit_2(u32)\nrel sum_2(a + b) = digit_1(a), digit_2(b)",
            {"digit_1": (digits, True), "digit_2": (digits, True)},
            ("sum_2", [(i,) for i in range(19)]),
            lambda w: {(a + b,) for (a,) in w["digit_1"] for (b,) in w["digit_2"]},
        ),
        case(
            "paths through a cycle",
            "type edge(u8, u8)\nrel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))",
            {"edge": (edges, False)},
            ("path", [(0, 1), (0, 2), (0, 3), (1, 1), (3, 0)]),
            lambda w: closure(w["edge"]),
        ),
        case(
            "what is not reached",
            "type edge(u8, u8)\nrel node = {0, 1, 2, 3}\nrel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))\n"
            "rel apart(a) = node(a), not path(0, a)",
            {"edge": (edges, False)},
            ("apart", [(i,) for i in range(4)]),
            lambda w: {(i,) for i in range(4) if (0, i) not in closure(w["edge"])},
        ),
        case(
            "a count over two kinds of input",
            "type seen(u8, u8), ok(u8)\nrel good(i) = seen(i, _), ok(i)\nrel n(x) = x := count(i: good(i))",
            {"seen": (pairs[:6], True), "ok": ([(0,), (1,), (2,)], False)},
            ("n", [(i,) for i in range(4)]),
            lambda w: {(len({i for i, _ in w["seen"] if (i,) in w["ok"]}),)},
        ),
        case(
            "text and a rule that chooses",
            'type cause(String)\nrel effect("smoke") = cause("fire")\n'
            'rel effect("noise") = cause("fire") or cause("party")\n'
            'rel calm() = not effect("smoke"), not effect("noise")\n'
            'rel report("calm") = calm()\nrel report(x) = effect(x)',
            {"cause": ([("fire",), ("party",)], False)},
            ("report", [("calm",), ("noise",), ("smoke",)]),
            lambda w: (
                ({("smoke",), ("noise",)} if ("fire",) in w["cause"] else set())
                | ({("noise",)} if ("party",) in w["cause"] else set())
                | ({("calm",)} if not w["cause"] else set())
            ),
        ),
    ]
    text = json.dumps(cases, indent=1)
    Path(__file__).with_suffix(".json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
