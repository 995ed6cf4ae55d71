"""What stands on a ticket: a letter and a number. Pure. It tells nothing of whose it is."""

from collections.abc import Sequence

APPOINTMENTS = "P"  # «prenotati»: they are called by their time, and so have numbers of their own
LETTERS = "ABCDEFGHJKLMNQRSTUVWXYZ"  # without I and O, which are read as numbers, and without that of appointments


def letter_of(services: Sequence[int], service_id: int) -> str:
    """The letter of one of an ente's services, which are in their order. Beyond the last letter they start again."""
    return LETTERS[services.index(service_id) % len(LETTERS)]
