"""What campaigns write: what is refused, how it is put together, how long it is and what it costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.messages.segments import in_gsm, is_gsm, measured
from crm.messages.wording import tells_of_debt
from outbound.compliance.rules import Written
from outbound.messages import text
from outbound.messages.cost import CENT, tally
from outbound.messages.text import Field, Words, composed, faults, filled

SMS = Words(body="{ente}: buongiorno {nome}, la preghiamo di chiamarci al {telefono}.")
TOLD = {Field.NAME: "Mario Bianchi", Field.ENTE: "Comune di Empoli", Field.LINE: "+39 0571 757100"}


def wrong(words: Words, channel: Written = Written.SMS, *, about_debt: bool = True) -> list[tuple[str, str | None]]:
    return [(str(one), one.field) for one in faults(words, channel, about_debt=about_debt, place="x")]


def test_an_sms_names_who_writes_and_how_to_stop() -> None:
    found = composed(SMS, Written.SMS, TOLD).body
    assert found == (
        "Comune di Empoli: buongiorno Mario Bianchi, la preghiamo di chiamarci al +39 0571 757100."
        " Per non ricevere SMS: STOP"
    )
    own = Words(body="{ente}: ci chiami. STOP per non ricevere altro.")
    assert composed(own, Written.SMS, TOLD).body == "Comune di Empoli: ci chiami. STOP per non ricevere altro."
    assert wrong(SMS) == []
    assert wrong(Words(body="Ci chiami."))[0][1] == "x-body"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{ente}: {nme}", "Il campo «nme», al carattere 9, non c'è."),
        ("{ente}: {importo}", "Il campo «importo», al carattere 9, direbbe del debito a chi legge lo schermo."),
        ("{ente}: {nome", "La parentesi graffa al carattere 9 è spaiata."),
        ("{ente}: ha un debito", "Chi vede lo schermo capirebbe che c'è un debito: togli quelle parole."),
        ("{ente} " + "a" * 600, "È troppo lungo: al massimo 600 caratteri."),
        ("{ente} " + "ж" * 300, "È troppo lungo: al massimo 4 SMS."),
    ],
)
def test_what_is_refused_is_told_with_its_place(body: str, says: str) -> None:
    assert says in [one for one, _ in wrong(Words(body=body))]


def test_an_information_to_everybody_may_name_a_tax_but_never_somebodys_sum() -> None:
    body = "{ente}: la TARI si paga in due rate."
    assert wrong(Words(body=body))
    assert not wrong(Words(body=body), about_debt=False)
    assert wrong(Words(body=body + " {importo}"), about_debt=False)


def test_an_email_tells_of_the_debt_only_at_a_verified_address() -> None:
    words = Words("{ente}: una comunicazione per lei", "Ci chiami al {telefono}.", "Deve {importo} per {avviso}.")
    assert wrong(words, Written.EMAIL) == []
    values = {**TOLD, Field.AMOUNT: "120,00 €", Field.NOTICE: "3010"}
    other, his = (composed(words, Written.EMAIL, values, verified=one, stop="https://x/stop") for one in (False, True))
    assert "120,00" not in other.subject + other.body
    assert (other.tells, his.tells) == (False, True)
    assert "Deve 120,00 € per 3010." in his.body
    assert "120,00" not in his.subject
    assert other.body.endswith("-- \nComune di Empoli\nPer non ricevere altre e-mail da questo ente: https://x/stop")
    assert not composed(words, Written.EMAIL, TOLD, verified=True).tells  # nobody knows the sum


def test_a_name_nobody_knows_leaves_no_hole() -> None:
    assert filled("Buongiorno {nome}, ci chiami.", {}) == "Buongiorno, ci chiami."
    assert filled("{nome}", {Field.NAME: "{importo}"}) == "{importo}"  # a value is no text with fields


# -- how long -----------------------------------------------------------------------------------------------------

TYPED = st.text(st.sampled_from("aàé €[~’Ì^ж😀\n"), max_size=400)


def second_formulation(body: str) -> int:
    """Segments as a modem would cut them: pieces of whole characters, each as long as fits."""
    if all(is_gsm(one) for one in body):
        cost, whole, part = (lambda one: 2 if one in "^{}\\[~]|€" else 1), 160, 153
    else:
        cost, whole, part = (lambda one: len(one.encode("utf-16-le")) // 2), 70, 67
    if sum(map(cost, body)) <= whole:
        return 1
    count, rest = 0, body
    while rest:
        end = next((n for n in range(len(rest), 0, -1) if sum(map(cost, rest[:n])) <= part), 1)
        count, rest = count + 1, rest[end:]
    return count


@given(TYPED)
def test_segments_are_counted_as_a_modem_cuts_them(body: str) -> None:
    found = measured(body)
    assert found.segments == second_formulation(body)
    more = body + ("a" if found.gsm else "ж") * found.room
    assert measured(more).segments == found.segments
    assert measured(more + ("a" if found.gsm else "ж")).segments == found.segments + 1


def test_a_character_of_two_places_is_not_split() -> None:
    assert measured("a" * 152 + "€" + "a" * 152).segments == 3  # 306 places, and one is lost at the end of the first
    assert measured("a" * 151 + "€" + "a" * 153).segments == 2


@given(st.lists(TYPED, max_size=5), st.integers(0, 10_000))
def test_the_cost_is_that_of_every_segment(bodies: list[str], price: int) -> None:
    found = tally(bodies, Written.SMS, price)
    assert found.cost == sum(second_formulation(one) * price for one in bodies)
    assert (found.cents - 1) * CENT < found.cost <= found.cents * CENT
    assert tally(bodies, Written.EMAIL, price).parts == len(bodies)


@given(st.text(max_size=80))
def test_whatever_his_name_is_an_sms_stays_in_the_gsm_alphabet(name: str) -> None:
    found = composed(SMS, Written.SMS, {**TOLD, Field.NAME: name}).body
    assert is_gsm(found) is is_gsm(in_gsm(name))
    assert is_gsm(found)


@given(st.text(st.sampled_from("abc {}importonomeente\n€"), max_size=120))
def test_whatever_is_typed_is_answered_and_never_discloses(body: str) -> None:
    words = Words(body=body)
    if wrong(words):
        return
    everything = {one: "SEGRETO" if one in text.TELLING else "x" for one in Field}
    sent = composed(words, Written.SMS, everything).body
    assert "SEGRETO" not in sent
    assert not tells_of_debt(sent, "it")


@given(st.text(max_size=250))
def test_whatever_his_name_is_an_email_has_a_subject_of_one_line(name: str) -> None:
    """A name is no header, and no name is too long for the others to be written to."""
    words = Words("Comunicazione per {nome} da {ente}", "Buongiorno.")
    subject = composed(words, Written.EMAIL, TOLD | {Field.NAME: name}).subject
    assert len(subject) <= 200
    assert subject.startswith("Comunicazione")
    assert subject.isprintable()
