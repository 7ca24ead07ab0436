"""A network learns to read digits from sums of two numbers of fifteen digits each, through the rules of addition.

The program add.dl adds digit by digit with carries; its probability that the sum is the wanted one is exact, over
10^30 pairs of numbers. Labels are the digits of sums; those of images are seen by nobody. Each image is in one number.

On MNIST, 2,000 sums an epoch, 30 epochs, seeds 0, 1 and 2: 82.0, 83.8 and 85.9 % of the 333 sums of test images are
right in all digits, 99.35 to 99.5 % of digits. An epoch takes 10 to 12 s of one core, of which 0.5 to 0.8 s are the
program's.

    python examples/mnist/add.py --data ../shared/data/mnist
    python examples/mnist/add.py --digits 4 --epochs 3         scikit-learn's digits, shorter numbers
"""

from pathlib import Path

import torch
from digits import Reader, load, options, train
from torch import Tensor
from torch.nn.functional import one_hot

import nsdl


def main() -> None:
    chosen = options(__doc__, digits=15, epochs=30, batch=10, rate=1e-3)
    n = chosen.digits
    program = Path(__file__).with_name("add.dl").read_text().replace("LENGTH = 15", f"LENGTH = {n}")

    def places(n: int) -> nsdl.exclusive:
        return nsdl.exclusive(nsdl.product(range(n), range(10)), dim=1)  # at each place one of ten digits

    right = nsdl.Module(
        program,
        inputs={"first": places(n), "second": places(n), "wanted": places(n + 1)},
        output={"sum": [()]},
        log=True,  # a network that knows nothing gives the right sum a probability of 10^-15
    )
    data, held_out = load(chosen.data)
    fixed = torch.Generator().manual_seed(chosen.seed)
    pairs, tests = data.groups(2 * n, fixed), held_out.groups(2 * n, fixed)
    tens = 10 ** torch.arange(n + 1)

    def sums(digits: Tensor) -> Tensor:
        """Of the digits of pairs of numbers, the last digit first: [m, 2 n] to [m]."""
        return (digits.view(-1, 2, n) * tens[:n]).sum((1, 2))

    wanted = one_hot(sums(data.labels[pairs]).unsqueeze(1) // tens % 10, 10).float()
    answers = sums(held_out.labels[tests])

    def batches():
        for rows in torch.randperm(len(pairs)).split(chosen.batch):

            def loss(read: Tensor, rows: Tensor = rows) -> Tensor:
                first, second = read.view(len(rows), 2, n, 10).unbind(1)
                return -right(first=first, second=second, wanted=wanted[rows]).mean()

            yield data.images[pairs[rows].flatten()], loss

    def test() -> str:
        read = reader.read(held_out.images).argmax(1)
        digits, whole = read == held_out.labels, sums(read[tests]) == answers
        return f"digits {digits.float().mean():.4f}, whole sums {whole.float().mean():.4f}"

    print(f"{len(pairs)} sums an epoch, {len(tests)} to test with, of two numbers of {n} digits; seed {chosen.seed}")
    reader = Reader()
    train(reader, batches, test, chosen.epochs, -(-len(pairs) // chosen.batch), chosen.rate)


if __name__ == "__main__":
    main()
