"""The examples in Python run: those that need nothing but this package give what they say; trainings learn."""

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
TASKS = sorted(path.stem for path in (EXAMPLES / "mnist" / "tasks").glob("*.dl"))


def run(monkeypatch, script, *arguments):
    """Runs a script as `python examples/SCRIPT` does."""
    path = EXAMPLES / script
    monkeypatch.setattr(sys, "argv", [str(path), *arguments])
    monkeypatch.syspath_prepend(str(path.parent))
    runpy.run_path(str(path), run_name="__main__")


def test_foreign(capsys):
    runpy.run_path(str(EXAMPLES / "foreign" / "orders.py"), run_name="__main__")
    assert capsys.readouterr().out.splitlines() == [
        "'beer' means Beer with probability 1.000",
        "'cofee' means Coffee with probability 0.909",
        "'cofee' means Toffee with probability 0.091",
        "'te' means Mate with probability 0.091",
        "'te' means Tea with probability 0.909",
        "the price in the middle is 3 with probability 0.909",
        "the price in the middle is 4 with probability 0.083",
        "the price in the middle is 5 with probability 0.008",
    ]


def test_constraint(monkeypatch, capsys):
    pytest.importorskip("torch")
    run(monkeypatch, "constraint.py")
    alone, together = (float(line.split(": ")[1]) for line in capsys.readouterr().out.splitlines())
    assert alone + 0.03 < together


@pytest.mark.parametrize("task", TASKS)
def test_mnist_tasks(task, monkeypatch, capsys):
    pytest.importorskip("sklearn")
    run(monkeypatch, "mnist/tasks.py", "--task", task, "--images", "256")
    assert f"{task} " in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("mnist/add.py", ["--digits", "2", "--epochs", "5", "--batch", "8", "--rate", "3e-3"]),
        ("mnist/sum.py", ["--digits", "4", "--epochs", "5"]),
    ],
)
def test_mnist_learns(script, arguments, monkeypatch, capsys):
    """From nothing but sums: better than chance, which reads one digit of ten."""
    pytest.importorskip("sklearn")
    run(monkeypatch, script, *arguments)
    last = capsys.readouterr().out.splitlines()[-1]
    assert float(last.split("digits ")[1].split(",")[0]) > 0.5, last
