"""Numbers of payment notices and acts in what somebody wrote. They are looked for, and prove nothing. Pure."""

import re

from crm.positions.notice import LENGTH
from crm.positions.numbers import act_key

MOST = 20  # numbers looked for
LEAST = 5  # letters and digits of an act's number: of shorter ones there are too many
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[ .\-/\u00a0](?=\d)")
_NOTICE = re.compile(rf"(?<!\d)\d{{{LENGTH}}}(?!\d)")
_ACT = re.compile(r"(?<![0-9A-Za-z])(?:[A-Za-z]{1,6}[./-]?)?(\d{1,15}(?:[./-][0-9A-Za-z]{1,15}){0,4})(?![0-9A-Za-z])")


def numbers_in(words: str) -> frozenset[str]:
    """What may be numbers of notices (their digits) and of acts (`act_key`), in whatever way they are written."""
    notices = _NOTICE.findall(_BETWEEN_DIGITS.sub("", words))
    acts = [act_key(written) for found in _ACT.finditer(words) for written in (found[0], found[1])]
    long_enough = [one for one in acts if len(one.replace("/", "")) >= LEAST]
    return frozenset(list(dict.fromkeys((*notices, *long_enough)))[:MOST])
