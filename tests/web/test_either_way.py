"""Who is on the line has called, or was called: what the console and a recording's page say of him is true of both."""

import re
from pathlib import Path

import pytest

from telephony.recording.standing import Standing
from web.console.words import WORDS

TEMPLATES = Path(__file__).parents[2] / "web" / "templates"
HAS_CALLED = re.compile(r"chi (ha chiamato|chiama(va)?)\b", re.IGNORECASE)
OF_A_CALLER = '_("Chi chiama")'  # beside the number, of who has called alone


@pytest.mark.parametrize("folder", ["console", "recordings", "quality"])
def test_nobody_is_said_to_have_called_who_may_have_been_called(folder: str) -> None:
    for path in (TEMPLATES / folder).glob("*.html"):
        assert not HAS_CALLED.search(path.read_text(encoding="utf-8").replace(OF_A_CALLER, "")), path.name
    assert not [words for words in WORDS[Standing].values() if HAS_CALLED.search(words)]
