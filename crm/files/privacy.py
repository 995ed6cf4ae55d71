"""What the openings of a file hold of a person: when and by whom stays; why, and what was seen, goes."""

from crm.core.db import table_of
from crm.files.models import FileOpening
from crm.privacy.holders import Holder, TableHolder

HOLDERS: tuple[Holder, ...] = (
    TableHolder(
        table_of(FileOpening), "Aperture del fascicolo",
        emptied={"reason": "", "seen": {}, "gate": {"right": [], "told": [], "sentence": ""}},
        why="Resta che il fascicolo è stato aperto, da chi e quando.", hidden=frozenset({"opened_by", "seen", "gate"}),
    ),
)  # fmt: skip
