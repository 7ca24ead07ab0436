"""The examples in Python that need nothing but this package run, and give what they say."""

import runpy
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


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
