"""A function, a predicate and an aggregate in Python, for orders.dl: ``python examples/foreign/orders.py``."""

from pathlib import Path

import nsdl
from nsdl import Exclusive, Facts

DRINKS = ["tea", "mate", "coffee", "toffee", "beer"]


@nsdl.foreign_function
def label(drink: str) -> str:
    return drink[0].upper() + drink[1:]


@nsdl.foreign_predicate
def reading(note: str) -> Facts[Exclusive, tuple[str]]:
    """One of the drinks, the more probable the fewer letters are wrong."""
    guesses = {drink: 0.1 ** distance(note, drink) for drink in DRINKS if distance(note, drink) <= 2}
    for drink, weight in guesses.items():
        yield weight / sum(guesses.values()), drink


@nsdl.foreign_aggregate
def median(prices: list[int]) -> int | None:
    """Of an even number the lower one."""
    return sorted(prices)[(len(prices) - 1) // 2] if prices else None


def distance(a: str, b: str) -> int:
    """How many letters must be inserted, removed or replaced to make one word of the other (Levenshtein)."""
    costs = list(range(len(b) + 1))
    for letter in a:
        corner, costs[0] = costs[0], costs[0] + 1
        for i, other in enumerate(b):
            replaced = corner + (letter != other)
            corner = costs[i + 1]
            costs[i + 1] = min(replaced, corner + 1, costs[i] + 1)
    return costs[-1]


def answers() -> nsdl.Context:
    ctx = nsdl.Context()
    ctx.register(label, reading, median)
    ctx.add_file(Path(__file__).with_name("orders.dl"))
    ctx.run()
    return ctx


if __name__ == "__main__":
    ctx = answers()
    for p, (note, drink) in ctx.relation("shown"):
        print(f"{note!r} means {drink} with probability {p:.3f}")
    for p, (price,) in ctx.relation("middle"):
        print(f"the price in the middle is {price} with probability {p:.3f}")
