"""Values that pass from one process to another, many at a time."""

from typing import Any


class Passing:
    """A frozen dataclass with slots, pickled by its class and fields: several times as fast as what it would do."""

    __slots__: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        """The class, and its fields in their order."""
        return type(self), tuple([getattr(self, name) for name in type(self).__slots__])
