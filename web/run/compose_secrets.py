"""Writes the secrets that docker-compose.yml mounts: `python web/run/compose_secrets.py [FOLDER]`.

Random, one value a file, existing files untouched. The Twilio files hold values for the simulator: put the real
account's there. The folder is closed to others; its files are not, because Compose mounts them as they are
and the containers' user must read them."""

import secrets
import sys
from pathlib import Path

SERVER = "postgres:5432"


def values() -> dict[str, str]:
    """Every secret, by the name of its file."""
    token = secrets.token_hex
    postgres, owner, app, routing, redis, backup = (token(16) for _ in range(6))
    return {
        "postgres_password": postgres,
        "redis_password": redis,
        "database_superuser_url": f"postgresql://postgres:{postgres}@{SERVER}/postgres",
        "database_owner_url": f"postgresql+psycopg://filodiretto_owner:{owner}@{SERVER}/filodiretto",
        "database_url": f"postgresql+psycopg://filodiretto_app:{app}@{SERVER}/filodiretto",
        "database_routing_url": f"postgresql+psycopg://filodiretto_routing:{routing}@{SERVER}/filodiretto",
        "database_backup_url": f"postgresql+psycopg://filodiretto_backup:{backup}@{SERVER}/filodiretto",
        "redis_url": f"redis://:{redis}@redis:6379/0",
        "metrics_token": token(16),
        "master_key": token(32),
        "twilio_account_sid": "AC" + token(16),
        "twilio_auth_token": token(16),
        "twilio_api_key": "SK" + token(16),
        "twilio_api_secret": token(16),
    }


def main(folder: Path) -> int:
    """Write what is not there yet."""
    folder.mkdir(mode=0o700, exist_ok=True)
    fresh = {**values(), ".gitignore": "*"}
    missing = [name for name in fresh if not (folder / name).exists()]
    if missing and any((folder / name).exists() for name in fresh if not name.startswith(("twilio_", "."))):
        print(f"{folder} is incomplete: missing {', '.join(missing)}. Add them, or empty the folder.")
        return 1
    for name in missing:
        (folder / name).write_text(fresh[name] + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "secrets")))
