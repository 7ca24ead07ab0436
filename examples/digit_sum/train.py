"""A network learns to read handwritten digits from nothing but their sums.

It never sees the label of a digit: the program sum_2.dl says what the sum of two digits is, nsdl differentiates
it, and the error of the sum teaches the network to read.

    cargo xtask demo                                    installs what is needed and runs this
    python examples/digit_sum/train.py --seed 1         runs it alone
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import matplotlib
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import nll_loss

import nsdl

matplotlib.use("Agg")
import matplotlib.pyplot as plt

PROGRAM = Path(__file__).with_name("sum_2.dl")


class Reader(nn.Sequential):
    """From images [batch, 1, 8, 8] to a distribution over the ten digits [batch, 10]."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.5),
            nn.Linear(512, 64), nn.ReLU(),
            nn.Linear(64, 10), nn.Softmax(dim=1),
        )  # fmt: skip


class SumOfDigits(nn.Module):
    """From pairs of images [batch, 2, 8, 8] to a distribution over the sums 0..18 [batch, 19]."""

    def __init__(self) -> None:
        super().__init__()
        self.read = Reader()
        self.add = nsdl.Module(
            PROGRAM, inputs={"digit_1": range(10), "digit_2": range(10)}, output={"sum_2": range(19)}
        )

    def digits(self, pairs: Tensor) -> tuple[Tensor, Tensor]:
        first, second = self.read(pairs.flatten(0, 1).unsqueeze(1)).view(-1, 2, 10).unbind(1)
        return first, second

    def forward(self, pairs: Tensor) -> Tensor:
        first, second = self.digits(pairs)
        return self.add(digit_1=first, digit_2=second)


