"""The `filodiretto` command."""

# In the order in which they are listed; imported, they have given `app` their commands.
from web.commands import processes  # isort: skip
from web.commands import data  # isort: skip
from web.commands import proofs  # isort: skip
from web.commands import operations  # isort: skip
from web.commands import continuity  # isort: skip
from web.commands.common import app

__all__ = ["app", "continuity", "data", "main", "operations", "processes", "proofs"]


def main() -> None:
    """The entry point."""
    app()


if __name__ == "__main__":
    main()
