"""What a browser says of itself, in a few words for lists and the audit. Pure; nobody decides anything by it."""

import re

LONGEST = 60  # as many characters as a session keeps
_BROWSERS = (  # in this order: each says the names of those after it, too
    ("Edge", r"\bEdg(?:e|A|iOS)?/"),
    ("Opera", r"\bOPR/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:Chrome|Chromium|CriOS|HeadlessChrome)/"),
    ("Safari", r"\bSafari/"),
)
_SYSTEMS = (
    ("iPad", r"\biPad\b"),
    ("iPhone", r"\biPhone\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows\b"),
    ("macOS", r"\bMacintosh\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("Linux", r"\bLinux\b"),
)


def described(user_agent: str) -> str:
    """Such as `Chrome su Windows`; what it says, cut where it is long, when it is nothing known."""
    browser, system = _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)
    if browser and system:
        return f"{browser} su {system}"
    if browser or system:
        return browser or system
    text = re.sub(r"[^\w ./-]", "", user_agent).strip()
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _first(known: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for name, pattern in known if re.search(pattern, text)), "")
