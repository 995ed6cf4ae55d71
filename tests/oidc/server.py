"""The OpenID provider of the tests, started and ended; and a person with a browser who signs in there."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

HERE = Path(__file__).parent
SECRET = "segreto: con / e +"


@contextlib.contextmanager
def provider(port: int, redirect_uri: str, post_logout_uri: str, **environ: str) -> Iterator[str]:
    """A provider that answers; its issuer."""
    if not (HERE / "node_modules").is_dir():
        pytest.skip("the provider is not installed: make setup, or npm ci in tests/oidc")
    node = shutil.which("node")
    assert node, "there is no node on the PATH"
    process = subprocess.Popen(
        [node, str(HERE / "provider.mjs"), str(port), redirect_uri, post_logout_uri],
        env={**os.environ, **environ}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True,  # `node` may be a script that starts another process
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "ready":
                break
        assert process.poll() is None, "the provider did not start"
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def sign_in_there(address: str, name: str, ours: str) -> str:
    """Follow the provider's pages as a browser, signing in by a name; the address of ours to which it leads back."""
    with httpx.Client(follow_redirects=False, timeout=10) as browser:
        answer = browser.get(address)
        for _ in range(10):
            if answer.is_redirect:
                address = urljoin(str(answer.url), answer.headers["location"])
                if address.startswith(ours):
                    return address
                answer = browser.get(address)
                continue
            (action,) = re.findall(r'<form[^>]*action="([^"]+)"', answer.text)
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', answer.text))
            answer = browser.post(urljoin(str(answer.url), action), data={**fields, "login": name, "password": "x"})
    raise AssertionError(f"the provider does not lead back: {answer.status_code} {answer.text[:300]}")
