"""The postal bulletin of a payment notice (Bollettino Postale PA): what its Data Matrix holds, and what is printed.

pagoPA, "Guida tecnica sugli avvisi di pagamento", Allegato 2: an ente with a postal account for its receipts adds it
below the payment's data; the code is 25 mm wide. What the code holds is in Poste's "Manuale della stampa in proprio":
256 characters of fixed places, as pagoPA's own app IO reads them and its generator of notices writes them. Pure.
"""

import re
import unicodedata
from dataclasses import dataclass

from crm.core.errors import InvalidError

DOCUMENT, PAYMENT = "896", "P1"  # the kind of document (premarcato); of payment, printed as «Tipo»
LONGEST_ACCOUNT, LONGEST_HOLDER, LONGEST_PERMIT = 12, 50, 60
LONGEST_CODE, LONGEST_NAME, LONGEST_OBJECT, SPARE = 16, 40, 110, 12  # within the code
PRINTED_NAME, PRINTED_OBJECT = 35, 60
LENGTH = 256
_STRANGE = re.compile(r"[^A-Z0-9&'\-.:_, ]")  # what the code may not hold
_ACCOUNT = re.compile(r"\d{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Postal:
    """An ente's postal account. `permit`: Poste's leave to print bulletins, as it has to stand on them."""

    account: str
    holder: str
    permit: str


def check(account: str, holder: str, permit: str) -> list[InvalidError]:
    """What is wrong with them, by their fields: all three are needed, or none."""
    wrong = []
    if (account or holder or permit) and not _ACCOUNT.fullmatch(account):
        wrong.append(InvalidError("Il numero del conto corrente postale: al massimo 12 cifre.", field="postal_account"))
    for name, text, longest in (
        ("postal_holder", holder, LONGEST_HOLDER), ("postal_permit", permit, LONGEST_PERMIT),
    ):  # fmt: skip
        if len(text) > longest:
            wrong.append(InvalidError(f"Al massimo {longest} caratteri.", field=name))
        elif account and not text:
            wrong.append(InvalidError("Serve, per stampare il bollettino.", field=name))
    return wrong


def matrix(
    *, notice_number: str, account: str, cents: int, ente_code: str, payer_code: str, name: str, what: str
) -> str:  # fmt: skip
    """What the Data Matrix holds."""
    codeline = f"18{notice_number}12{account:0>12}10{cents:010d}3{DOCUMENT}"
    about = _held(payer_code, LONGEST_CODE) + _held(name, LONGEST_NAME) + _held(what, LONGEST_OBJECT)
    return f"codfase=NBPA;{codeline}1{PAYMENT}{_held(ente_code, 11)}{about}{' ' * SPARE}A"


def _held(text: str, length: int) -> str:
    """In capitals, without accents and strange characters, of exactly so many characters."""
    plain = unicodedata.normalize("NFKD", text.upper()).encode("ascii", "ignore").decode()
    return _STRANGE.sub(" ", plain)[:length].ljust(length)
