"""Functions, predicates and aggregates written in Python, for programs to use.

>>> import nsdl
>>> @nsdl.foreign_function
... def initials(name: str) -> str:
...     return "".join(word[0] for word in name.split())
>>> ctx = nsdl.Context()
>>> ctx.register(initials)
>>> ctx.add_program('rel person = {"Ada Lovelace"}  rel short($initials(p)) = person(p)')
>>> ctx.run()
>>> ctx.relation("short")
[('AL',)]

Types are read from annotations: ``int`` is ``i32``, ``float`` is ``f32``, ``bool``, ``str`` is ``String``,
``datetime`` is ``DateTime``, ``timedelta`` is ``Duration``, ``list[int]`` and ``tuple[int, str]`` are lists and
tuples, ``typing.Any`` is any type. Other types are the classes of this module, such as ``nsdl.foreign.u64``. A
``typing.TypeVar`` stands for one type, the same wherever it stands; its bound may be a family:
``Arithmetic``, ``Number``, ``Integer``, ``SignedInteger``, ``UnsignedInteger`` or ``Float``.

Calls are made once for the same arguments, unless ``volatile=True``. An exception drops the derivation that
needed the call; after the run it is a warning with the rule's place and the exception's text.
"""

from __future__ import annotations

import datetime
import functools
import inspect
import typing
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar, overload

from .errors import UsageError

__all__ = [
    "Arithmetic",
    "Exclusive",
    "Facts",
    "Float",
    "ForeignAggregate",
    "ForeignFunction",
    "ForeignPredicate",
    "Integer",
    "Number",
    "SignedInteger",
    "Symbol",
    "UnsignedInteger",
    "char",
    "f32",
    "f64",
    "foreign_aggregate",
    "foreign_function",
    "foreign_predicate",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "register",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
]


class i8(int):
    """The type of that name; annotations only."""


class i16(int):
    """The type of that name; annotations only."""


class i32(int):
    """The type of that name; annotations only."""


class i64(int):
    """The type of that name; annotations only."""


class i128(int):
    """The type of that name; annotations only."""


class isize(int):
    """The type of that name; annotations only."""


class u8(int):
    """The type of that name; annotations only."""


class u16(int):
    """The type of that name; annotations only."""


class u32(int):
    """The type of that name; annotations only."""


class u64(int):
    """The type of that name; annotations only."""


class u128(int):
    """The type of that name; annotations only."""


class usize(int):
    """The type of that name; annotations only."""


class f32(float):
    """The type of that name; annotations only."""


class f64(float):
    """The type of that name; annotations only."""


class char(str):
    """The type of that name; annotations only."""


class Symbol(str):
    """The type of that name; annotations only."""


class Arithmetic:
    """The bound of a ``TypeVar`` that stands for numbers and tensors."""


class Number(Arithmetic):
    """The bound of a ``TypeVar`` that stands for integers and floats."""


class Integer(Number):
    """The bound of a ``TypeVar`` that stands for integers."""


class SignedInteger(Integer):
    """The bound of a ``TypeVar`` that stands for ``i8`` to ``isize``."""


class UnsignedInteger(Integer):
    """The bound of a ``TypeVar`` that stands for ``u8`` to ``usize``."""


class Float(Number):
    """The bound of a ``TypeVar`` that stands for ``f32`` and ``f64``."""


class Exclusive:
    """The tag of results that exclude each other: ``Facts[Exclusive, tuple[str]]``."""


_Tag = TypeVar("_Tag")
_Row = TypeVar("_Row")


class Facts(Generic[_Tag, _Row]):
    """What a predicate gives: ``Facts[tag, tuple[types]]``.

    The tag is ``None`` for results that hold, ``bool``, ``float`` for probabilities, or ``Exclusive`` for
    probabilities of results that exclude each other. With ``None`` values are yielded as they are; else pairs of
    tag and values. A single value may be yielded without its tuple.
    """


