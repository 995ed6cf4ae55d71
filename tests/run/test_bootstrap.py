"""The set-up before anything is installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from web.run import bootstrap, claims

ROOT = Path(__file__).resolve().parents[2]


def test_a_stamp_holds_until_an_input_changes(tmp_path):
    lock = tmp_path / "requirements.txt"
    lock.write_text("a==1")
    stamp = bootstrap.Stamp(tmp_path / "venv" / "stamp", [lock])
    assert not stamp.is_done()
    stamp.set()
    assert stamp.is_done()
    lock.write_text("a==2")
    assert not stamp.is_done()
    stamp.set()
    stamp.clear()
    assert not stamp.is_done()


def test_a_moved_checkout_is_installed_again(tmp_path):
    (tmp_path / "a").mkdir()
    bootstrap.Stamp(tmp_path / "a" / "stamp", []).set()
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert not bootstrap.Stamp(tmp_path / "b" / "stamp", []).is_done()


@pytest.mark.parametrize(
    ("installed", "wanted", "installs"),
    [
        (None, bootstrap.EMBEDDED, True),
        (bootstrap.EMBEDDED, bootstrap.EMBEDDED, False),
        (bootstrap.EMBEDDED, bootstrap.DEV, True),
        (bootstrap.DEV, bootstrap.EMBEDDED, False),
    ],
)
def test_running_after_testing_installs_nothing(monkeypatch, tmp_path, installed, wanted, installs):
    commands = []
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap, "uv", lambda: "uv")
    monkeypatch.setattr(bootstrap, "quiet", lambda command, **_: commands.append(command))
    monkeypatch.setattr(bootstrap, "link_checkout", lambda: None)
    if installed:
        bootstrap.python_packages(installed)
        commands.clear()
    bootstrap.python_packages(wanted)
    assert [command[-1] for command in commands] == ([wanted] if installs else [])


def test_the_lock_files_agree_and_name_no_index():
    def pins(name):
        lines = (ROOT / name).read_text().splitlines()
        assert not [line for line in lines if "://" in line or line.startswith("--")]
        return {line.split(" ")[0] for line in lines if "==" in line}

    assert pins(bootstrap.RUNTIME) <= pins(bootstrap.EMBEDDED) <= pins(bootstrap.DEV)
    assert '"resolved"' not in (ROOT / "web/assets/package-lock.json").read_text()


def make(*arguments, cwd=ROOT, **environ):
    return subprocess.run(
        [shutil.which("make"), *arguments], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )


def test_no_interpreter_is_one_sentence(tmp_path):
    shims = tmp_path / "bin"
    shims.mkdir()
    (shims / "sh").symlink_to("/bin/sh")
    for name in ("python3", "python3.12"):  # as version managers leave them
        (shims / name).write_text("#!/bin/sh\nexit 127\n")
        (shims / name).chmod(0o755)
    done = make("run", PATH=str(shims))
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == (
        "Filodiretto needs Python 3.11 or newer and found none: install it,"
        " or say where it is with 'make run PYTHON=/path/to/python3'."
    )
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("loopback")
def test_an_unreachable_index_ends_with_what_to_do(tmp_path):
    for name in ("Makefile", bootstrap.UV, bootstrap.EMBEDDED):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "web/run").mkdir(parents=True)
    shutil.copy(ROOT / "web/run/bootstrap.py", tmp_path / "web/run")
    nowhere = f"http://127.0.0.1:{claims.free_port()}/simple"
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    environ |= {
        "PIP_INDEX_URL": nowhere,
        "UV_DEFAULT_INDEX": nowhere,
        "PIP_RETRIES": "0",
        "PIP_NO_CACHE_DIR": "1",
    }
    environ |= {"UV_NO_CACHE": "1", "UV_HTTP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}

    done = make("run", f"PYTHON={sys.executable}", cwd=tmp_path, **environ)

    assert done.returncode != 0
    advice = [line for line in done.stderr.splitlines() if not line.startswith(("  | ", "make"))]
    assert len(advice) == 1
    assert "check that this machine reaches a Python package index" in advice[0]
    assert not (tmp_path / ".venv" / f"{bootstrap.EMBEDDED}.stamp").exists()


def reset(data):
    return make("reset", f"PYTHON={sys.executable}", **{**os.environ, "FILODIRETTO_DATA": str(data)})


def test_reset_deletes_only_a_data_folder_that_is_not_in_use(tmp_path):
    data = tmp_path / "data"
    assert reset(data).returncode == 0

    data.mkdir()
    (data / "thesis.odt").touch()
    assert "is no data folder of Filodiretto" in reset(data).stderr

    (data / "credentials.json").touch()
    with claims.data_folder(data):
        assert "Filodiretto is running: stop it with Ctrl-C first." in reset(data).stderr
    assert (data / "thesis.odt").exists()

    assert reset(data).returncode == 0
    assert not data.exists()
