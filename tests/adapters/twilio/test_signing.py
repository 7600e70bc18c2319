"""Twilio's signature, against Twilio's own validator."""

from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from adapters.contracts import Refused
from adapters.twilio.callbacks import read_form
from adapters.twilio.signing import check, signature_of

TOKEN = "12345"
URLS = [
    "https://wenan.example/channels/twilio/callback",
    "https://wenan.example:8443/channels/twilio/callback?a=1&b=%E5%9C%A8",
    "http://wenan.example:80/",
]
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def test_the_vendors_example() -> None:
    # Source: "Validating Signatures from Twilio", its example of a call.
    form = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"

    assert signature_of(TOKEN, url, form) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@settings(max_examples=50, deadline=None)
@given(form=st.dictionaries(WORDS, WORDS, max_size=8), url=st.sampled_from(URLS))
def test_what_twilio_signs_is_believed(form: dict[str, str], url: str) -> None:
    signature = RequestValidator(TOKEN).compute_signature(url, form)

    check(signature, TOKEN, url, read_form(urlencode(form).encode()))


@settings(max_examples=50, deadline=None)
@given(form=st.dictionaries(WORDS, WORDS, max_size=8), url=st.sampled_from(URLS))
def test_what_we_sign_twilio_believes(form: dict[str, str], url: str) -> None:
    signature = signature_of(TOKEN, url, list(form.items()))

    assert RequestValidator(TOKEN).validate(url, form, signature)


@pytest.mark.parametrize(
    ("signed", "called"),
    [
        ("https://wenan.example/cb", "https://wenan.example:443/cb"),
        ("https://wenan.example:443/cb", "https://wenan.example/cb"),
        ("https://wenan.example:8443/cb", "https://wenan.example:8443/cb"),
        ("https://wenan.example/cb", "https://wenan.example:8443/cb"),
        ("http://wenan.example/cb", "https://wenan.example/cb"),
        ("https://wenan.example/cb", "https://wenan.example/cb?x=1"),
        ("https://wenan.example/cb", "https://other.example/cb"),
    ],
)
def test_a_port_counts_as_it_does_for_twilio(signed: str, called: str) -> None:
    signature = signature_of(TOKEN, signed, [("Body", "x")])
    try:
        check(signature, TOKEN, called, [("Body", "x")])
        is_believed = True
    except Refused:
        is_believed = False

    assert is_believed == RequestValidator(TOKEN).validate(called, {"Body": "x"}, signature)


@pytest.mark.parametrize("signature", ["", "x", "ключ", "\ud800"])
def test_a_wrong_signature_is_refused(signature: str) -> None:
    with pytest.raises(Refused):
        check(signature, TOKEN, URLS[0], [("Body", "x")])


def test_without_a_token_nobody_is_believed() -> None:
    with pytest.raises(Refused):
        check(signature_of("", URLS[0], []), "", URLS[0], [])


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(Refused):
        check("x", TOKEN, "https://wenan.example:port/cb", [])
