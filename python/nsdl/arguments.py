"""What modules are given, a program and the tensors of a call, as they use it; and the errors where it does not fit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import torch

from .errors import UsageError, error
from .inputs import Input

_DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def in_order(specs: Mapping[str, Input], others: Iterable[str], tensors: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """The input tensors in order, after all checks that do not look at values."""
    for name in tensors:
        if name not in specs:
            raise unknown("input", name, (*specs, *others))
    inputs: list[torch.Tensor] = []
    for name, spec in specs.items():
        width, x = spec.width, tensors.get(name)
        if x is None:
            raise UsageError(
                "E0824",
                f"input `{name}` is missing",
                help=f"pass {name}=tensor of shape [batch, {width}]",
            )
        if not isinstance(x, torch.Tensor):
            raise UsageError(
                "E0824",
                f"input `{name}` is a {type(x).__name__}, not a tensor",
                help="use torch.as_tensor",
            )
        axes = spec.columns.axes
        if len(axes) > 1 and x.shape[1:] == axes:
            x = x.flatten(1)
        if x.dim() == 1 and x.shape[0] == width:
            raise UsageError(
                "E0825",
                f"input `{name}` has shape [{width}], without a batch",
                help=f"pass {name}.unsqueeze(0)",
            )
        if x.dim() != 2 or x.shape[1] != width:
            raise UsageError("E0825", f"input `{name}` has shape {list(x.shape)} instead of [batch, {width}]")
        if x.dtype not in _DTYPES:
            raise UsageError(
                "E0826",
                f"input `{name}` is of {x.dtype}, not of a floating-point dtype",
                help=f"pass {name}.float()",
            )
        first = inputs[0] if inputs else x
        if x.shape[0] != first.shape[0]:
            raise UsageError(
                "E0825",
                f"input `{name}` has a batch of {x.shape[0]}, an earlier input one of {first.shape[0]}",
            )
        if x.dtype != first.dtype:
            raise UsageError(
                "E0826",
                f"input `{name}` is of {x.dtype}, an earlier input of {first.dtype}",
                help="convert with .to(dtype)",
            )
        if x.device != first.device:
            raise UsageError(
                "E0827",
                f"input `{name}` is on {x.device}, an earlier input on {first.device}",
                help="move with .to(device)",
            )
        inputs.append(x)
    return inputs


def source(program: str | os.PathLike[str]) -> tuple[str, str]:
    """Name and text of a program."""
    if isinstance(program, str) and not (program.endswith((".dl", ".scl")) and "\n" not in program):
        return "<program>", program
    path = os.fspath(program)
    try:
        with open(path, encoding="utf-8") as file:
            return path, file.read()
    except (OSError, UnicodeDecodeError) as reason:
        raise error("E0701", f"cannot read `{path}`: {reason}") from None


def idle() -> UsageError:
    return UsageError(
        "E0820",
        "a module needs at least one input or probability to learn",
        help="evaluate such a program with nsdl.Context",
    )


def formulas(evidence: str | Iterable[str] | Mapping[str, bool]) -> list[tuple[str, bool]]:
    """Formulas, and whether they hold."""
    if isinstance(evidence, str):
        return [(evidence, True)]
    if isinstance(evidence, Mapping):
        return [(formula, bool(holds)) for formula, holds in evidence.items()]
    return [(formula, True) for formula in evidence]


def upcast(inputs: list[torch.Tensor], dtype: torch.dtype) -> list[torch.Tensor]:
    """The kernels know f32 and f64."""
    return [x.float() for x in inputs] if dtype.itemsize == 2 else inputs


def tolerance(dtype: torch.dtype) -> float:
    """By how much the sum of a row of exclusive tuples may exceed 1 through rounding."""
    return 1e-2 if dtype.itemsize == 2 else 1e-4


def fixed_only(what: str) -> UsageError:
    return UsageError(
        "E0877",
        f"{what} is not known of modules whose facts come with a call, or whose inputs are cut into choices",
        help="use a module with one plain mapping for each input",
    )


def unknown(kind: str, name: str, known: tuple[str, ...]) -> UsageError:
    return UsageError("E0824", f"there is no {kind} `{name}`", help=f"{kind}s are {', '.join(known)}")