def load(seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Training and test pairs: images [n, 2, 8, 8] and digits [n, 2]. Each image is in one pair only."""
    data = load_digits()
    images = torch.tensor(data.images, dtype=torch.float32) / 16
    digits = torch.tensor(data.target)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    held_out = len(order) // 5 + 1  # 20 %: 360 images, 180 pairs; 1,436 images remain for 718 training pairs

    def pairs(chosen: Tensor) -> tuple[Tensor, Tensor]:
        chosen = chosen[: len(chosen) // 2 * 2].view(-1, 2)
        return images[chosen], digits[chosen]

    return pairs(order[held_out:]), pairs(order[:held_out])


@torch.no_grad()
def accuracy(model: SumOfDigits, images: Tensor, digits: Tensor) -> tuple[float, float]:
    """The shares of digits and of sums that are read rightly."""
    model.eval()
    read = torch.stack([p.argmax(1) for p in model.digits(images)], dim=1)
    sums = model(images).argmax(1)
    return (read == digits).float().mean().item(), (sums == digits.sum(1)).float().mean().item()


def train(
    model: SumOfDigits, images: Tensor, sums: Tensor, test: tuple[Tensor, Tensor], epochs: int, batch: int
) -> list[tuple[float, float, float]]:
    """Learns from pairs of images and their sums; loss, digit and sum accuracy on the test pairs, an epoch each."""
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    history = []
    for epoch in range(1, epochs + 1):
        model.train()
        losses = []
        for chosen in torch.randperm(len(images)).split(batch):
            loss = nll_loss(model(images[chosen]).clamp_min(1e-9).log(), sums[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        schedule.step()
        history.append((statistics.fmean(losses), *accuracy(model, *test)))
        progress(epoch, epochs, *history[-1])
    return history


def progress(epoch: int, epochs: int, loss: float, digit: float, total: float) -> None:
    bar = "█" * (24 * epoch // epochs)
    line = f"epoch {epoch:>2}/{epochs} {bar:░<24} loss {loss:.3f}  digits {digit:.3f}  sums {total:.3f}"
    if sys.stderr.isatty():
        print("\r" + line, end="" if epoch < epochs else "\n", file=sys.stderr, flush=True)
    elif epoch % 5 == 0 or epoch in (1, epochs):
        print(line, file=sys.stderr, flush=True)


def symbolic_time(model: SumOfDigits, images: Tensor) -> float:
    """Median milliseconds of the program's part of a training step, forward and backward."""
    model.eval()
    probabilities = [p.detach().requires_grad_() for p in model.digits(images)]
    times = []
    for _ in range(300):
        start = time.perf_counter()
        sums = model.add(digit_1=probabilities[0], digit_2=probabilities[1])
        torch.autograd.grad(sums, probabilities, torch.ones_like(sums))
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def explain(model: SumOfDigits, images: Tensor, digits: Tensor) -> None:
    """Prints why the sum of one pair came out: of all test pairs, the one whose sum is least sure but right."""
    model.eval()
    with torch.no_grad():
        first, second = model.digits(images)
        sums = model.add(digit_1=first, digit_2=second)
    best = sums.max(1)
    right = best.indices == digits.sum(1)
    i = int(torch.where(right, best.values, 2.0).argmin())
    total = int(best.indices[i])
    print(f"\nwhy does test pair {i} ({digits[i, 0]} and {digits[i, 1]}) sum to {total}?")
    print(f"It does with probability {best.values[i]:.4f}, and these are the ways:")
    for proof in model.add.why(total, k=4, digit_1=first[i], digit_2=second[i]):
        print(f"  {proof.probability:.6f}  {' and '.join(map(str, proof.reasons))}")


@torch.no_grad()
def picture(
    model: SumOfDigits, images: Tensor, digits: Tensor, history: list[tuple[float, float, float]], path: Path
) -> None:
    """The learning curve, and a sheet of test pairs with what was read; mistakes in red."""
    model.eval()
    read = torch.stack([p.argmax(1) for p in model.digits(images)], dim=1)
    sums = model(images).argmax(1)
    figure = plt.figure(figsize=(13, 6), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(4, 6))
    axes = left.subplots()
    epochs = range(1, len(history) + 1)
    axes.plot(epochs, [h[2] for h in history], label="sums", color="#1f77b4")
    axes.plot(epochs, [h[1] for h in history], label="digits, of which no label was ever seen", color="#2ca02c")
    axes.set(xlabel="epoch", ylabel="accuracy on held-out pairs", ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    for i, cell in enumerate(right.subplots(5, 6).flat):
        cell.imshow(torch.cat(list(images[i]), dim=1), cmap="gray_r")
        mistaken = bool(sums[i] != digits[i].sum())
        cell.set_title(
            f"{read[i, 0]} + {read[i, 1]} = {sums[i]}", fontsize=10, color="#d62728" if mistaken else "black"
        )
        cell.set_axis_off()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--out", type=Path, default=Path(".demo"), help="folder of the picture")
    options = parser.parse_args()

    torch.set_num_threads(1)  # the network is so small that threads would mostly wait for each other
    torch.manual_seed(options.seed)
    (images, digits), test = load(options.seed)
    model = SumOfDigits()
    print(f"{len(images)} training pairs, {len(test[0])} test pairs, seed {options.seed}; labels: sums only")

    start = time.perf_counter()
    history = train(model, images, digits.sum(1), test, options.epochs, options.batch)
    seconds = time.perf_counter() - start
    steps = options.epochs * -(-len(images) // options.batch)

    explain(model, *test)
    path = options.out / f"digit_sum-seed{options.seed}.png"
    picture(model, *test, history, path)
    digit, total = accuracy(model, *test)
    print(f"\nlearning curve and test pairs: {path}")
    symbolic = symbolic_time(model, images[: options.batch])
    print(f"training took {seconds:.1f} s, a step {1e3 * seconds / steps:.2f} ms, the program's part {symbolic:.3f} ms")
    print(f"digit accuracy {digit:.3f}")
    print(f"sum accuracy {total:.3f}")


if __name__ == "__main__":
    main()
