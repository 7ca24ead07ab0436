"""Tensors that are not on the host: where they are evaluated, by what copies, and with the same answers."""

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from nsdl.device import way  # noqa: E402

HERE = Path(__file__).parent


@pytest.mark.parametrize("device", ["cuda", "mps", "xpu", "elsewhere"])
def test_the_way_of_a_call(device):
    for layered in (True, False):
        for log in (True, False):
            assert way("auto", "cpu", layered, log) == "kernels"
            assert way("auto", device, layered, log) == ("torch" if layered and not log else "kernels")
            for backend in ("kernels", "torch", "tch"):
                assert way(backend, device, layered, log) == way(backend, "cpu", layered, log) == backend


def test_on_a_device_of_its_own():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE / "on_elsewhere.py")]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, timeout=600)
    if done.returncode == 5:  # nothing was collected
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
