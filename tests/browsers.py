"""Headless Chromium for whatever looks at pages: one a worker, as Playwright runs once in a thread."""

import contextlib
import gc
import os
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Iterator

import psutil
import pytest
from greenlet import greenlet
from playwright.sync_api import Browser, sync_playwright

from tests.servers import open_loopback

CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HANGS_S = 240.0  # no journey takes a fourth of it


@pytest.fixture(scope="session")
def browsers() -> Iterator[Callable[[], Browser]]:
    """Headless Chromium, the machine's own or Playwright's: the one that runs, or another if it died."""
    open_loopback()
    own = os.environ.get("FILODIRETTO_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    arguments = ["--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        launched: list[Browser] = []

        def running() -> Browser:
            if not launched or not launched[-1].is_connected():
                launched.append(playwright.chromium.launch(executable_path=own, args=arguments))
            return launched[-1]

        yield running
        if launched and launched[-1].is_connected():
            launched[-1].close()


@pytest.fixture
def chromium(browsers: Callable[[], Browser]) -> Iterator[Browser]:
    """A browser. Not every call to it has a time-out: one that hangs is killed, so that the journey fails and says
    where."""
    watch = threading.Timer(HANGS_S, _kill_browsers)
    watch.daemon = True
    watch.start()
    yield browsers()
    watch.cancel()


def _kill_browsers() -> None:
    waiting = (one for one in gc.get_objects() if isinstance(one, greenlet) and one.gr_frame is not None)
    for strand in waiting:
        sys.__stderr__.write("".join(["a journey hangs:\n", *traceback.format_stack(strand.gr_frame)]))
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "chrom" in process.name():
                process.kill()
