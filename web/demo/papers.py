"""Invented documents: small PDFs of one page, and the records that list them."""

import hashlib
import random
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from crm.documents.models import DocumentKind
from web.demo.places import Municipality

SHARE, MISSING_SHARE = 0.015, 0.2  # of debts with documents; of documents whose contents have not arrived
TITLES = {"avviso_pagamento": "Avviso di pagamento", "sollecito": "Sollecito",
          "accertamento_esecutivo": "Accertamento esecutivo", "ingiunzione": "Ingiunzione"}  # fmt: skip


def papers(
    dice: random.Random, place: Municipality, name: str, debt: dict[str, Any]
) -> Iterable[tuple[dict[str, Any], bytes | None]]:
    """The documents of a debt, of the few that have any: each record and its contents, unless they are missing."""
    if dice.random() >= SHARE:
        return
    title = f"{TITLES[debt['act_kind']]} n. {debt['act_number']}"
    lines = [place.name, title, f"Destinatario: {name}", f"Posizione {debt['reference']}", "Documento dimostrativo"]
    kind = DocumentKind.NOTICE if debt["act_kind"] == "avviso_pagamento" else DocumentKind.ACT
    yield _paper(dice, debt, "D", kind, title, debt["issued_on"], lines)
    if served := debt.get("notified_on"):
        reference = f"{debt['reference']}-N"
        debt["acts"][-1]["notifications"][-1]["proof"] = reference
        about = [place.name, "Relata di notifica", title, f"Notificato il {served}", "Documento dimostrativo"]
        yield _paper(dice, debt, "N", DocumentKind.NOTIFICATION_PROOF, f"Relata, {title}", served, about)
    for paid in debt.get("payments", [])[:1]:
        paid["receipt"] = f"{debt['reference']}-R"
        about = [place.name, "Ricevuta di pagamento", title, f"{paid['amount']} euro il {paid['paid_on']}"]
        yield _paper(dice, debt, "R", DocumentKind.RECEIPT, "Ricevuta di pagamento", paid["paid_on"], about)


def write(path: Path, contents: Iterable[bytes]) -> None:
    """A zip of what arrives, each under a name that says nothing."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, one in enumerate(contents):
            archive.writestr(zipfile.ZipInfo(f"{number:05d}.pdf"), one)


def pdf(lines: Iterable[str]) -> bytes:
    """A page with some lines of text (ISO 32000-1: a catalogue, one page, one font, one content stream)."""
    shown = "".join(f"({_escaped(line)}) Tj T*\n" for line in lines)
    text = f"BT /F1 14 Tf 24 TL 72 760 Td\n{shown}ET".encode("cp1252", "replace")
    parts = (
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Font << /F1 5 0 R >> >>",
    )  # fmt: skip
    made, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(parts) + 1
    end = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(made))
    return made + b"xref\n0 %d\n0000000000 65535 f \n" % count + table + end


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _paper(
    dice: random.Random, debt: dict[str, Any], suffix: str, kind: DocumentKind, title: str, dated: str,
    lines: Iterable[str],
) -> tuple[dict[str, Any], bytes | None]:  # fmt: skip
    contents = pdf(lines)
    record = {
        "record": "document", "reference": f"{debt['reference']}-{suffix}", "codice_fiscale": debt["codice_fiscale"],
        "position": debt["reference"], "kind": kind.value, "title": title, "dated": dated,
        "media_type": "application/pdf", "size": len(contents), "sha256": hashlib.sha256(contents).hexdigest(),
    }  # fmt: skip
    return record, None if dice.random() < MISSING_SHARE else contents
