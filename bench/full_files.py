"""Files as full as they get, made in the database itself, past its policies."""

import json
from collections.abc import Sequence
from typing import Any

import psycopg

POSITIONS, ENTRIES = 100, 500
ACTS = [
    {"kind": "sollecito", "number": "2023/7", "issued_on": "2023-05-02", "notifications": [
        {"outcome": "sent", "channel": "ordinary_mail", "sent_on": "2023-05-04"}]},
    {"kind": "ingiunzione", "number": "2024/118", "issued_on": "2024-08-20", "notifications": [
        {"outcome": "failed", "channel": "pec", "sent_on": "2024-08-22", "reason": "casella piena"},
        {"outcome": "notified", "channel": "messo", "on": "2024-09-03"}]},
]  # fmt: skip
STEPS = [
    {"kind": "suspension", "on": "2025-01-11", "until": "2025-03-08", "note": "istanza in esame"},
    {"kind": "fermo_notice", "on": "2026-02-02", "note": "veicolo targato EA123BC"},
]
PAYMENTS = [{"paid_on": "2025-02-01", "cents": 10_000, "channel": "pagoPA"}]
CALL = {
    "identified": True, "waited_ms": 4000, "talked_s": 190, "topic": "payment", "disposition": "answered",
    "note": "Chiede quanto deve e come pagare; pagherà entro il mese con il codice avviso.",
}  # fmt: skip


def fill_files(connection: psycopg.Connection[Any], contact_ids: Sequence[int]) -> None:
    """Everybody's timeline gets an entry; these contacts' files get all the positions and entries of a full one."""
    _entries(connection, "true", 1)
    _entries(connection, "id = ANY (%s)", ENTRIES - 1, contact_ids)
    _positions(connection, "id = ANY (%s)", POSITIONS - 1, contact_ids)


def _positions(connection: psycopg.Connection[Any], whose: str, each: int, *args: Any) -> None:
    connection.execute(
        f"""
        INSERT INTO position (ente_id, contact_id, reference, notice_number, tax, year, act_kind, act_number, act_key,
            state, tax_cents, sanctions_cents, interest_cents, costs_cents, paid_cents, residual_cents, issued_on,
            due_on, notification, notified_on, payments, instalments, acts, steps, as_of, digest)
        SELECT ente_id, id, 'C-' || id || '-' || {each} || '-' || n, '301000000000012373',
            (ARRAY['tari', 'imu', 'canone_unico', 'sanzioni_cds'])[1 + n %% 4], 2015 + n %% 10, 'ingiunzione',
            '2024/118', '2024/118', (ARRAY['overdue', 'to_pay', 'paid', 'fermo'])[1 + n %% 4], 60000 + n, 18000, 2250,
            950, 10000, 71200, date '2024-08-20' - n, date '2024-11-03', 'notified', date '2024-09-03',
            %s, '[]', %s, %s, now() - interval '1 hour', md5(id || '/' || n)
        FROM contact, generate_series(1, {each}) n WHERE {whose}
        """,
        [*map(json.dumps, (PAYMENTS, ACTS, STEPS)), *args],
    )


def _entries(connection: psycopg.Connection[Any], whose: str, each: int, *args: Any) -> None:
    connection.execute(
        f"""
        INSERT INTO timeline_entry (ente_id, contact_id, kind, source, occurred_at, status, detail)
        SELECT ente_id, id, 'call', gen_random_uuid(), now() - make_interval(hours => n * 9), 'answered', %s
        FROM contact, generate_series(1, {each}) n WHERE {whose}
        """,
        [json.dumps(CALL), *args],
    )
