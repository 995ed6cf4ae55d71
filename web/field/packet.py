"""A packet as the telephone gets it: JSON, small, in the agent's language."""

import gzip
import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import segno
from sqlalchemy.orm import Session

from crm.collection.sources.port import Lookup
from crm.core.clock import ROME
from crm.enti import queries as enti
from crm.positions.payable import QR_LEVEL, QR_VERSION, Payable, qr_content
from outbound.field.visits import door
from outbound.field.visits.asking import Checked
from outbound.field.visits.packets import Asked, Packet, Stop
from outbound.field.visits.words import SPOKEN
from telephony.lines import queries as lines
from web.edge.i18n import said
from web.edge.words import word_for
from web.wiring import Runtime

LEVEL = 6  # of compression: beyond it the telephone gains nothing that the server's time is worth


def written(session: Session, runtime: Runtime, packet: Packet, language: str) -> dict[str, Any]:
    """All of it as values of JSON; amounts in cents, instants in ISO 8601."""
    badges = enti.badges(session)
    return {
        "made_at": packet.made_at.isoformat(),
        "asking": packet.asking,
        "keep_days": packet.keep_days,
        "device": str(packet.device_id),
        "agent": {
            "name": f"{packet.agent.given_name} {packet.agent.surname}", "number": packet.agent.badge_number,
            "code": packet.agent.badge_code, "phone": packet.agent.phone,
            "until": packet.agent.badge_until.isoformat() if packet.agent.badge_until else None,
            "verify": f"{runtime.settings.public_url}/badge", "qr": _drawn(
                f"{runtime.settings.public_url}/badge?code={packet.agent.badge_code}", None
            ),
            "photo": b64encode(packet.photo).decode() if packet.photo else None,
        },
        "table": door.table(),
        "enti": {
            str(ente_id): {
                "name": badges[ente_id].name, "phone": lines.sender(session, ente_id),
                "booking": f"{runtime.settings.public_url}/prenota",
                "words": {name: getattr(words, name) for name in SPOKEN},
                "words_version": packet.versions[ente_id],
            }
            for ente_id, words in packet.words.items()
        },
        "stops": [_stop(session, one, language) for one in packet.stops],
    }  # fmt: skip


def pressed(content: dict[str, Any]) -> bytes:
    """As it goes over a slow link."""
    return gzip.compress(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), LEVEL, mtime=0)


def _stop(session: Session, stop: Stop, language: str) -> dict[str, Any]:
    practice, mandate = stop.practice, stop.mandate
    return {
        "ente": practice.ente_id, "practice": practice.id, "number": practice.number, "mandate": str(mandate.id),
        "until": mandate.valid_to.isoformat(), "left": stop.left, "photograph": mandate.may_photograph,
        "name": stop.person.name, "company": stop.company,
        "place": ", ".join(filter(None, (practice.street, f"{practice.postcode} {practice.town}".strip()))),
        "at": [practice.latitude, practice.longitude] if practice.latitude is not None else None,
        "code": stop.code,
        "checked": _checked(stop.checked),
        "planned": stop.planned.isoformat() if stop.planned else None,
        "not_before": practice.not_before.isoformat() if practice.not_before else None,
        "debts": [_debt(session, practice.ente_id, one, language) for one in stop.debts],
    }  # fmt: skip


def _checked(checked: Checked | None) -> dict[str, Any] | None:
    """When the gestionale answered about him, or none where it answers about nobody alone. `at` is none where it did
    not: what the packet says is as old as it says.
    """
    if checked is None:
        return None
    known = checked.outcome is Lookup.ANSWERED and checked.at is not None
    return {"at": checked.at.isoformat() if known and checked.at else None}


def _debt(session: Session, ente_id: int, debt: Asked, language: str) -> dict[str, Any]:
    position = debt.position
    if position is None:
        return {"reference": debt.reference, "what": "", "pay": []}
    return {
        "reference": debt.reference,
        "what": f"{said(language, word_for(position.act_kind))} {position.act_number}",
        "tax": f"{said(language, word_for(position.tax))} {position.year}",
        "as_of": position.as_of.astimezone(ROME).isoformat(timespec="minutes"),
        "pay": list(_payable(session, ente_id, debt.payable)),
    }  # fmt: skip


def _payable(session: Session, ente_id: int, payable: tuple[Payable, ...]) -> Iterator[dict[str, Any]]:
    creditor = enti.creditor_code(session, ente_id)
    for one in payable:
        due = one.due_on.isoformat() if one.due_on else None
        told: dict[str, Any] = {"cents": one.cents, "due_on": due, "late": one.late, "rate": one.instalment}
        if one.notice_number is not None:
            content = qr_content(notice_number=one.notice_number, codice_fiscale=creditor, cents=one.cents)
            told |= {"notice": one.notice_number, "qr": _drawn(content, QR_VERSION)}
        yield told


def _drawn(content: str, version: int | None) -> dict[str, Any]:
    """A code's modules, row by row, a bit each."""
    rows = tuple(segno.make_qr(content, version=version, error=QR_LEVEL, boost_error=False).matrix)
    modules = "".join("1" if module else "0" for row in rows for module in row)
    modules += "0" * (-len(modules) % 8)
    packed = int(modules, 2).to_bytes(len(modules) // 8, "big")
    return {"size": len(rows), "bits": b64encode(packed).decode()}
