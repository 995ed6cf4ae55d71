"""The simulator, which writes down to whom each SMS went: `python -m bench.sms_network FILE`. It keeps but the last."""

import os
import sys
from pathlib import Path

from crm.core.settings import load_settings
from telephony.carriers.simulator.app import serve
from telephony.carriers.simulator.config import SimulatorConfig
from telephony.carriers.simulator.messages import Text, TextDesk


def main(told: Path) -> None:
    """Serve until somebody ends it."""
    keep = TextDesk._add  # noqa: SLF001  # what it took is counted where it takes it
    with told.open("a", encoding="utf-8", buffering=1) as file:

        def add(desk: TextDesk, text: Text) -> Text:
            if not text.inbound:
                file.write(text.to + "\n")
            return keep(desk, text)

        TextDesk._add = add  # type: ignore[method-assign]  # noqa: SLF001
        settings = load_settings()
        serve(SimulatorConfig.from_settings(settings, os.environ), host=settings.host, port=settings.port, fd=None)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
