"""A network learns to read digits from sums of 1,024 of them, 0 to 9,216 each.

The program sum.dl is one `sum`; its distribution over all sums is exact, a convolution over 10^1024 worlds. Labels are
sums; those of images are seen by nobody. Every epoch shares the images out anew: of MNIST's 60,000 are 58 sums.

    python examples/mnist/sum.py --data ../shared/data/mnist
    python examples/mnist/sum.py --digits 16 --epochs 3        scikit-learn's digits, shorter sums
"""

import time
from pathlib import Path

import torch
from digits import Reader, load, options, train
from torch import Tensor

import nsdl


def main() -> None:
    chosen = options(__doc__, digits=1024, epochs=60, batch=1, rate=1e-3)
    n = chosen.digits
    began = time.process_time()
    add = nsdl.Module(
        Path(__file__).with_name("sum.dl"),
        inputs={"digit": nsdl.exclusive(nsdl.product(range(n), range(10)), dim=1)},
        output={"total": range(9 * n + 1)},
    )
    print(f"compiled in {time.process_time() - began:.2f} s of the processor")
    data, held_out = load(chosen.data)
    fixed = torch.Generator().manual_seed(chosen.seed)
    tests = held_out.groups(n, fixed)

    def batches():
        for rows in data.groups(n).split(chosen.batch):
            wanted = data.labels[rows].sum(1, keepdim=True)

            def loss(read: Tensor, wanted: Tensor = wanted) -> Tensor:
                # f64: what a sum is not, the network may soon hold for less probable than f32 can say
                totals = add(digit=read.double().view(len(wanted), n, 10))
                return -totals.gather(1, wanted).clamp_min(1e-300).log().mean()

            yield data.images[rows.flatten()], loss

    def test() -> str:
        read = reader.read(held_out.images).argmax(1)
        digits = (read == held_out.labels).float().mean()
        off = (read[tests].sum(1) - held_out.labels[tests].sum(1)).abs().float().mean()
        return f"digits {digits:.4f}, sums are off by {off:.1f}"

    sums = len(data) // n
    print(f"{sums} sums an epoch of {n} digits each; seed {chosen.seed}")
    reader = Reader()
    train(reader, batches, test, chosen.epochs, -(-sums // chosen.batch), chosen.rate)


if __name__ == "__main__":
    main()
