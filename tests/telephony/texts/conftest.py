"""Threads on the stage of calls."""

import pytest

from tests.telephony.stage import Stage
from tests.telephony.texts.desk import Texts


@pytest.fixture
def texts(stage: Stage) -> Texts:
    """Anna, Luca and Marta answer by SMS, too: two threads each at a time."""
    found = Texts(stage)
    found.hold()
    return found
