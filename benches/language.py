"""How long the language takes where programs are large, and what keyed relations and demand save.

    cargo build --release -p nsdl-cli
    python3 benches/language.py            # each figure is the least of five runs of target/release/nsdl

Processor time of the whole process, start and reading of the file included, so that others on the machine matter
little.
"""

import os
import random
import resource
import subprocess
import sys
import tempfile

NSDL = sys.argv[1] if len(sys.argv) > 1 else "target/release/nsdl"


def lines(n):
    """A program of `n` lines: facts, rules, aggregates."""
    text = ["type edge(a: i32, b: i32)"]
    for i in range((n - 1) // 5):
        text += [
            f"rel edge({i}, {i + 1})",
            f"rel path_{i}(a, b) = edge(a, b), a > {i}",
            f"rel path_{i}(a, c) = path_{i}(a, b), edge(b, c), c < {i} + 9",
            f"rel count_{i}(n) = n := count(b: path_{i}(_, b))",
            f"query count_{i}",
        ]
    return "\n".join(text + ["query edge"] * (n - len(text)))


def shortest(keyed, nodes, edges):
    """Costs of paths from 0 in a graph without cycles, which has very many."""
    draw = random.Random(0)
    rows = sorted({tuple(sorted(draw.sample(range(nodes), 2))) for _ in range(edges)})
    facts = ", ".join(f"({a}, {b}, {draw.randrange(1, 1000)})" for a, b in rows)
    start = f"rel edge = {{{facts}}}\n"
    if keyed:
        return start + "type d(b: i32, keep min c: i32)\nrel d(0, 0)\nrel d(b, c + w) = d(a, c), edge(a, b, w)\nquery d"
    return (
        start
        + "type d(b: i32, c: i32)\nrel d(0, 0)\nrel d(b, c + w) = d(a, c), edge(a, b, w)\n"
        + "rel best(b, m) = m := min(c: d(b, c))\nquery best"
    )


def chains(n, length):
    """`n` chains, of which a query asks for one."""
    facts = ", ".join(f"({c * length + i}, {c * length + i + 1})" for c in range(n) for i in range(length - 1))
    rules = "rel path(a, b) = edge(a, b) or (path(a, c) and edge(c, b))\nquery path(0, _)"
    return f"rel edge = {{{facts}}}\n{rules}"


PROGRAMS = [
    ("check, 10,000 lines", "check", lines(10_000), []),
    ("check, 1,000 nested parentheses", "check", f"rel p({'(' * 1000}1{')' * 1000})\nquery p", []),
    ("check, a string of 10 MB", "check", f'rel p("{"x" * 10_000_000}")\nquery p', []),
    (
        "check, 100,000 facts",
        "check",
        f"rel p = {{{', '.join(f'({i}, {i + 1})' for i in range(100_000))}}}\nquery p",
        [],
    ),
    ("run, 100,000 facts", "run", f"rel p = {{{', '.join(f'({i}, {i + 1})' for i in range(100_000))}}}\nquery p", []),
    ("run, shortest paths of 300 nodes, keyed", "run", shortest(True, 300, 3_000), []),
    ("… all costs, then `min`", "run", shortest(False, 300, 3_000), []),
    ("run, one of 200 chains of 100, on demand", "run", chains(200, 100), []),
    ("… in full (`--no-demand`)", "run", chains(200, 100), ["--no-demand"]),
]


def spent():
    """Seconds of processor time of all children that ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name, command, text, options in PROGRAMS:
            path = os.path.join(folder, "program.dl")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            best = float("inf")
            for _ in range(5):
                start = spent()
                done = subprocess.run(
                    [NSDL, command, *options, path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
                )
                best = min(best, spent() - start)
                if done.returncode != 0:
                    sys.exit(f"{name}: {done.stderr.decode()[:2000]}")
            print(f"| {name} | {best * 1000:.0f} ms |", flush=True)


main()
