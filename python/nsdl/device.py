"""Where the tensors of a call are evaluated, and how they get there."""

from __future__ import annotations

import torch

WAYS = {
    "torch": "evaluated there, by torch operations",
    "tch": "evaluated there, by the crate nsdl-tch",
    "kernels": "copied to the host, evaluated by the kernels, and copied back",
}


def way(backend: str, device: str, layered: bool, log: bool) -> str:
    """By what a call is evaluated whose tensors are on a device of this type: the key of one of ``WAYS``.

    ``layered`` is whether torch operations can express the circuit. The kernels compute on the host, so that other
    tensors are copied there.
    """
    if backend == "auto":
        return "torch" if device != "cpu" and layered and not log else "kernels"
    return backend


def moved(tensors: list[torch.Tensor], device: torch.device) -> list[torch.Tensor]:
    """Tensors of one dtype and device, brought to another in one copy, however many they are; differentiable.

    The host waits for a copy from a GPU, and each copy has a price of its own.
    """
    if not tensors or tensors[0].device == device:
        return tensors
    if len(tensors) == 1:
        return [tensors[0].to(device)]
    whole = torch.cat([x.reshape(-1) for x in tensors]).to(device)
    parts, start = [], 0
    for x in tensors:
        parts.append(whole.narrow(0, start, x.numel()).view(x.shape))
        start += x.numel()
    return parts
