"""Which entries of a tensor become facts: products, choices along an axis, the largest, drawn, or above a threshold."""

import pickle

import pytest

torch = pytest.importorskip("torch")

import nsdl  # noqa: E402

# The word of two letters that are read: each place has one letter.
WORD = "type letter(i32, String)\nrel word($string_concat(a, b)) = letter(0, a), letter(1, b)"
LETTERS = ["a", "b", "c"]
WORDS = [a + b for a in LETTERS for b in LETTERS]


def letters(seed=0, batch=4):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 2, 3, generator=generator, dtype=torch.float64).softmax(2)


def word(**options):
    mapping = nsdl.exclusive(nsdl.product(range(2), LETTERS), dim=1, **options)
    return nsdl.Module(WORD, inputs={"letter": mapping}, output={"word": WORDS})


def by_hand(x):
    return (x[:, 0, :, None] * x[:, 1, None, :]).flatten(1)


def test_products_and_dictionaries():
    assert nsdl.product(range(2), LETTERS) == ((0, "a"), (0, "b"), (0, "c"), (1, "a"), (1, "b"), (1, "c"))
    assert nsdl.product([(1, 2)], [3]) == ((1, 2, 3),)
    again = pickle.loads(pickle.dumps(nsdl.product(range(2), LETTERS)))
    assert again == nsdl.product(range(2), LETTERS) and again.axes == (2, 3)
    program = "type p(i32, String)\nrel q(a) = p(a, _)"
    x = torch.rand(5, 2, 3).flatten(1).softmax(1).view(5, 2, 3)
    for mapping in (nsdl.product(range(2), LETTERS), {0: range(2), 1: LETTERS}):
        module = nsdl.Module(program, {"p": mapping}, {"q": range(2)})
        torch.testing.assert_close(module(p=x), x.sum(2))
        torch.testing.assert_close(module(p=x.flatten(1)), x.sum(2))


def test_choices_along_an_axis():
    x = letters().requires_grad_()
    module = word()
    found = module(letter=x)
    torch.testing.assert_close(found, by_hand(x))
    torch.testing.assert_close(module(letter=x.flatten(1)), found)
    assert torch.autograd.gradcheck(lambda x: word(sample=None)(letter=x.softmax(2)), (x,))
    # Along the other axis: one place for each letter, given as [letter][place].
    turned = nsdl.exclusive({0: range(2), 1: LETTERS}, dim=0)
    module = nsdl.Module(WORD, {"letter": turned}, {"word": WORDS})
    y = torch.rand(4, 2, 3, dtype=torch.float64).softmax(1)
    z = module(letter=y).view(4, 3, 3)
    off = y[:, 0, :, None] * y[:, 1, None, :]
    torch.testing.assert_close(z * (1 - torch.eye(3)), off * (1 - torch.eye(3)))
    assert (z.diagonal(dim1=1, dim2=2) == 0).all()  # one letter has one place


@pytest.mark.parametrize("ragged", [False, True])
def test_the_largest_entries(ragged):
    x = letters().requires_grad_()
    module = word(top=2, ragged=ragged)
    found = module(letter=x)
    kept = x * torch.zeros_like(x).scatter(2, x.topk(2, dim=2).indices, 1.0)
    torch.testing.assert_close(found, by_hand(kept))
    seeds = torch.rand_like(found)
    gradients = [torch.autograd.grad((y * seeds).sum(), x)[0] for y in (found, by_hand(kept))]
    torch.testing.assert_close(*gradients)
    assert (gradients[0][kept == 0] == 0).all()
    assert len(module.why("ab", letter=x[0].detach())) <= 1


@pytest.mark.parametrize("ragged", [False, True])
def test_above_a_threshold(ragged):
    x = letters()
    found = word(threshold=0.3, ragged=ragged)(letter=x)
    torch.testing.assert_close(found, by_hand(x * (x > 0.3)))
    found = word(threshold=0.3, top=1, ragged=ragged)(letter=x)
    torch.testing.assert_close(found, by_hand(x * (x > 0.3) * (x == x.amax(2, keepdim=True))))
    assert word(threshold=2.0, ragged=ragged)(letter=x).abs().sum() == 0


