"""What contacts hold of a person."""

from sqlalchemy import Text, cast, func

from crm.contacts.models import Contact, ContactReach
from crm.core.db import table_of
from crm.privacy.holders import Holder, TableHolder

ERASED = "Persona cancellata"
_CONTACT = table_of(Contact)

HOLDERS: tuple[Holder, ...] = (
    TableHolder(table_of(ContactReach), "Recapiti"),
    TableHolder(
        _CONTACT, "Anagrafica",
        emptied={
            "codice_fiscale": func.concat("#", func.lpad(cast(_CONTACT.c.id, Text), 15, "0")),  # unique, and nobody's
            "partita_iva": None, "surname": ERASED, "given_name": None, "born_on": None, "birthplace": None,
            "address": None, "postcode": None, "town": None, "name_key": "", "given_key": None, "digest": "erased",
        },
        why="La riga vuota tiene insieme conteggi e somme.", column="id",
    ),
)  # fmt: skip
