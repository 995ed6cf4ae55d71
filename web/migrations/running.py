"""Running migrations. They run as the owner, before any process of a new version starts."""

from pathlib import Path

from alembic import command
from alembic.config import Config

HERE = Path(__file__).parent


def upgrade(owner_url: str) -> None:
    """Bring the database to the newest revision; doing it twice changes nothing."""
    command.upgrade(config(owner_url), "head")


def config(owner_url: str) -> Config:
    """Alembic's configuration, without a file."""
    settings = Config()
    settings.set_main_option("script_location", str(HERE))
    settings.attributes["url"] = owner_url
    return settings
