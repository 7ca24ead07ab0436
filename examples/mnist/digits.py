"""What the examples of this folder share: images of digits, a network that reads them, and the steps of its training.

They train on MNIST, whose four files ``*-ubyte.gz`` are in the folder that ``--data`` names; without it on the 1,797
digits that scikit-learn brings, enlarged.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


@dataclass
class Digits:
    images: Tensor  # [n, 1, 28, 28], of mean 0 and deviation 1, nearly
    labels: Tensor  # [n]

    def __len__(self) -> int:
        return len(self.labels)

    def groups(self, size: int, generator: torch.Generator | None = None) -> Tensor:
        """Numbers of images, in a random order and ``size`` in each row: [n // size, size]. A rest is left out."""
        order = torch.randperm(len(self), generator=generator)
        return order[: len(self) // size * size].view(-1, size)


def load(folder: Path | None) -> tuple[Digits, Digits]:
    """Digits to train on and to test with."""
    if folder is None:
        from sklearn.datasets import load_digits

        data = load_digits()
        images = interpolate(torch.tensor(data.images).float().unsqueeze(1) / 16, size=28, mode="bilinear")
        digits = Digits((images - 0.3) / 0.36, torch.tensor(data.target))
        return Digits(digits.images[360:], digits.labels[360:]), Digits(digits.images[:360], digits.labels[:360])

    def numbers(name: str, header: int) -> Tensor:
        content = gzip.decompress((folder / f"{name}-ubyte.gz").read_bytes())
        return torch.frombuffer(bytearray(content[header:]), dtype=torch.uint8)

    def part(name: str) -> Digits:
        images = numbers(f"{name}-images-idx3", 16).view(-1, 1, 28, 28).float() / 255
        return Digits((images - 0.1307) / 0.3081, numbers(f"{name}-labels-idx1", 8).long())

    return part("train"), part("t10k")


class Reader(nn.Sequential):
    """From images [n, 1, 28, 28] to distributions over the ten digits [n, 10]; a small LeNet, or layers to logits."""

    def __init__(self, *layers: nn.Module) -> None:
        lenet = (
            nn.Conv2d(1, 16, 5), nn.MaxPool2d(2), nn.ReLU(),
            nn.Conv2d(16, 32, 5), nn.MaxPool2d(2), nn.ReLU(),
            nn.Flatten(), nn.Dropout(0.25), nn.Linear(512, 128), nn.ReLU(), nn.Dropout(0.25), nn.Linear(128, 10),
        )  # fmt: skip
        super().__init__(*(layers or lenet), nn.Softmax(dim=1))

    @torch.no_grad()
    def read(self, images: Tensor) -> Tensor:
        """The same without gradients, of any number of images."""
        self.eval()
        found = torch.cat([self(part) for part in images.split(500)])
        self.train()
        return found


def train(
    reader: Reader,
    batches: Callable[[], Iterator[tuple[Tensor, Callable[[Tensor], Tensor]]]],
    test: Callable[[], str],
    epochs: int,
    steps: int,
    rate: float,
    every: int = 1,
) -> None:
    """Trains the reader with Adam, whose rate falls to 0 along a cosine, and prints a line every so many epochs.

    An epoch has ``steps`` batches: images [n, 1, 28, 28], and a function that takes the distributions read from them,
    [n, 10], through the program to a loss. The time of the program is that of this function and its gradient.
    """
    optimizer = torch.optim.Adam(reader.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
    for epoch in range(1, epochs + 1):
        start, began = time.perf_counter(), time.process_time()
        program = total = 0.0
        for images, loss in batches():
            read = reader(images)
            # The program's part is cut out of the graph between `given` and its loss, to time it.
            given, before = read.detach().requires_grad_(), time.process_time()
            value = loss(given)
            value.backward()
            program += time.process_time() - before
            optimizer.zero_grad()
            read.backward(given.grad)
            optimizer.step()
            schedule.step()
            total += value.item()
        wall, processor = time.perf_counter() - start, time.process_time() - began
        if epoch % every and epoch < epochs:
            continue
        print(
            f"epoch {epoch:>3}: loss {total / steps:.4f}, {test()}; {wall:.1f} s, of the processor {processor:.2f} s, "
            f"the program's part {program:.3f} s ({program / processor:.1%})",
            flush=True,
        )


def options(description: str, **defaults: float) -> argparse.Namespace:
    """What the command line says: the data, the seed, and whatever else has a default."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the files of MNIST; scikit-learn's digits without it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(chosen.seed)
    return chosen