_NAMED = {
    cls: cls.__name__
    for cls in (i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64, char, Symbol, bool)
} | {
    int: "i32",
    float: "f32",
    str: "String",
    datetime.datetime: "DateTime",
    datetime.date: "DateTime",
    datetime.timedelta: "Duration",
    Any: "Any",
}
_FAMILIES = (Arithmetic, Number, Integer, SignedInteger, UnsignedInteger, Float)


class _Types:
    """Reads annotations; remembers the type variable."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.variable: TypeVar | None = None

    def text(self, annotation: Any, what: str) -> str:
        if annotation is inspect.Parameter.empty:
            raise self.error(f"{what} has no annotation", "annotate it: `x: int`")
        if annotation in (None, type(None)):
            raise self.error(f"{what} is None, which is no value", "annotate it by a type such as `int`")
        if isinstance(annotation, TypeVar):
            if self.variable not in (None, annotation):
                raise self.error(
                    f"{what} is a second type variable", "a signature has one; use `typing.Any` for others"
                )
            self.variable = annotation
            return "T"
        origin, args = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is list and len(args) == 1:
            return f"[{self.text(args[0], what)}]"
        if origin is tuple and args[-1:] != (...,):
            return f"({', '.join(self.text(arg, what) for arg in args)})"
        try:
            return _NAMED[annotation]
        except (KeyError, TypeError):
            name = getattr(annotation, "__name__", annotation)
            help = "use int, float, bool, str, datetime, timedelta, list[…], tuple[…] or a type of nsdl.foreign"
            raise self.error(f"{what} has the annotation `{name}`, which is no type of nsdl", help) from None

    def family(self) -> str:
        if self.variable is None:
            return ""
        bound = self.variable.__bound__
        if bound is None:
            return "<T>"
        if bound not in _FAMILIES:
            raise self.error(f"the bound of {self.variable} is no family", "use nsdl.foreign.Number, Integer or Float")
        return f"<T: {bound.__name__}>"

    def error(self, message: str, help: str) -> UsageError:
        return UsageError("E0861", f"`{self.owner}`: {message}", help=help)


class _Foreign:
    """What is common to all: a Python function with its types."""

    kind: str

    def __init__(self, call: Callable[..., Any], name: str | None, volatile: bool, batch: bool) -> None:
        functools.update_wrapper(self, call)
        self.call = call
        self.name = name or call.__name__
        self.volatile = volatile
        self.batch = batch
        self._hints = typing.get_type_hints(call)
        self._parameters = list(inspect.signature(call).parameters.values())
        self.signature = self._signature()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<nsdl {self.kind} {self.signature}>"

    def __reduce__(self) -> str:
        # As functions are: by name, so that modules which use it can be saved.
        return str(vars(self)["__qualname__"])

    def _spec(self) -> tuple[Any, ...]:
        return (self.kind, self.signature, [], "", self.volatile, self.batch, [self.call])

    def _hint(self, types: _Types, parameter: inspect.Parameter) -> str:
        hint = self._hints.get(parameter.name, inspect.Parameter.empty)
        what = f"the parameter `{parameter.name}`"
        if self.batch and hint is not inspect.Parameter.empty:
            if typing.get_origin(hint) is not list:
                raise types.error(f"{what} of a batch form is no list", "annotate it as `list[int]`, one per call")
            (hint,) = typing.get_args(hint)
        return types.text(hint, what)

    def _result(self, types: _Types) -> Any:
        hint = self._hints.get("return", inspect.Parameter.empty)
        if self.batch and hint is not inspect.Parameter.empty:
            if typing.get_origin(hint) is not list:
                raise types.error("the result of a batch form is no list", "annotate it as `list[int]`, one per call")
            (hint,) = typing.get_args(hint)
        return hint

    def _signature(self) -> str:
        raise NotImplementedError


class ForeignFunction(_Foreign):
    """A function ``$name`` for programs; made by :func:`foreign_function`."""

    kind = "function"

    def _signature(self) -> str:
        types = _Types(self.name)
        parameters = []
        for parameter in self._parameters:
            text = self._hint(types, parameter)
            if parameter.kind is parameter.VAR_POSITIONAL:
                text += "..."
            elif parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD):
                raise types.error(f"the parameter `{parameter.name}` has no position", "programs pass by position")
            elif parameter.default is not parameter.empty:
                text += "?"
            parameters.append(text)
        result = types.text(self._result(types), "the result")
        return f"${self.name}{types.family()}({', '.join(parameters)}) -> {result}"


class ForeignPredicate(_Foreign):
    """A predicate for programs; made by :func:`foreign_predicate`."""

    kind = "predicate"

    def __init__(self, call: Callable[..., Any], name: str | None, volatile: bool, batch: bool) -> None:
        self._modes: list[str] = []
        self._calls: list[Callable[..., Any]] = [call]
        super().__init__(call, name, volatile, batch)

    def mode(self, mode: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Another mode: a letter per column, ``b`` for one that is a parameter, ``f`` for one that is computed.

        >>> @foreign_predicate
        ... def successor(x: int) -> Facts[None, tuple[int]]:
        ...     yield x + 1
        >>> @successor.mode("fb")
        ... def predecessor(y: int):
        ...     yield y - 1
        """

        def add(call: Callable[..., Any]) -> Callable[..., Any]:
            given = len(inspect.signature(call).parameters)
            if given != mode.count("b"):
                raise _Types(self.name).error(
                    f"the mode {mode!r} has {mode.count('b')} bound columns, `{call.__name__}` takes {given}",
                    "one parameter for each `b`",
                )
            self._modes.append(mode)
            self._calls.append(call)
            return call

        return add

    def _spec(self) -> tuple[Any, ...]:
        return (self.kind, self.signature, self._modes, self._tags, self.volatile, self.batch, self._calls)

    def _signature(self) -> str:
        types = _Types(self.name)
        columns = [f"bound {self._hint(types, parameter)}" for parameter in self._parameters]
        result = self._result(types)
        help = "annotate it as `-> nsdl.Facts[None, tuple[int]]`: the tag, and the types of the results"
        if typing.get_origin(result) is not Facts:
            raise types.error("the result is no `Facts[…]`", help)
        tag, row = typing.get_args(result)
        tags = {type(None): "", None: "", bool: "", float: "probability", Exclusive: "exclusive"}
        if tag not in tags:
            raise types.error(f"{tag!r} is no tag", "a tag is None, bool, float or nsdl.Exclusive")
        self._tags = tags[tag]
        if row is tuple:
            row = tuple[()]
        if typing.get_origin(row) is not tuple and row != tuple[()]:
            raise types.error("the results are no tuples", help)
        outputs = [arg for arg in typing.get_args(row) if arg != ()]
        columns += [f"free {types.text(arg, 'a result')}" for arg in outputs]
        return f"{self.name}{types.family()}({', '.join(columns)})"


