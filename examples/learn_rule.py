"""Learns how well a noisy rule works, from data that the program itself made.

A rumour spreads from friend to friend; who hears it is seen, over which friendships is not. The program says how it
spreads, and has three probabilities that nobody knows: those of the two rules, and that somebody knew it anyway.
"""

import torch

import nsdl

PROGRAM = """
type starts(i32), friend(i32, i32), close(i32, i32)
rel friend = {(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0), (0, 3), (1, 4)}
rel close = {(0, 1), (2, 3), (4, 5)}

rel met(a, b) = friend(a, b) or friend(b, a)
rel ?0.5::tells(a, b) = met(a, b), (close(a, b) or close(b, a))
rel ?0.5::tells(a, b) = met(a, b), not close(a, b), not close(b, a)
rel person(x) = x in 0..6
rel ?0.2::knew(x) = person(x)

rel heard(x) = starts(x) or knew(x)
rel heard(b) = heard(a), tells(a, b)
"""
TRUTH = [0.8, 0.3, 0.05]
PEOPLE = range(6)


def module() -> nsdl.Module:
    return nsdl.Module(PROGRAM, inputs={"starts": PEOPLE}, output={"heard": PEOPLE}).double()


def main() -> None:
    generator = torch.Generator().manual_seed(0)
    starts = torch.eye(6, dtype=torch.float64)

    # The program with the true values tells how often each person hears what each other person starts.
    model = module()
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), TRUTH, strict=True):
            parameter.fill_(torch.tensor(value).logit())
        chance = model(starts=starts)
    rumours = 2000
    seen = torch.binomial(torch.full_like(chance, rumours), chance, generator=generator)

    # From 0.5, 0.5 and 0.2, maximise the likelihood of what was seen.
    model = module()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=10, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        heard = model(starts=starts).clamp(1e-9, 1 - 1e-9)
        total = -(seen * heard.log() + (rumours - seen) * (1 - heard).log()).sum() / seen.numel() / rumours
        total.backward()
        return total

    for step in range(5):
        value = optimizer.step(loss)
        values = ", ".join(f"{name} {p:.3f}" for name, p in model.probabilities().items())
        print(f"step {step}  loss {value:.5f}  {values}")
    print("\nThe program now:\n", model.to_dl(), sep="")


if __name__ == "__main__":
    main()
