"""nsdl.Module as a citizen of torch: workers, autocast, torch.compile, several processes."""

import os
import subprocess
import sys
import textwrap

import pytest

torch = pytest.importorskip("torch")

import nsdl  # noqa: E402

# What a script exits with where the machine has no loopback interface: CI's sandbox, a container without network.
# Torch's processes cannot meet there, with or without nsdl.
NO_NETWORK = 75

# What the scripts below have in common: a module with and one without facts per sample.
COMMON = """
import os, sys
import torch
import nsdl

SUM = "rel sum_2(a + b) = digit_1(a), digit_2(b)"
REACH = "type edge(i32, i32)\\nrel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))"

def sum_2(**options):
    return nsdl.Module(SUM, {"digit_1": range(10), "digit_2": range(10)}, {"sum_2": range(19)}, **options)

def reach(**options):
    return nsdl.Module(REACH, {"edge": None}, {"path": [(0, i) for i in range(1, 9)]}, **options)

def digits(n, seed=0):
    return torch.rand(n, 10, generator=torch.Generator().manual_seed(seed)).softmax(1)

def chains(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    p = torch.rand(n, 8, generator=generator)
    return [(p[i, : 1 + i % 8], [(j, j + 1) for j in range(1 + i % 8)]) for i in range(n)]
"""


def run(tmp_path, script, *arguments):
    """Starts a script, in a process of its own."""
    path = tmp_path / "script.py"
    if not path.exists():  # else a process started before this one may be reading it
        path.write_text(COMMON + textwrap.dedent(script))
    folder = os.path.dirname(os.path.dirname(nsdl.__file__))
    modules = os.pathsep.join([folder, os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(path), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": modules, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"},
    )


def finish(*processes):
    for process in processes:
        try:
            output, _ = process.communicate(timeout=300)
        finally:
            process.kill()
        if process.returncode == NO_NETWORK:
            for other in processes:
                other.kill()
                other.communicate()
            pytest.skip(f"torch's processes cannot meet: {output}")
        assert process.returncode == 0, output


WORKERS = """
    from torch.utils.data import DataLoader, Dataset

    class Labelled(Dataset):
        '''Samples with their answers: modules are called in the workers.'''
        def __init__(self):
            self.sum_2, self.reach = sum_2(provenance="topkproofs"), reach()
        def __len__(self):
            return 6
        def __getitem__(self, i):
            p = digits(512, i)
            facts = chains(64, i)
            return self.sum_2(digit_1=p, digit_2=p), self.reach(edge=facts)

    if __name__ == "__main__":
        data = Labelled()
        expected = [data[i] for i in range(len(data))]  # the threads of this process have worked
        loader = DataLoader(data, batch_size=None, num_workers=2, multiprocessing_context=sys.argv[1])
        for found, wanted in zip(loader, expected):
            for a, b in zip(found, wanted):
                torch.testing.assert_close(a, b, rtol=0, atol=0)
"""


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_workers_of_a_loader(tmp_path, how):
    if how == "fork" and sys.platform == "win32":
        pytest.skip("there is no fork")
    finish(run(tmp_path, WORKERS, how))


DISTRIBUTED = """
    from datetime import timedelta
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.read = torch.nn.Linear(4, 10)
            self.weigh = torch.nn.Linear(4, 8)
            self.add, self.reach = sum_2(), reach()
        def forward(self, x):
            first, second = self.read(x).softmax(1), self.read(-x).softmax(1)
            p = self.weigh(x).sigmoid()
            facts = [(p[i, : 1 + i % 8], [(j, j + 1) for j in range(1 + i % 8)]) for i in range(len(x))]
            return self.add(digit_1=first, digit_2=second)[:, 7].mean() + self.reach(edge=facts).mean()

    if __name__ == "__main__":
        rank = int(sys.argv[1])
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(1))
        alone = Model()
        ((alone(x[:8]) + alone(x[8:])) / 2).backward()
        try:
            place, limit = f"file://{sys.argv[2]}", timedelta(seconds=60)
            dist.init_process_group("gloo", init_method=place, rank=rank, world_size=2, timeout=limit)
        except Exception as error:
            print(error)
            sys.exit(75)
        model = DistributedDataParallel(Model())
        model(x[8 * rank : 8 * rank + 8]).backward()
        for a, b in zip(model.module.parameters(), alone.parameters()):
            torch.testing.assert_close(a.grad, b.grad)
        dist.destroy_process_group()
"""


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without torch.distributed")
def test_distributed_data_parallel(tmp_path):
    finish(*[run(tmp_path, DISTRIBUTED, rank, tmp_path / "store") for rank in range(2)])


