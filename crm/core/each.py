"""One thing done for many, of whom one that fails keeps nobody else's from being done."""

from collections.abc import Callable, Iterable


def total_of_each(ids: Iterable[int], work: Callable[[int], int]) -> int:
    """How many things came of all of them. Raises, once all were tried, what failed."""
    made, failed = 0, []
    for one in ids:
        try:
            made += work(one)
        except Exception as error:  # noqa: BLE001  # told of below, all together
            failed.append(error)
    if failed:
        raise ExceptionGroup("some could not be done", failed)
    return made
