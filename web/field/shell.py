"""What a telephone keeps of `/door` to show it without a network: its page and files, never anything of a person.

The version is a digest of all of it, so that each release, or going back to an earlier one, is another version. A new
one is fetched whole or not at all, and takes over when the page says that no visit is open. Where the installation has
switched this off, or a release was broken, the worker that is served drops everything and is gone.
"""

import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

STATIC = Path(__file__).parent.parent / "static"
PAGE = "/door"
SCRIPTS = "js/door"
SHEETS = (
    "vendor/bootstrap-italia/css/bootstrap-italia.min.css", "css/filodiretto.css", "css/components.css", "css/door.css"
)  # fmt: skip
FONTS = ("regular", "600", "700")
FONT = "vendor/bootstrap-italia/fonts/Titillium_Web/titillium-web-v10-latin-ext_latin-{}.woff2"
WORKER = STATIC / "js" / "door_worker.js"
ENDING = STATIC / "js" / "door_ending.js"


def files() -> tuple[str, ...]:
    """The static files of the shell, as paths below `static`."""
    scripts = sorted(f"{SCRIPTS}/{one.name}" for one in (STATIC / SCRIPTS).glob("*.js"))
    fonts = (FONT.format(one) for one in FONTS)
    there = [one for one in (*SHEETS, *fonts, "js/early.js", "img/icon.svg") if (STATIC / one).is_file()]
    return (*there, *scripts)


@lru_cache(maxsize=8)
def version(page: str) -> str:
    """Which shell this is; `page` is the page as it is rendered."""
    digest = sha256(page.encode())
    for one in files():
        digest.update((STATIC / one).read_bytes())
    digest.update(WORKER.read_bytes())
    return digest.hexdigest()[:16]


def worker(version: str, paths: tuple[str, ...]) -> str:
    """The service worker that keeps these paths."""
    return f"const VERSION = {json.dumps(version)};\nconst SHELL = {json.dumps(paths)};\n{WORKER.read_text()}"


def ending() -> str:
    """The worker that takes the place of any other, forgets what that kept, and is gone."""
    return ENDING.read_text()


def paths() -> tuple[str, ...]:
    """What is kept, as addresses."""
    return (PAGE, *(f"/static/{one}" for one in files()))