COMPILED = """
    if __name__ == "__main__":
        read = torch.nn.Linear(4, 10)
        module = sum_2()

        def model(x):
            p = read(x).softmax(1)
            return module(digit_1=p, digit_2=p).clamp_min(1e-9).log().mean()

        x = torch.randn(8, 4)
        expected = torch.autograd.grad(model(x), read.weight)[0]
        compiled = torch.compile(model, backend=sys.argv[1])
        torch.testing.assert_close(compiled(x), model(x))
        torch.testing.assert_close(torch.autograd.grad(compiled(x), read.weight)[0], expected)
        graph = reach()
        p = torch.rand(3, requires_grad=True)
        def path(p):
            return graph(edge=[(p * 1.0, [(0, 1), (1, 2), (0, 2)])]).sum() * 2
        compiled = torch.compile(path, backend=sys.argv[1])
        torch.testing.assert_close(torch.autograd.grad(compiled(p), p)[0], torch.autograd.grad(path(p), p)[0])
"""


def test_torch_compile(tmp_path):
    # The symbolic part is a break in the graph: what lies before and after it is compiled. The backend "aot_eager"
    # traces as "inductor" does, and needs no C++ compiler.
    finish(run(tmp_path, COMPILED, "aot_eager"))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast(sum_2, dtype):
    torch.manual_seed(0)
    read = torch.nn.Linear(4, 10)
    module = sum_2()
    reach = nsdl.Module("type on(i32)\nrel some() = on(_)", {"on": None}, {"some": [()]})
    x = torch.randn(8, 4)

    def loss():
        p = read(x).softmax(1)
        facts = nsdl.Ragged(torch.arange(10).repeat(8).unsqueeze(1), p.flatten(), range(0, 81, 10))
        return module(digit_1=p, digit_2=p)[:, 9].mean() + reach(on=facts).mean(), p.dtype

    expected, _ = loss()
    wanted = torch.autograd.grad(expected, read.weight)[0]
    with torch.autocast("cpu", dtype=dtype):
        logits = read(x)
        assert logits.dtype == dtype
        found, _ = loss()
        half = module(digit_1=logits.softmax(1, dtype=dtype), digit_2=logits.softmax(1, dtype=dtype))
        assert half.dtype == dtype
    gradient = torch.autograd.grad(found, read.weight)[0]
    torch.testing.assert_close(found.float(), expected, rtol=0.02, atol=0.01)
    torch.testing.assert_close(gradient, wanted, rtol=0.1, atol=0.01)


def test_convolutions_under_autocast():
    module = nsdl.Module(
        "type digit(i32, i32)\nrel total(t) = t := sum[i](d: digit(i, d))",
        {"digit": nsdl.exclusive(nsdl.product(range(16), range(10)), dim=1)},
        {"total": range(145)},
        provenance="exact",
        backend="torch",
    )
    p = torch.rand(2, 16, 10, generator=torch.Generator().manual_seed(0)).softmax(2)
    expected = module(digit=p)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(module(digit=p), expected, rtol=0, atol=0)


def test_state_and_devices(sum_2):
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    model.add_module("sum", sum_2())
    model.add_module("reach", nsdl.Module("type on(i32)\nrel some() = on(_)", {"on": None}, {"some": [()]}))
    names = set(model.state_dict())
    assert names == {"0.weight", "0.bias"}
    model.load_state_dict(model.state_dict())
    model.double().float().to("cpu").train().eval().share_memory()
    assert not model[1].training