@pytest.mark.parametrize("ragged", [False, True])
def test_drawn_entries(ragged):
    x = torch.tensor([0.6, 0.4, 0.0], dtype=torch.float64).expand(500, 2, 3)
    module = word(sample=1, seed=7, ragged=ragged)
    found = module(letter=x)
    assert ((found > 0).sum(1) == 1).all()
    first = (found[:, :3] > 0).any(1).double().mean()  # how often the first letter drawn is an a
    assert abs(first - 0.6) < 0.1
    assert found[:, [2, 5, 6, 7, 8]].sum() == 0  # what has probability 0 is not drawn
    torch.testing.assert_close(word(sample=1, seed=7, ragged=ragged)(letter=x), found, rtol=0, atol=0)
    assert not torch.equal(word(sample=1, seed=8, ragged=ragged)(letter=x), found)
    assert not torch.equal(module(letter=x), found)
    torch.testing.assert_close(word(sample=2, ragged=ragged)(letter=x), by_hand(x))


def test_independent_entries():
    program = "type on(i32)\nrel some() = on(_)\nrel both() = on(0), on(2)"
    x = torch.tensor([[0.5, 0.1, 0.8], [0.2, 0.9, 0.7]], dtype=torch.float64)
    for ragged in (False, True):
        on = nsdl.independent(range(3), top=2, ragged=ragged)
        found = nsdl.Module(program, {"on": on}, {"some": [()], "both": [()]})(on=x)
        torch.testing.assert_close(found["some"].flatten(), 1 - torch.tensor([0.5 * 0.2, 0.1 * 0.3]).double())
        torch.testing.assert_close(found["both"].flatten(), torch.tensor([0.4, 0.0]).double())


def test_a_ragged_input_beside_others():
    mapping = nsdl.exclusive(range(3), top=2, ragged=True)
    program = "type a(i32), c(i32)\nrel s(x + y + z) = a(x), b(y), c(z)"
    module = nsdl.Module(program, {"a": mapping, "b": range(2), "c": None}, {"s": range(6)})
    x, y = torch.tensor([[0.5, 0.3, 0.2]] * 2), torch.tensor([[0.5, 0.5], [1.0, 0.0]])
    found = module(a=x, b=y, c=[[0], [1]])
    torch.testing.assert_close(found, torch.tensor([[0.25, 0.4, 0.15, 0, 0, 0], [0, 0.5, 0.3, 0, 0, 0]]))
    # The second has the shape of the first but for `c`; the same entries are kept.
    assert module.stats().shapes == 2
    again = pickle.loads(pickle.dumps(module))
    torch.testing.assert_close(again(a=x, b=y, c=[[0], [1]]), found)
    assert again.stats().misses == 2


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("E0875", lambda: nsdl.exclusive(range(3), top=0)),
        ("E0875", lambda: nsdl.exclusive(range(3), top=1, sample=1)),
        ("E0875", lambda: nsdl.exclusive(range(3), dim=1)),
        ("E0875", lambda: nsdl.independent(range(3), ragged=True)),
        ("E0821", lambda: nsdl.exclusive({1: range(3)})),
        ("E0821", lambda: nsdl.product(3)),
    ],
)
def test_options_that_do_not_fit(code, make):
    with pytest.raises(nsdl.UsageError) as caught:
        make()
    assert caught.value.code == code


def test_shapes_of_tensors_that_do_not_fit():
    module = word()
    for shape in [(4, 3, 2), (4, 5), (4, 2, 3, 1), (6,)]:
        with pytest.raises(nsdl.UsageError) as caught:
            module(letter=torch.rand(shape))
        assert caught.value.code == "E0825"
