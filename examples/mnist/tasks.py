"""The small tasks on handwritten digits: a network learns from sums, comparisons or counts of a few of them.

Each task is a program in tasks/ over digits at places, and goes by its name. Labels are what the program says of the
true digits; those of images are seen by nobody. Each image is in one sample.

    python examples/mnist/tasks.py --task sum_2 --data ../shared/data/mnist --images 20000 --epochs 5
    python examples/mnist/tasks.py --task how_many_3          scikit-learn's digits
"""

import time
from pathlib import Path

import torch
from digits import Reader, load, options, train
from torch import Tensor
from torch.nn.functional import one_hot

import nsdl

# How many digits a sample of each task has.
PLACES = {
    "identity": 1, "not_3_or_4": 1,
    "sum_2": 2, "mult_2": 2, "mod_2": 2, "add_mod_3": 2, "eq_2": 2, "sort_2": 2, "is_3_and_4": 2,
    "sum_3": 3, "add_sub": 3,
    "sum_4": 4, "sum_double_2": 4,
    "how_many_3": 8, "how_many_3_or_4": 8, "how_many_not_3": 8, "how_many_not_3_and_not_4": 8,
}  # fmt: skip


def main() -> None:
    chosen = options(__doc__, task="sum_2", images=10_000, epochs=1, batch=64, rate=2e-3)
    if chosen.task not in PLACES:
        raise SystemExit(f"no task {chosen.task}; there are {', '.join(PLACES)}")
    n = PLACES[chosen.task]
    began = time.process_time()
    program = nsdl.Module(
        Path(__file__).parent / "tasks" / f"{chosen.task}.dl",
        inputs={"digit": nsdl.exclusive(nsdl.product(range(n), range(10)), dim=1)},  # at each place one of ten
        output=chosen.task,
    )
    compiled = time.process_time() - began
    data, held_out = load(chosen.data)
    fixed = torch.Generator().manual_seed(chosen.seed)
    samples, tests = data.groups(n, fixed)[: chosen.images // n], held_out.groups(n, fixed)
    # Of digits that are sure, the program's results are, too.
    wanted = program(digit=one_hot(data.labels[samples], 10).float())
    answers = program(digit=one_hot(held_out.labels[tests], 10).float())

    def batches():
        for rows in torch.randperm(len(samples)).split(chosen.batch):

            def loss(read: Tensor, rows: Tensor = rows) -> Tensor:
                results = program(digit=read.view(len(rows), n, 10))
                return -chance(results, wanted[rows]).clamp_min(1e-9).log().mean()

            yield data.images[samples[rows].flatten()], loss

    def test() -> str:
        read = reader.read(held_out.images)
        right = best(program(digit=read[tests])) == best(answers)
        digits = read.argmax(1) == held_out.labels
        return f"digits {digits.float().mean():.3f}, {chosen.task} {right.float().mean():.3f}"

    print(f"{chosen.task}: {len(samples)} samples of {n} digits, {len(tests)} to test with; seed {chosen.seed}")
    print(f"compiled in {1e3 * compiled:.1f} ms of the processor")
    reader = Reader()
    train(reader, batches, test, chosen.epochs, -(-len(samples) // chosen.batch), chosen.rate)


def chance(results: Tensor, right: Tensor) -> Tensor:
    """How probable the right result is, [n]: one of several that exclude each other, or whether a single one holds."""
    chances = results * right
    return (chances if results.shape[1] > 1 else chances + (1 - results) * (1 - right)).sum(1)


def best(results: Tensor) -> Tensor:
    """The most probable result, [n]."""
    return results.argmax(1) if results.shape[1] > 1 else results[:, 0] > 0.5


if __name__ == "__main__":
    main()
