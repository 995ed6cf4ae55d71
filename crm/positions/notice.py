"""The notice number (codice avviso, NAV) of a pagoPA payment notice. Import and IVR share this one rule."""

from crm.core.errors import InvalidError

LENGTH = 18


def parse_notice_number(text: str) -> str:
    """The 18 digits of a notice number written or keyed in any grouping. Raises `InvalidError`.

    Numbers that begin with 3 end with a check: the first 16 digits modulo 93, as two digits (AgID,
    "Specifiche attuative dei codici identificativi di versamento, riversamento e rendicontazione"). Auxiliary
    digits 0, 1 and 2, on old notices alone, have other schemes and are taken as they are: see `is_old`.
    """
    digits = "".join(char for char in text if char not in " .-/\u00a0")
    if not (digits.isascii() and digits.isdigit()):
        raise InvalidError("Il codice avviso è fatto di sole cifre: ricopiarlo dall'avviso di pagamento.")
    if len(digits) != LENGTH:
        raise InvalidError(f"Il codice avviso ha 18 cifre, qui sono {len(digits)}: ricopiarlo per intero.")
    if digits[0] not in "0123":
        raise InvalidError("Il codice avviso comincia per 0, 1, 2 o 3: controllare di leggere quello giusto.")
    if digits[0] == "3" and digits[16:] != check_digits(digits[:16]):
        raise InvalidError("Il codice avviso contiene un errore (cifre di controllo): ricopiarlo.")
    return digits


def is_mistyped(text: str) -> bool:
    """Whether somebody meant a notice number whose check digits do not add up."""
    digits = "".join(char for char in text if char not in " .-/\u00a0")
    whole = len(digits) == LENGTH and digits.isascii() and digits.isdigit()
    return whole and digits[0] == "3" and digits[16:] != check_digits(digits[:16])


def check_digits(first_16: str) -> str:
    """The two check digits that follow the first 16 of a notice number with auxiliary digit 3."""
    return f"{int(first_16) % 93:02d}"


def is_old(notice_number: str) -> bool:
    """Whether the number is of a scheme older than auxiliary digit 3, which cannot be checked."""
    return notice_number[0] != "3"
