"""The package without torch, and the extension without libtorch."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import nsdl
from nsdl import _nsdl

pytestmark = pytest.mark.skipif(hasattr(_nsdl, "TchModule"), reason="built with the feature tch, which needs torch")

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # makes every import of torch fail
import nsdl
ctx = nsdl.Context()
ctx.add_facts("edge", [(0, 1)], probs=[0.5])
ctx.add_program("rel r(b) = edge(a, b)")
ctx.run()
assert ctx.relation("r") == [(0.5, (1,))]
nsdl.independent([1, 2])
try:
    nsdl.Module
except ImportError as reason:
    assert "torch" in str(reason), reason
else:
    raise AssertionError("nsdl.Module without torch")
"""


def test_the_package_works_without_torch():
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH], check=True)


def test_importing_nsdl_does_not_import_torch():
    subprocess.run([sys.executable, "-c", "import nsdl, sys; assert 'torch' not in sys.modules"], check=True)


def test_the_extension_links_no_libtorch():
    # Names of needed libraries are plain bytes in the file, and so would be the symbols of torch.
    library = Path(_nsdl.__file__).read_bytes()
    for name in (b"libtorch", b"libc10", b"_ZN2at", b"_ZN3c10"):
        assert name not in library, name


def test_versions_agree():
    assert nsdl.__version__ == metadata.version("nsdl")


def test_nothing_is_required_but_torch_on_request():
    requirements = metadata.requires("nsdl") or []
    assert all("extra ==" in requirement for requirement in requirements), requirements


def test_the_package_is_typed():
    folder = Path(nsdl.__file__).parent
    assert (folder / "py.typed").exists()
    assert (folder / "_nsdl.pyi").exists()


def test_the_stub_names_what_there_is():
    stub = (Path(nsdl.__file__).parent / "_nsdl.pyi").read_text()
    for name in (n for n in dir(_nsdl) if not n.startswith("__")):
        assert name in stub, name
        for member in (m for m in dir(getattr(_nsdl, name)) if not m.startswith("__")):
            assert f"{member}(" in stub or f"{member}:" in stub, f"{name}.{member}"
