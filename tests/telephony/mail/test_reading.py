"""What a message's bytes say, whatever they are."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import example, given
from hypothesis import strategies as st

from crm.documents.models import Scan
from crm.documents.scanning import verdict
from telephony.calls.choices import Topic
from telephony.mail import bulky, knowing, signed, threads
from telephony.mail.automatic import Nature
from telephony.mail.certified import PecKind, data_of
from telephony.mail.kinds import FileKind, doubtful, kind_of
from telephony.mail.knowing import Candidate
from telephony.mail.models import Matched
from telephony.mail.reading import Reading, part_of, read
from telephony.mail.sanitising import sanitised, text_of
from telephony.mail.signed import Proof
from telephony.mail.suggesting import TopicRule, suggested
from telephony.mail.threads import Known, ThreadedBy
from tests.telephony.mail.letters import (
    MARIO,
    PEC_BOX,
    PROVIDER,
    anchor,
    carried,
    daticert,
    letter,
    provider,
    receipt,
    with_file,
)

AT = datetime(2026, 11, 23, 10, tzinfo=UTC)
OURS = "6b0e8a2e-0000-4000-8000-000000000001@pec.comune.empoli.example"


def certified(raw: bytes) -> Reading:
    return read(raw, anchors=[anchor()[1]], at=AT)


def test_a_plain_letter_is_read() -> None:
    said = read(letter(answers="zero@example.it"))
    assert (said.sender.address, said.to[0].address, said.subject) == (
        MARIO,
        "tributi@comune.empoli.example",
        "Rateizzazione",
    )
    assert (said.message_id, said.references, said.made_up) == ("uno@example.it", ("zero@example.it",), False)
    assert (said.words.strip(), said.nature) == ("Buongiorno, vorrei pagare a rate.", Nature.PERSON)
    assert said.sent_at == datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_one_without_a_message_id_has_always_the_same_one() -> None:
    raw = letter(named="")
    assert read(raw).made_up
    assert read(raw).message_id == read(raw).message_id != read(raw + b" ").message_id


def test_charsets_lie_and_words_are_read_all_the_same() -> None:
    head = b"From: =?klingon?b?TWFyaW8=?= <m@example.it>\r\nSubject: =?utf-8?q?perch=E8?= caff\xe8\r\n"
    said = read(head + b"Content-Type: text/plain; charset=us-ascii\r\n\r\nperch\xe9 \xe2\x82\xac")
    assert said.sender.name == "Mario"
    assert said.subject == "perchè caffè"
    assert said.words.startswith("perché")


def test_html_alone_has_words_and_runs_nothing() -> None:
    html = (
        "<style>p{}</style><p>Buongiorno,</p><script>alert(1)</script><div onclick='x'>ho <b>pagato</b><br>ieri</div>"
    )
    assert text_of(html) == "Buongiorno,\nho pagato\nieri"
    safe = sanitised(html + '<a href="javascript:x">qui</a><img src="https://spia.example/1.gif"><img src="cid:logo">',
                     {"logo": ("image/png", b"\x89PNG")})  # fmt: skip
    assert safe.blocked == 1
    assert "spia" not in safe.html
    assert "javascript" not in safe.html
    assert "onclick" not in safe.html
    assert "alert" not in safe.html
    assert 'src="data:image/png;base64,iVBORw=="' in safe.html


@pytest.mark.parametrize(
    ("headers", "nature"),
    [
        ({}, Nature.PERSON),
        ({"Auto_Submitted": "no"}, Nature.PERSON),
        ({"Auto_Submitted": "auto-replied (vacation)"}, Nature.AUTOMATIC),
        ({"X_Autoreply": "yes"}, Nature.AUTOMATIC),
        ({"Precedence": "auto_reply"}, Nature.AUTOMATIC),
        ({"Return_Path": "<>"}, Nature.AUTOMATIC),
        ({"subject": "Risposta automatica: ferie"}, Nature.AUTOMATIC),
        ({"List_Id": "<novita.example>"}, Nature.LIST),
        ({"Precedence": "bulk"}, Nature.LIST),
        ({"X_Filodiretto": "M-2345678"}, Nature.LOOP),
        ({"Return_Path": "<>", "sender": "MAILER-DAEMON@mx.example.it"}, Nature.BOUNCE),
    ],
)
def test_what_no_person_wrote_is_known(headers: dict[str, str], nature: Nature) -> None:
    assert read(letter(**headers)).nature is nature


def test_a_mail_that_goes_round_in_a_circle_is_a_loop() -> None:
    assert read(b"Received: from a by b\r\n" * 41 + letter()).nature is Nature.LOOP


def test_a_bounce_says_which_mail_and_whom() -> None:
    raw = (
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.it\r\nSubject: Undelivered\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n'
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.it\r\n\r\n"
        b"Final-Recipient: rfc822; Mario@Example.it\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n"
        b"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <nostra@comune.example>\r\nSubject: x\r\n--b--\r\n"
    )
    said = read(raw)
    assert said.nature is Nature.BOUNCE
    assert said.bounce is not None
    assert said.bounce.original_id == "nostra@comune.example"
    assert (said.bounce.failed, said.bounce.status) == (("mario@example.it",), "5.1.1")


def test_files_are_what_is_in_them_and_their_names_are_clean() -> None:
    said = read(with_file("../../etc/\u202efdp.exe\x07", b"%PDF-1.7 ..."))
    (one,) = said.attachments
    assert (one.name, one.kind, one.doubtful) == ("fdp.exe", FileKind.PDF, True)
    again = part_of(with_file("ricevuta.pdf", b"%PDF-1.7 ..."), one.part)
    assert again is not None
    assert (again.content, again.doubtful) == (b"%PDF-1.7 ...", False)
    assert kind_of(b"MZ\x90\x00") is FileKind.PROGRAM
    assert kind_of(b"<!DOCTYPE html><script>") is FileKind.MARKUP
    assert doubtful("fattura.pdf", FileKind.PROGRAM)
    assert doubtful("fattura.pdf", FileKind.MARKUP)
    assert not doubtful("nota.txt", FileKind.TEXT)


def test_parts_in_parts_without_end_and_a_flood_of_them_stop_nobody() -> None:
    deep = b"From: m@example.it\r\nSubject: s\r\n"
    for n in range(300):
        deep += b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
    assert read(deep + b"\r\nfondo").subject == "s"
    flood = b"From: m@example.it\r\nSubject: s\r\n" + b"x: boundary\r\n" * 2_000 + b"\r\ntesto"
    assert (read(flood).subject, read(flood).cut) == ("s", True)
    long = b"Subject: " + b"=?utf-8?q?a?= " * 100_000 + b"\r\nFrom: " + b"a@example.it, " * 50_000 + b"\r\n\r\nx"
    assert len(read(long).subject) == 300


@given(st.binary(max_size=600))
def test_any_bytes_can_be_read(raw: bytes) -> None:
    said = read(raw, at=AT)
    assert said.message_id
    assert "\x00" not in said.words + said.subject + said.sender.name


_BITS = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: message/rfc822\r\n", b"\r\n", b"--b\r\n",
        b"--b--\r\n", b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: x-uuencode\r\n",
        b"Content-Disposition: attachment; filename*0*=utf-8''%E8; filename*1=x\r\n", b"X-Ricevuta: accettazione\r\n",
        b"Content-Type: text/html; charset=\"\xff\"\r\n", b"Content-Type: multipart/signed; boundary=b\r\n",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n", b"X-Trasporto: errore\r\n",
        b"Content-Type: message/delivery-status\r\n", b"begin 644 x\n#0V%T\n", b"Date: Mon, 99 Nov 10000\r\n",
        b"From: \"a\" <@,;:>\r\n", b"To: undisclosed:;\r\n", b"<postacert tipo='accettazione'><dati/></postacert>",
        b"Content-Type: text/plain; name=daticert.xml\r\n", b"=?utf-8?b?\xff?=", b"\xe8\x00\xff",
        b"Subject: =?utf-7?q?+AAA-?= =?idna?q?x?=\r\n", b"Content-Type: text/plain; charset=punycode\r\n",
    ]
)  # fmt: skip


@given(st.lists(_BITS, max_size=25))
@example([b"Content-Type: text/plain; charset=punycode\r\n", b"\xe8\x00\xff"])  # a charset that may not be asked
def test_any_heap_of_what_mails_are_made_of_can_be_read(bits: list[bytes]) -> None:
    said = read(b"".join(bits), anchors=[anchor()[1]], at=AT)
    assert said.proof is not Proof.VALID
    for one in said.attachments:
        assert part_of(b"".join(bits), one.part) == one
    sanitised(said.html)


# -- certified mail -------------------------------------------------------------------------------------------------


@given(
    st.lists(
        st.sampled_from(
            [b"--b\r\n", b"--b--\r\n", b"\r\n", b"Content-Transfer-Encoding: base64\r\n", b"parole, e altre\r\n",
             b"Content-Type: application/pdf; name=a.pdf\r\n", b"Content-Type: message/rfc822\r\n", b"A=\r\n",
             b"Content-Transfer-Encoding: quoted-printable\r\n", b"JVBERi0x" * 9 + b"\r\n", b"eHh4" * 20 + b"\n",
             b"eHg=" * 20 + b"\r\n", b"z" * 75 + b"\r\n"]
        ),
        max_size=30,
    )
)  # fmt: skip
@example([b"--b\r\n", b"Content-Transfer-Encoding: base64\r\n", b"\r\n", b"JVBERi0x" * 9 + b"\r\n", b"--b--\r\n"])
def test_what_is_put_aside_changes_nothing(bits: list[bytes]) -> None:
    raw = b"From: m@example.it\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"".join(bits)
    usual = read(raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulky, "SMALL", 0)
        patch.setattr(bulky, "LARGE", 70)
        light = read(raw)
    assert light == usual
    assert [one.content for one in light.attachments] == [one.content for one in usual.attachments]


def test_of_a_message_without_end_the_beginning_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulky, "SMALL", 0)
    monkeypatch.setattr(bulky, "MOST_REST", 10_000)
    said = read(letter("Parole senza fine. " * 20_000))
    assert (said.subject, said.cut, said.words.startswith("Parole")) == ("Rateizzazione", True, True)
    assert len(said.words) < 10_000


def test_what_an_envelope_carries_is_read_and_the_envelope_beside_it() -> None:
    said = certified(carried(letter(sender="mario@pec.example", named="dentro@pec.example")))
    assert said.pec is not None
    assert (said.pec.kind, said.pec.plausible, said.proof) == (PecKind.TRANSPORT, True, Proof.VALID)
    assert (said.sender.address, said.message_id) == ("mario@pec.example", "dentro@pec.example")
    assert (said.subject, said.nature) == ("Rateizzazione", Nature.PERSON)


def test_what_came_from_no_certified_sender_is_an_anomaly() -> None:
    raw = carried(letter(), transport="errore")
    said = certified(raw)
    assert said.pec is not None
    assert (said.pec.kind, said.sender.address) == (PecKind.ANOMALY, MARIO)


def test_a_receipt_says_what_became_of_which_mail() -> None:
    said = certified(receipt("avvenuta-consegna", OURS))
    assert said.pec is not None
    assert said.pec.data is not None
    assert (said.nature, said.pec.kind, said.pec.original_id) == (Nature.RECEIPT, PecKind.DELIVERED, OURS)
    assert said.pec.data.at == datetime(2026, 11, 23, 10, 2, 3, tzinfo=UTC)
    assert (said.pec.data.provider, said.pec.data.delivered_to) == ("Gestore S.p.A.", "mario@pec.example")
    assert knowing.counts(said.pec, said.proof, ours=True, address=PEC_BOX)


@pytest.mark.parametrize(
    ("raw", "proof"),
    [
        (receipt("avvenuta-consegna", OURS, signed=False), Proof.UNSIGNED),
        (receipt("avvenuta-consegna", OURS, forger=True), Proof.UNTRUSTED),
        (receipt("avvenuta-consegna", OURS).replace(b"11:02:03", b"11:02:04"), Proof.BROKEN),
        (receipt("avvenuta-consegna", OURS).replace(b"From: posta-certificata@", b"From: mario@"), Proof.UNTRUSTED),
    ],
)
def test_a_forged_receipt_is_read_and_not_believed(raw: bytes, proof: Proof) -> None:
    said = certified(raw)
    assert said.pec is not None
    assert said.proof is proof
    assert not knowing.counts(said.pec, said.proof, ours=True, address=PEC_BOX)


def test_a_receipt_counts_for_a_mail_of_ours_whose_parts_agree() -> None:
    right = certified(receipt("avvenuta-consegna", OURS))
    assert right.pec is not None
    assert not knowing.counts(right.pec, right.proof, ours=False, address=PEC_BOX)
    assert not knowing.counts(right.pec, right.proof, ours=True, address="altri@pec.example")
    other = certified(receipt("avvenuta-consegna", OURS, data=daticert("accettazione", OURS)))
    assert other.pec is not None
    assert not other.pec.plausible
    unchecked = read(receipt("avvenuta-consegna", OURS), at=AT)
    assert unchecked.pec is not None
    assert unchecked.proof is Proof.UNCHECKED
    assert knowing.counts(unchecked.pec, unchecked.proof, ours=True, address=PEC_BOX)


def test_a_bomb_of_entities_is_no_certificate() -> None:
    bomb = b'<!DOCTYPE postacert [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><postacert tipo="accettazione">&b;</postacert>'
    assert data_of(bomb) is None
    assert data_of(b"<postacert") is None
    assert data_of(b"<altro/>") is None


def test_a_signature_by_openssl_in_pieces_of_unknown_length_is_read(tmp_path: Path) -> None:
    key, certificate = provider()
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    (tmp_path / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (tmp_path / "in").write_bytes(b"Content-Type: text/plain\r\n\r\nprova\r\n")
    subprocess.run(
        ["openssl", "cms", "-sign", "-in", "in", "-signer", "cert.pem", "-inkey", "key.pem", "-out", "out", "-md",
         "sha256", "-stream", "-indef"], cwd=tmp_path, check=True, capture_output=True, timeout=20,
    )  # fmt: skip
    raw = f"From: {PROVIDER}\r\nX-Ricevuta: accettazione\r\n".encode() + (tmp_path / "out").read_bytes()
    assert certified(raw).proof is Proof.VALID
    assert certified(raw.replace(b"prova", b"prove")).proof is Proof.BROKEN


@given(st.binary(max_size=400))
def test_any_bytes_can_be_a_signature(content: bytes) -> None:
    with pytest.raises((signed._BrokenError, ValueError)):
        signed._signer(b"x", b"0\x80" + content)


# -- what is made of it ---------------------------------------------------------------------------------------------


def test_a_mail_goes_where_what_it_answers_is_and_a_code_counts_for_who_is_there() -> None:
    from uuid import UUID  # noqa: PLC0415

    one, other = Known(UUID(int=1), frozenset({MARIO})), Known(UUID(int=2), frozenset({MARIO}))
    code = threads.new_code()

    def found(references: tuple[str, ...], subject: str, sender: str = MARIO) -> tuple[Known | None, ThreadedBy]:
        return threads.thread_of(
            references=references, codes=threads.codes_in(subject), sender=sender, by_id={"a@x": one},
            by_code={code: other},
        )  # fmt: skip

    assert found(("z@x", "a@x"), f"Re: [{code}]") == (one, ThreadedBy.REFERENCE)
    assert found((), f"I: pratica {code.lower()}.") == (other, ThreadedBy.CODE)
    assert found((), f"Re: [{code}]", "altri@example.it") == (None, ThreadedBy.NEW)
    assert found(("z@x",), "Re: niente") == (None, ThreadedBy.NEW)


def test_who_has_an_address_is_proposed_and_of_several_nobody() -> None:
    mario, gina = Candidate(1, 10, verified=False), Candidate(1, 11, verified=True)
    elsewhere = Candidate(2, 20, verified=True)

    def how(*who: Candidate, ente_id: int | None = 1) -> tuple[int, Matched] | None:
        found = knowing.match_of(who, ente_id=ente_id)
        return (found.candidate.contact_id, found.how) if found else None

    assert how(mario) == (10, Matched.PROPOSED)
    assert how(mario, gina) == (11, Matched.VERIFIED)
    assert how(mario, Candidate(1, 12, verified=False)) is None
    assert how(elsewhere) is None
    assert how(mario, ente_id=None) is None
    assert how(elsewhere, ente_id=None) == (20, Matched.VERIFIED)
    assert how(elsewhere, gina, ente_id=None) is None


def test_a_topic_is_suggested_by_words_and_an_ente_has_its_own() -> None:
    assert suggested("Richiesta", "Vorrei la RATEIZZAZIONE dell'importo, o una dilazione") is Topic.INSTALMENTS
    assert suggested("Reclamo", "per la rateizzazione mancata") is Topic.COMPLAINT
    assert suggested("Ciao", "Niente di che") is None
    assert suggested("Mensa", "", (TopicRule(Topic.OTHER, ("mensa",)),)) is Topic.OTHER


def test_what_the_scanner_says() -> None:
    assert verdict("stream: OK").scan is Scan.CLEAN
    assert verdict("stream: Win.Test.EICAR_HDB-1 FOUND").virus == "Win.Test.EICAR_HDB-1"
    assert verdict("INSTREAM size limit exceeded. ERROR").scan is Scan.TOO_LARGE
    assert verdict("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND").scan is Scan.TOO_LARGE
    assert verdict("").scan is Scan.FAILED
