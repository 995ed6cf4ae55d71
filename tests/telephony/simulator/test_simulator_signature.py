"""Signatures agree with the published vector and with Twilio's own library."""

from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from telephony.carriers.simulator.signature import sign


def test_the_published_vector():
    params = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "From": "+14158675309",
        "Digits": "1234",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert sign("12345", url, params) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


names = st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=12)


@given(st.dictionaries(names, st.text(max_size=20), max_size=8), st.text(min_size=1, max_size=20))
def test_any_form_validates_with_the_library(params: dict[str, str], token: str):
    url = "https://cc.example.it/webhooks/voice?step=2"
    signature = sign(token, url, params)
    assert RequestValidator(token).validate(url, params, signature)
