"""Every reason for which a line is refused, word for word: senders read them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crm.collection.items import Item, Reader
from crm.collection.lines import Line
from crm.collection.models import Of

NOW = datetime(2026, 1, 10, 5, tzinfo=UTC)
Records = dict[str, dict[str, Any]]


def understand(content: bytes | None, *, size: int = 0, ended: bool = True) -> Item:
    return next(Reader(NOW, NOW, size).read([Line(7, 100, content, ended)]))


def refusal(record: dict[str, Any]) -> str | None:
    return understand(json.dumps(record).encode()).refusal


TAXPAYER = [
    ({"codice_fiscale": "RSSMRA80A01D403X"},
     "codice_fiscale: Codice fiscale «RSSMRA80A01D403X»: il carattere di controllo non torna; ricontrollarlo."),
    ({"codice_fiscale": "RSSMRA"},
     "codice_fiscale: Codice fiscale «RSSMRA»: deve avere 16 caratteri (persona) o 11 cifre (società o ente)."),
    ({"codice_fiscale": "RSSMRA80Z01D403T"}, "codice_fiscale: Codice fiscale «RSSMRA80Z01D403T»: non è scritto "
     "come un codice fiscale; correggerlo all'origine."),
    ({"codice_fiscale": None}, "codice_fiscale: serve un testo fra virgolette."),
    ({"partita_iva": "01234567890"},
     "partita_iva: Partita IVA «01234567890»: servono 11 cifre con la cifra di controllo esatta."),
    ({"surname": None}, "surname: manca; le persone hanno «surname», società ed enti «business_name»."),
    ({"surname": "x" * 81}, "surname: troppo lungo, al massimo 80 caratteri."),
    ({"surname": "Ro\x00ssi"}, "surname: contiene caratteri di controllo o non ammessi; ripulire il testo."),
    ({"surname": "Rossi\u202egnp"}, "surname: contiene caratteri di controllo o non ammessi; ripulire il testo."),
    ({"surname": 12}, "surname: serve un testo fra virgolette."),
    ({"born_on": "1980-02-30"},
     'born_on: data «1980-02-30» non valida; si scrive anno-mese-giorno fra virgolette, "2024-09-03".'),
    ({"born_on": "01/01/1980"},
     'born_on: data «01/01/1980» non valida; si scrive anno-mese-giorno fra virgolette, "2024-09-03".'),
    ({"born_on": "1880-01-01"}, "born_on: data «1880-01-01» fuori dai limiti, fra il 1900 e il 2100."),
    ({"born_on": "2101-01-01"}, "born_on: data «2101-01-01» fuori dai limiti, fra il 1900 e il 2100."),
    ({"language": "italiano"}, "language: contiene caratteri di controllo o non ammessi; ripulire il testo."),
    ({"phones": "0571 700123"}, "phones: serve un elenco fra parentesi quadre."),
    ({"phones": ["0571 700123"] * 21}, "phones: troppi elementi, al massimo 20."),
    ({"sirname": "Rossi"}, "sirname: campo sconosciuto in questa versione del formato; controllare il nome."),
    ({"as_of": "2026-01-10T06:00:00"}, "as_of: manca il fuso orario; si scrive come 2024-09-03T06:00:00+02:00."),
    ({"as_of": "ieri"}, "as_of: istante «ieri» non valido; si scrive come 2024-09-03T06:00:00+02:00."),
    ({"as_of": 1700000000}, "as_of: serve un istante fra virgolette, come 2024-09-03T06:00:00+02:00."),
    ({"as_of": "2099-01-01T00:00:00Z"},
     "«as_of» è nel futuro (2099-01-01T00:00:00+00:00): correggere l'orologio o il fuso di chi produce il file."),
    ({"as_of": "0001-01-01T00:00:00+01:00"},
     "as_of: istante «0001-01-01T00:00:00+01:00» fuori dai limiti, fra il 1900 e il 2200."),
    ({"as_of": "9999-12-31T23:59:59-01:00"},
     "as_of: istante «9999-12-31T23:59:59-01:00» fuori dai limiti, fra il 1900 e il 2200."),
    ({"a\x00": 1}, "a\ufffd: campo sconosciuto in questa versione del formato; controllare il nome."),
    ({"record": "debitore"},
     "Tipo di record «debitore» sconosciuto: sono ammessi taxpayer, position, document, withdrawal, totals, end."),
    ({"addresses": [{"kind": "casa", "town": "Empoli"}]},
     "addresses.0.kind: valore «casa» non previsto; sono ammessi 'residence', 'domicile' or 'seat'."),
    ({"addresses": [{"kind": "seat", "postcode": "50053"}]}, "addresses.0: serve almeno «street» o «town»."),
    ({"addresses": [{"kind": "seat", "town": "Empoli", "province": "Firenze"}]},
     "addresses.0.province: troppo lungo, al massimo 2 caratteri."),
    ({"addresses": [{"kind": "seat", "town": "Empoli", "country": "1T"}]},
     "addresses.0.country: «1T»: servono due lettere, come «FI» o «IT»."),
    ({"residential": "sì"}, "residential: serve true o false, senza virgolette."),
    ({"relations": [{"kind": "heir"}]}, "relations.0: serve almeno «codice_fiscale» o «name»."),
    ({"relations": [{"kind": "heir", "name": "Anna", "from": "2026-02-01", "to": "2026-01-01"}]},
     "relations.0: «to» viene prima di «from»."),
    ({"relations": [{"kind": "cugino", "name": "Anna"}]},
     "relations.0.kind: valore «cugino» non previsto; sono ammessi 'heir', 'legal_representative', 'guardian', "
     "'partner', 'delegate' or 'accountant'."),
    ({"deceased_on": "ieri"},
     'deceased_on: data «ieri» non valida; si scrive anno-mese-giorno fra virgolette, "2024-09-03".'),
    ({"surname": "x" * 81, "postcode": "1" * 11},
     "surname: troppo lungo, al massimo 80 caratteri. (e altri 1 errori)"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), TAXPAYER)
def test_a_taxpayer_refused(records: Records, change: dict[str, Any], reason: str) -> None:
    assert refusal(records["rossi"] | change) == reason


POSITION = [
    ({"notice_number": "301000000000012374"}, "notice_number: Il codice avviso contiene un errore (cifre di "
     "controllo): ricopiarlo."),
    ({"notice_number": "12373"}, "notice_number: Il codice avviso ha 18 cifre, qui sono 5: ricopiarlo per intero."),
    ({"notice_number": "901000000000012373"}, "notice_number: Il codice avviso comincia per 0, 1, 2 o 3: controllare "
     "di leggere quello giusto."),
    ({"notice_number": "A"}, "notice_number: Il codice avviso è fatto di sole cifre: ricopiarlo dall'avviso di "
     "pagamento."),
    ({"tax": "ici"}, "tax: valore «ici» non previsto; sono ammessi 'tari', 'imu', 'canone_unico', 'sanzioni_cds' or "
     "'servizi_scolastici'."),
    ({"year": "2022"}, "year: serve un numero intero."),
    ({"year": 22}, "year: fuori dai limiti, almeno 1950."),
    ({"act_number": ""}, "act_number: è vuoto; scrivere il valore, o null se facoltativo."),
    ({"amounts": []}, "amounts: serve un oggetto JSON, fra graffe."),
    ({"amounts": {"tax": "1"}}, "amounts.residual: campo obbligatorio mancante."),
    ({"amounts": {"tax": "812,00", "residual": 0}}, "amounts.tax: importo «812,00» non valido; si scrive in euro, "
     "come 812.50, con due decimali."),
    ({"amounts": {"tax": 0.1 + 0.2, "residual": 0}}, "amounts.tax: importo «0.30000000000000004» non valido; si "
     "scrive in euro, come 812.50, con due decimali."),
    ({"amounts": {"tax": True, "residual": 0}}, "amounts.tax: importo «True» non valido; si scrive in euro, come "
     "812.50, con due decimali."),
    ({"amounts": {"tax": -5, "residual": 0}}, "amounts.tax: importo «-5» negativo; gli importi sono positivi o "
     "zero."),
    ({"amounts": {"tax": "100000000.00", "residual": 0}}, "amounts.tax: importo «100000000.00» oltre 99999999.99; "
     "va scritto in euro, non centesimi."),
    ({"amounts": {"tax": "\x00", "residual": 0}}, "amounts.tax: importo «\ufffd» non valido; si scrive in euro, "
     "come 812.50, con due decimali."),
    ({"payments": [{"paid_on": "2025-01-01", "amount": "x"}]}, "payments.0.amount: importo «x» non valido; si "
     "scrive in euro, come 812.50, con due decimali."),
    ({"instalments": [{"number": 0, "due_on": "2025-01-01", "amount": 1}]}, "instalments.0.number: fuori dai limiti, "
     "almeno 1."),
]  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), POSITION)
def test_a_position_refused(records: Records, change: dict[str, Any], reason: str) -> None:
    assert refusal(records["tari"] | change) == reason


LINES = [
    (b"{", "La riga non è JSON valido: un record per riga, fra graffe, con le virgolette doppie."),
    (b"[" * 5000, "La riga non è JSON valido: un record per riga, fra graffe, con le virgolette doppie."),
    (b'{"record":"taxpayer","surname":"\\ud800"}',
     "La riga non è JSON valido: un record per riga, fra graffe, con le virgolette doppie."),
    (b'{"record":"a\\u0000b"}',
     "Tipo di record «a\ufffdb» sconosciuto: sono ammessi taxpayer, position, document, withdrawal, totals, end."),
    (b"12", "La riga: serve un oggetto JSON, fra graffe."),
    (b"{}", "Manca il campo «record»: deve dire taxpayer, position, document, withdrawal, totals o end."),
    (None, "La riga supera 1 MB: un record sta in una riga ben più corta; controllare gli a capo."),
    (b'{"record":"end","taxpayers":0,"positions":0}',
     "Il record «end» non è l'ultima riga del file: toglierlo, o togliere ciò che segue."),
    (b'{"record":"end","taxpayers":-1,"positions":0}', "taxpayers: fuori dai limiti, almeno 0."),
]  # fmt: skip


@pytest.mark.parametrize(("content", "reason"), LINES)
def test_a_line_refused(content: bytes | None, reason: str) -> None:
    assert understand(content).refusal == reason


@pytest.mark.parametrize(
    "surname",
    ["=HYPERLINK(1)", "<script>alert(1)</script>", "'; DROP TABLE contact; --", "Bianchi 🦊", "Nguyễn", "Ωmega"],
)
def test_an_odd_name_is_a_name(records: Records, surname: str) -> None:
    item = understand(json.dumps(records["rossi"] | {"surname": surname}).encode())
    assert item.refusal is None
    assert item.contact is not None
    assert json.loads(item.contact.row)["surname"] == surname


def test_what_cannot_be_read_is_left_out_and_said(records: Records) -> None:
    more = {"emails": ["mario"], "digital_domicile": "nessuno", "partita_iva": ""}
    rossi = records["rossi"] | {"phones": ["n.d.", "0571 700123"]} | more
    item = understand(json.dumps(rossi).encode())
    assert item.contact is not None
    assert [value for _, value in item.contact.reaches] == ["+390571700123"]
    assert item.warning == (
        "Accettato con riserva: telefono «n.d.»: non è un numero valido; "
        "indirizzo «mario»: non è un indirizzo di posta valido; "
        "indirizzo «nessuno»: non è un indirizzo di posta valido."
    )


def test_an_old_notice_number_is_taken_with_a_warning(records: Records) -> None:
    item = understand(json.dumps(records["tari"] | {"notice_number": "001000000000012300"}).encode())
    assert item.position is not None
    assert item.warning == (
        "Accettato con riserva: codice avviso 001000000000012300: è di un tipo anteriore al 3, "
        "privo di cifre di controllo verificabili."
    )


def amounts(**euro: float) -> dict[str, Any]:
    return {"amounts": {"tax": 161.67, "residual": 161.67} | euro}


@pytest.mark.parametrize(
    ("told", "warned"),
    [
        (amounts(), False),
        (amounts(residual=1), True),
        (amounts(paid=100, residual=161.67), True),
        (amounts(paid=200, residual=0), False),  # too much was paid
        (amounts(interest=1.49, residual=162), False),  # rounded to the euro
        (amounts(residual=0) | {"state": "relieved"}, False),
        (amounts(paid=113.17, residual=0) | {"state": "paid"}, False),  # a fine paid at once is reduced
        (amounts(paid=100, residual=50) | {"state": "paid"}, True),
        (amounts(residual=111.67) | {"steps": [{"kind": "relief", "on": "2025-04-01", "amount": 50}]}, False),
        (amounts(residual=165) | {"instalments": [{"number": 1, "due_on": "2025-06-01", "amount": 165}]}, False),
    ],
)
def test_amounts_that_disagree_are_taken_with_a_warning(records: Records, told: dict[str, Any], warned: bool) -> None:
    item = understand(json.dumps(records["tari"] | told).encode())
    assert item.position is not None
    assert bool(item.warning) == warned
    if told == amounts(residual=1):
        assert item.warning == (
            "Accettato con riserva: importi: il residuo è 1.00 euro, ma le voci meno il pagato fanno 161.67 euro."
        )


NAMES = [
    (b'{"record":"position","reference":" T-1 ","year":"x"}', (Of.POSITION, "T-1"), False),
    (b'{"record":"taxpayer","codice_fiscale":"rss mra 80a01 d403t"}', (Of.TAXPAYER, "RSSMRA80A01D403T"), False),
    (b'{"record":"position","reference":"T-\\u0000"}', None, True),
    (b'{"record":"position","reference":"\\ud800"}', None, True),
    (b'{"record":"position","reference":"' + b"1" * 61 + b'"}', None, True),
    (b'{"record":["position"]}', None, True),
    (b'{"record":"withdrawal","of":"a"}', None, False),
    (b'{"record":"totals","tax":"ici"}', None, False),
]


@pytest.mark.parametrize(("content", "named", "unreadable"), NAMES)
def test_a_refused_line_has_still_named_what_it_is_about(
    content: bytes, named: tuple[Of, str] | None, unreadable: bool
) -> None:
    item = understand(content)
    assert item.refusal
    assert (item.named, item.unreadable) == (named, unreadable)


def test_the_same_content_has_the_same_digest(records: Records) -> None:
    rossi = records["rossi"]
    written_otherwise = dict(reversed(rossi.items())) | {
        "surname": " Rossi ", "phones": ["+39 333 1234567", "0571/700123"], "emails": ["mario@example.it"],
        "codice_fiscale": rossi["codice_fiscale"].lower(), "partita_iva": "",
    }  # fmt: skip
    first, second = (understand(json.dumps(record).encode()).contact for record in (rossi, written_otherwise))
    assert first is not None
    assert second is not None
    assert first.digest == second.digest
