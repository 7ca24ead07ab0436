"""The same program gives the same values through Python and the command line, and the same gradients as tch.

agreement.json has what enumeration of possible worlds gives (agreement.py); the tests of crates/nsdl-tch compare with
the same file.
"""

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest

import nsdl

CASES = json.loads(Path(__file__).with_name("agreement.json").read_text(encoding="utf-8"))
ROOT = Path(__file__).parents[2]
TOLERANCE = 1e-9


def rows(mapping):
    return [tuple(row) for row in mapping]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
@pytest.mark.parametrize("backend", ["kernels", "torch", *(["tch"] if hasattr(nsdl._nsdl, "TchModule") else [])])
def test_modules(case, backend):
    torch = pytest.importorskip("torch")
    mapping = {
        i["relation"]: rows(i["mapping"]) if i["exclusive"] else nsdl.independent(rows(i["mapping"]))
        for i in case["inputs"]
    }
    output = case["output"]
    module = nsdl.Module(case["program"], mapping, {output["relation"]: rows(output["mapping"])}, backend=backend)
    inputs = {
        i["relation"]: torch.tensor(i["weights"], dtype=torch.float64, requires_grad=True) for i in case["inputs"]
    }
    result = module(**inputs)
    torch.testing.assert_close(result, torch.tensor(output["values"], dtype=torch.float64), rtol=0, atol=TOLERANCE)
    factors = torch.tensor(output["factors"], dtype=torch.float64)
    gradients = torch.autograd.grad((result * factors).sum(), list(inputs.values()))
    for gradient, expected in zip(gradients, case["inputs"], strict=True):
        wanted = torch.tensor(expected["gradients"], dtype=torch.float64)
        torch.testing.assert_close(gradient, wanted, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_contexts(case):
    output = case["output"]
    for sample, values in enumerate(output["values"]):
        ctx = nsdl.Context()
        ctx.add_program(case["program"])
        for i in case["inputs"]:
            ctx.add_facts(i["relation"], rows(i["mapping"]), probs=i["weights"][sample], exclusive=i["exclusive"])
        ctx.run()
        found = {row: p for p, row in ctx.relation(output["relation"])}
        for row, expected in zip(rows(output["mapping"]), values, strict=True):
            assert found.get(row, 0.0) == pytest.approx(expected, abs=TOLERANCE)


def command():
    """The nsdl command, built by ``cargo xtask test`` or named by NSDL."""
    candidates = [os.environ.get("NSDL"), ROOT / "target/debug/nsdl", ROOT / "target/release/nsdl"]
    return next((path for path in candidates if path and Path(path).exists()), None)


@pytest.mark.skipif(command() is None, reason="the nsdl command is not built")
@pytest.mark.parametrize(
    "case", [c for c in CASES if not any(i["exclusive"] for i in c["inputs"])], ids=lambda case: case["name"]
)
def test_the_command_line(case, tmp_path):
    output = case["output"]
    program = tmp_path / "program.dl"
    program.write_text(case["program"], encoding="utf-8")
    for sample, values in enumerate(output["values"]):
        facts = []
        for i in case["inputs"]:
            path = tmp_path / f"{i['relation']}.csv"
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([p, *row] for p, row in zip(i["weights"][sample], i["mapping"], strict=True))
            facts += ["--facts", f"{i['relation']}={path}"]
        arguments = [
            command(),
            "run",
            program,
            "-p",
            "exact",
            "-q",
            output["relation"],
            "--format",
            "json",
            *facts,
        ]
        printed = subprocess.run(arguments, check=True, capture_output=True, encoding="utf-8").stdout
        found = {tuple(answer["tuple"]): answer["tag"] for answer in json.loads(printed)[output["relation"]]}
        for row, expected in zip(rows(output["mapping"]), values, strict=True):
            assert found.get(row, 0.0) == pytest.approx(expected, abs=TOLERANCE)
