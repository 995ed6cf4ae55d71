"""What letters hold of a person: that they were written, their files in the store, what the post said of them, and the
answers that went by post.
"""

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.documents.privacy import let_go
from crm.privacy.holders import Holder, Person, Section, TableHolder, Went
from outbound.letters.models import Letter, LetterAnswer, LetterReturn

_LETTER = table_of(Letter)


class _Letters(TableHolder):
    def export(self, session: Session, person: Person) -> list[Section]:
        """The list, and the letters themselves."""
        listed = TableHolder.export(self, session, person)
        files = select(_LETTER.c.id, _LETTER.c.sha256).where(*self.of(person), _LETTER.c.sha256.is_not(None))
        return [replace(listed[0], contents=tuple((f"{row.id}.pdf", row.sha256) for row in session.execute(files)))]

    def erase(self, session: Session, person: Person) -> list[Went]:
        """That letters were written stays, with what they cost; their files go."""
        files = select(_LETTER.c.sha256).where(*self.of(person), _LETTER.c.sha256.is_not(None))
        digests = list(session.execute(files).scalars())
        went = TableHolder.erase(self, session, person)
        let_go(session, ente_id=person.ente_id, digests=digests)
        return went


HOLDERS: tuple[Holder, ...] = (
    TableHolder(table_of(LetterReturn), "Esiti delle lettere"),
    TableHolder(
        table_of(LetterAnswer), "Risposte per lettera", hidden=frozenset({"written_by", "withdrawn_by", "step_id"})
    ),
    _Letters(
        _LETTER, "Lettere", emptied={"lines": [], "address_id": None, "content": None, "sha256": None},
        why="Resta, senza l'indirizzo e senza il testo, che una lettera fu stampata e quanto costò.",
    ),
)  # fmt: skip
