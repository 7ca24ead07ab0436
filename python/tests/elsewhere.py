"""A device of its own, ``elsewhere``, whose memory kernels cannot reach: what a GPU is to a program, on any machine.

Tensors there hold one of the host and compute with it, and ``Elsewhere.home`` counts the copies that come to the host.
"""

import torch
from torch.utils import backend_registration
from torch.utils._pytree import tree_map

HOST = torch.device("cpu")


class Elsewhere(torch.Tensor):
    home = 0

    @staticmethod
    def __new__(cls, held):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device="elsewhere:0",
        )

    def __init__(self, held):
        self.held = held

    @classmethod
    def __torch_dispatch__(cls, op, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        to = kwargs.get("device")
        if to is not None:
            kwargs["device"] = HOST

        def held(x):
            return x.held if isinstance(x, Elsewhere) else x

        result = op(*tree_map(held, args), **tree_map(held, kwargs))
        if op is torch.ops.aten.copy_.default:
            return args[0]
        if to is not None and torch.device(to) == HOST:
            cls.home += 1
            return result
        return tree_map(lambda x: cls(x) if isinstance(x, torch.Tensor) else x, result)


def _empty(size, dtype=None, layout=None, device=None, pin_memory=None, memory_format=None):
    return Elsewhere(torch.empty(size, dtype=dtype))


def _empty_strided(size, stride, dtype=None, layout=None, device=None, pin_memory=None):
    return Elsewhere(torch.empty_strided(size, stride, dtype=dtype))


def exists():
    """Makes the device, once; false where torch is too old for devices that are written in Python."""
    global _library
    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        return False
    if _library is None:
        backend_registration._setup_privateuseone_for_python_backend("elsewhere")
        _library = torch.library.Library("aten", "IMPL")
        _library.impl("empty.memory_format", _empty, "PrivateUse1")
        _library.impl("empty_strided", _empty_strided, "PrivateUse1")
    return True


_library = None