class ForeignAggregate(_Foreign):
    """An aggregate for programs; made by :func:`foreign_aggregate`."""

    kind = "aggregate"

    def _signature(self) -> str:
        types = _Types(self.name)
        help = "it takes one list: `def product(values: list[float]) -> float`"
        if len(self._parameters) != 1:
            raise types.error(f"an aggregate with {len(self._parameters)} parameters", help)
        hint = self._hints.get(self._parameters[0].name, inspect.Parameter.empty)
        if typing.get_origin(hint) is not list:
            raise types.error("the parameter of an aggregate is no list", help)
        (member,) = typing.get_args(hint)
        many = typing.get_origin(member) is tuple
        members = typing.get_args(member) if many else (member,)
        texts = [types.text(part, "a member") for part in members]
        result = self._hints.get("return", inspect.Parameter.empty)
        if typing.get_origin(result) is typing.Union or isinstance(result, type(int | None)):
            parts = [part for part in typing.get_args(result) if part is not type(None)]
            result = parts[0] if len(parts) == 1 else result
        result = types.text(result, "the result")
        return f"{self.name}{types.family()}({', '.join(texts)}) -> {result}"


def _decorator(cls: type[Any], call: Callable[..., Any] | None, options: dict[str, Any]) -> Any:
    def make(call: Callable[..., Any]) -> Any:
        return cls(call, **options)

    return make if call is None else make(call)


