"""The list that `run("owner/name")` returns. It also acts as a text if it holds pieces of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeGuard, TypeVar, overload

from replicate._annotations import resolve_lazily
from replicate._json import is_array
from replicate._models.schema import is_url
from replicate_api.types import pydantic_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from replicate._objects.html import Bundle

TEXT_METHODS = frozenset(name for name in dir(str) if not name.startswith("_") and not hasattr(list, name))


Other = TypeVar("Other")


def is_str(value: object) -> TypeGuard[str]:
    """Return whether a value is a string. Type checkers assume it of some operands that may be anything at run time."""
    return isinstance(value, str)


class OutputList(list[Any]):
    """A model's output: a list, which also acts as a text if it holds pieces of one.

    If all items are strings and none of them is a URL, `str(output)`, f-strings and `print` use the joined text, and so
    do operations that a `str` has and a `list` lacks: `output.strip()`, `output + "!"`, `output == "text"`. Operations
    of lists work as with any list: `in`, `len`, index, iteration, `count`. Their results are plain lists: `output[:3]`,
    `output + [item]`, `output * 2`, `output.copy()`. A notebook displays the text, or the files in the list.

    Any other output is just a list.
    """

    __slots__ = ()
    __hash__: ClassVar[None]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Describe it to pydantic: validated from a list, serialized as a list."""

        def read(value: Any) -> Any:
            if not is_array(value):
                raise TypeError(f"expected a list, got {type(value).__name__}")
            return cls(value)

        return pydantic_schema(cls, read, lambda items, _info: [*items])

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "array", "items": {}}

    @property
    def text(self) -> str | None:
        """The joined text of the items, or None if an item is not a string or is a URL."""
        return "".join(self) if all(isinstance(item, str) and not is_url(item) for item in self) else None

    def __str__(self) -> str:
        return super().__str__() if (text := self.text) is None else text

    def __format__(self, spec: str) -> str:
        return super().__format__(spec) if (text := self.text) is None else format(text, spec)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:  # noqa: ARG002 - for IPython
        from replicate._outputs.html import shown

        return shown(self, self.text)

    def __dir__(self) -> Iterable[str]:
        return super().__dir__() if self.text is None else [*super().__dir__(), *TEXT_METHODS]

    @overload  # type: ignore[override]  # takes a str too
    def __add__(self, other: list[Any], /) -> list[Any]: ...
    @overload
    def __add__(self, other: list[Other], /) -> list[Other | Any]: ...  # pyright: ignore[reportOverlappingOverload]
    @overload
    def __add__(self, other: str, /) -> str: ...
    def __add__(self, other: str | list[Any], /) -> str | list[Any]:
        if isinstance(other, str):
            return NotImplemented if (text := self.text) is None else text + other
        return super().__add__(other)

    def __radd__(self, other: str, /) -> str:
        text = self.text if is_str(other) else None
        return NotImplemented if text is None else other + text

    def __mod__(self, values: Any, /) -> str:
        return NotImplemented if (text := self.text) is None else text % values

    def __eq__(self, other: object, /) -> bool:
        return self.text == other if isinstance(other, str) else super().__eq__(other)

    def __ne__(self, other: object, /) -> bool:
        return self.text != other if isinstance(other, str) else super().__ne__(other)

    def __lt__(self, other: str | list[Any], /) -> bool:
        if isinstance(other, str):
            return NotImplemented if (text := self.text) is None else text < other
        return super().__lt__(other)

    def __le__(self, other: str | list[Any], /) -> bool:
        if isinstance(other, str):
            return NotImplemented if (text := self.text) is None else text <= other
        return super().__le__(other)

    def __gt__(self, other: str | list[Any], /) -> bool:
        if isinstance(other, str):
            return NotImplemented if (text := self.text) is None else text > other
        return super().__gt__(other)

    def __ge__(self, other: str | list[Any], /) -> bool:
        if isinstance(other, str):
            return NotImplemented if (text := self.text) is None else text >= other
        return super().__ge__(other)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Return a method of the text. Raises AttributeError if the output is not a text."""
            if name in TEXT_METHODS and (text := self.text) is not None:
                return getattr(text, name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    else:  # only an output that is a text has them, which type checkers cannot know
        capitalize: Callable[[], str]
        casefold: Callable[[], str]
        center: Callable[..., str]
        encode: Callable[..., bytes]
        endswith: Callable[..., bool]
        expandtabs: Callable[..., str]
        find: Callable[..., int]
        format: Callable[..., str]
        format_map: Callable[[Mapping[str, Any]], str]
        isalnum: Callable[[], bool]
        isalpha: Callable[[], bool]
        isascii: Callable[[], bool]
        isdecimal: Callable[[], bool]
        isdigit: Callable[[], bool]
        isidentifier: Callable[[], bool]
        islower: Callable[[], bool]
        isnumeric: Callable[[], bool]
        isprintable: Callable[[], bool]
        isspace: Callable[[], bool]
        istitle: Callable[[], bool]
        isupper: Callable[[], bool]
        join: Callable[[Iterable[str]], str]
        ljust: Callable[..., str]
        lower: Callable[[], str]
        lstrip: Callable[..., str]
        maketrans: Callable[..., dict[int, Any]]
        partition: Callable[[str], tuple[str, str, str]]
        removeprefix: Callable[[str], str]
        removesuffix: Callable[[str], str]
        replace: Callable[..., str]
        rfind: Callable[..., int]
        rindex: Callable[..., int]
        rjust: Callable[..., str]
        rpartition: Callable[[str], tuple[str, str, str]]
        rsplit: Callable[..., list[str]]
        rstrip: Callable[..., str]
        split: Callable[..., list[str]]
        splitlines: Callable[..., list[str]]
        startswith: Callable[..., bool]
        strip: Callable[..., str]
        swapcase: Callable[[], str]
        title: Callable[[], str]
        translate: Callable[[Any], str]
        upper: Callable[[], str]
        zfill: Callable[[int], str]


resolve_lazily(OutputList)