@overload
def foreign_function(call: Callable[..., Any]) -> ForeignFunction: ...
@overload
def foreign_function(
    *, name: str | None = None, volatile: bool = False, batch: bool = False
) -> Callable[[Callable[..., Any]], ForeignFunction]: ...
def foreign_function(
    call: Callable[..., Any] | None = None, *, name: str | None = None, volatile: bool = False, batch: bool = False
) -> Any:
    """Makes a function for programs, where it is called with ``$`` before its name.

    Defaults make optional parameters, ``*args`` any number. With ``batch`` it takes a list for each parameter
    and returns a list: many calls at once. With ``volatile`` it is called anew each time.
    """
    return _decorator(ForeignFunction, call, {"name": name, "volatile": volatile, "batch": batch})


@overload
def foreign_predicate(call: Callable[..., Any]) -> ForeignPredicate: ...
@overload
def foreign_predicate(
    *, name: str | None = None, volatile: bool = False, batch: bool = False
) -> Callable[[Callable[..., Any]], ForeignPredicate]: ...
def foreign_predicate(
    call: Callable[..., Any] | None = None, *, name: str | None = None, volatile: bool = False, batch: bool = False
) -> Any:
    """Makes a predicate for programs: its parameters are the columns that must be bound, what it yields the others.

    >>> @foreign_predicate
    ... def divisors(n: int) -> Facts[None, tuple[int]]:
    ...     for d in range(1, n + 1):
    ...         if n % d == 0:
    ...             yield d

    A result with a probability is one random variable, whichever rules use it. ``batch`` and ``volatile`` are as
    for :func:`foreign_function`; a batch form returns one list of results per call, ``list[Facts[…]]``.
    """
    return _decorator(ForeignPredicate, call, {"name": name, "volatile": volatile, "batch": batch})


@overload
def foreign_aggregate(call: Callable[..., Any]) -> ForeignAggregate: ...
@overload
def foreign_aggregate(*, name: str | None = None) -> Callable[[Callable[..., Any]], ForeignAggregate]: ...
def foreign_aggregate(call: Callable[..., Any] | None = None, *, name: str | None = None) -> Any:
    """Makes an aggregate for programs: from the members of a group, whose order does not matter, to one value.

    >>> @foreign_aggregate
    ... def median(values: list[int]) -> int | None:
    ...     return sorted(values)[len(values) // 2] if values else None

    ``None`` is no result. Over n uncertain members it is called 2^n times; n is limited.
    """
    return _decorator(ForeignAggregate, call, {"name": name, "volatile": False, "batch": False})


_everywhere: list[_Foreign] = []

_F = TypeVar("_F", bound=_Foreign)


def register(item: _F) -> _F:
    """Registers a function, predicate or aggregate for every ``Context`` and ``Module`` made from now on.

    May stand above the other decorator.
    """
    _everywhere.append(items([item])[0])
    return item


def items(given: Iterable[Any]) -> list[_Foreign]:
    """Those that are foreign objects: all of them, or an error."""
    found = list(given)
    for item in found:
        if not isinstance(item, _Foreign):
            raise UsageError(
                "E0861",
                f"{item!r} is no function, predicate or aggregate for programs",
                help="decorate it by nsdl.foreign_function, nsdl.foreign_predicate or nsdl.foreign_aggregate",
            )
    return found


def everywhere() -> list[_Foreign]:
    """What :func:`register` was given."""
    return list(_everywhere)
