"""What Twilio tells us, and who only says that he is Twilio."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from adapters.contracts import Category, EventKind, Malformed, Media, Receipt, Refused, Status
from adapters.rehearsal.stand_in import Outgoing
from adapters.twilio.callbacks import read_events

pytestmark = [pytest.mark.django_db, pytest.mark.vendor]

SID = "SM0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
MESSAGE = {"MessageSid": SID, "From": "+8613800000001", "Body": "hello", "NumMedia": "0"}
REPORT = {"MessageSid": SID, "To": "+8613800000001", "MessageStatus": "delivered"}
PICTURE = ("https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1", "image/jpeg")
VOICE = ("https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME2", "audio/amr")
VCARD = ("https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME3", "text/x-vcard")

FORMS: dict[str, dict[str, str]] = {
    "nothing": {},
    "no sid": {**MESSAGE, "MessageSid": ""},
    "a sid with a path": {**MESSAGE, "MessageSid": "../x"},
    "a sid without end": {**MESSAGE, "MessageSid": "S" * 65},
    "neither words nor status": {"MessageSid": SID, "From": "+8613800000001"},
    "no sender": {**MESSAGE, "From": ""},
    "eleven pictures": {**MESSAGE, "NumMedia": "11"},
    "pictures in words": {**MESSAGE, "NumMedia": "two"},
    "pictures in superscripts": {**MESSAGE, "NumMedia": "²"},
    "a picture without an address": {**MESSAGE, "NumMedia": "1"},
    "an empty status": {**REPORT, "MessageStatus": ""},
}
BODIES = {
    "latin": b"Body=\xff\xfe",
    "latin, coded": b"Body=%FF%FE",
    "utf-16": "Body=在".encode("utf-16"),
    "too many fields": b"&".join(b"a=1" for _ in range(300)),
    "huge": b"x" * 300_000,
}


def test_a_message_is_read(takes_in: Any, vendor: Any) -> None:
    [event] = takes_in(vendor.writes("+8613800000001", "请问几点开门? & = +"))

    assert (event.kind, event.address) == (EventKind.TEXT, "+8613800000001")
    assert event.text == "请问几点开门? & = +"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"Body": "Stop.", "OptOutType": "STOP"}, "STOP"),
        ({"Body": "退订", "OptOutType": "STOP"}, "STOP"),
        ({"Body": "Yes", "OptOutType": "START"}, "Yes"),
        ({"Body": "arrêter", "OptOutType": "STOP"}, "STOP"),
        ({"Body": "reprendre", "OptOutType": "START"}, "START"),
        ({"Body": "info", "OptOutType": "HELP"}, "info"),
        ({"Body": ""}, ""),
        ({"Body": "a\0b"}, "ab"),
    ],
    ids=str,
)
def test_a_word_that_twilio_obeyed_is_obeyed_here(fields: dict[str, str], text: str) -> None:
    [event] = read_events(list((MESSAGE | fields).items()), now=NOW)

    assert (event.kind, event.text, event.occurred_at) == (EventKind.TEXT, text, NOW)


def test_pictures_come_beside_the_text(takes_in: Any, vendor: Any) -> None:
    outgoing = vendor.writes("+8613800000001", "看这里", sid=SID, media=(PICTURE, VOICE, VCARD))

    events = takes_in(outgoing)

    assert [event.kind for event in events] == [EventKind.TEXT] + [EventKind.MEDIA] * 3
    assert [event.media for event in events[1:]] == [
        Media("image", PICTURE[0], "jpeg"),
        Media("voice", VOICE[0], "amr"),
        Media("file", VCARD[0], "x-vcard"),
    ]
    assert len({event.dedupe_key for event in events}) == 4
    assert [e.dedupe_key for e in takes_in(outgoing)] == [e.dedupe_key for e in events]


def test_a_picture_needs_no_words(takes_in: Any, vendor: Any) -> None:
    [event] = takes_in(vendor.writes("+8613800000001", "", media=(PICTURE,)))

    assert event.kind is EventKind.MEDIA


@pytest.mark.parametrize("sender", ["12345", "HOSPITAL", "whatsapp:+8613800000001"])
def test_a_sender_that_is_no_phone_is_not_acted_on(sender: str) -> None:
    [event] = read_events(list((MESSAGE | {"From": sender}).items()), now=NOW)

    assert event.kind is EventKind.OTHER


@pytest.mark.parametrize(
    ("status", "code", "due"),
    [
        ("queued", "", (Status.ACCEPTED, None, "")),
        ("accepted", "", (Status.ACCEPTED, None, "")),
        ("scheduled", "", (Status.ACCEPTED, None, "")),
        ("sending", "", (Status.ACCEPTED, None, "")),
        ("sent", "", (Status.SENT, None, "")),
        ("delivered", "", (Status.DELIVERED, None, "")),
        ("read", "", (Status.READ, None, "")),
        ("undelivered", "30003", (Status.FAILED, Category.PROVIDER_DOWN, "30003")),
        ("undelivered", "30005", (Status.FAILED, Category.INVALID_RECIPIENT, "30005")),
        ("failed", "30007", (Status.FAILED, Category.CONTENT, "30007")),
        ("failed", "21610", (Status.FAILED, Category.OPTED_OUT, "21610")),
        ("failed", "", (Status.FAILED, Category.PROVIDER_DOWN, "")),
        ("failed", "+8613800000001", (Status.FAILED, Category.PROVIDER_DOWN, "")),
        ("canceled", "", (Status.FAILED, Category.PROVIDER_DOWN, "")),
    ],
)
def test_a_receipt_says_how_far_it_came(
    status: str, code: str, due: Any, adapter: Any, vendor: Any, takes_in: Any, message: Any
) -> None:
    vendor_id = adapter.send(message).vendor_id

    [event] = takes_in(vendor.reports(vendor_id, status, code))

    assert (event.kind, event.address) == (EventKind.RECEIPT, "+8613800000001")
    assert event.receipt == Receipt(vendor_id, *due)


def test_a_status_that_nobody_knows_is_acknowledged(takes_in: Any, vendor: Any) -> None:
    [event] = takes_in(vendor.reports(SID, "partially_delivered"))

    assert event.kind is EventKind.OTHER


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_makes_no_sense_is_malformed(form: dict[str, str], takes_in: Any, vendor: Any) -> None:
    with pytest.raises(Malformed):
        takes_in(vendor.calls(form))


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_is_no_form_is_refused(body: bytes, adapter: Any, called: Any, vendor: Any) -> None:
    with pytest.raises(Refused):
        adapter.verify(called(replace(vendor.calls({}), body=body)))


def test_a_changed_call_is_refused(adapter: Any, called: Any, vendor: Any) -> None:
    good = vendor.writes("+8613800000001", "hello")
    changes = [
        replace(good, headers={}),
        replace(good, headers={"x-twilio-signature": "x" * 28}),
        replace(good, body=good.body.replace(b"hello", b"hell0")),
        replace(good, body=good.body + b"&NumMedia=1"),
        replace(good, body=b""),
    ]

    adapter.verify(called(good))
    for changed in changes:
        with pytest.raises(Refused):
            adapter.verify(called(changed))
    with pytest.raises(Refused):
        adapter.verify(called(good, method="GET"))


def test_another_accounts_signature_is_refused(changed: Any, called: Any, vendor: Any) -> None:
    good = vendor.writes("+8613800000001", "hello")

    for token in ("", "other"):
        with pytest.raises(Refused):
            changed(auth_token=token).verify(called(good))


def test_without_a_public_address_that_of_the_call_is_signed(
    changed: Any, called: Any, vendor: Any
) -> None:
    token = vendor.credentials.auth_token
    url = "https://wenan.example/channels/twilio/callback"  # as `called` has it
    signature = RequestValidator(token).compute_signature(url, MESSAGE)
    outgoing = Outgoing({}, urlencode(MESSAGE).encode(), {"x-twilio-signature": signature})

    changed(public_url="").verify(called(outgoing))
    with pytest.raises(Refused):
        changed(public_url="https://proxy.example/cb").verify(called(outgoing))


def test_it_is_content_with_our_answer(adapter: Any, called: Any, vendor: Any) -> None:
    answer = adapter.acknowledge(called(vendor.calls(MESSAGE)))

    assert answer.body == "<Response/>"
    assert answer.content_type.startswith("text/xml")


NAMES = [*MESSAGE, *REPORT, "OptOutType", "ErrorCode", "MediaUrl0", "MediaContentType0"]


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    form=st.dictionaries(st.sampled_from(NAMES), st.text(st.characters(exclude_categories=["Cs"]))),
    known=st.sampled_from([MESSAGE, REPORT, {}]),
    blob=st.binary(max_size=60),
)
def test_nothing_breaks_the_door(
    form: dict[str, str], known: dict[str, str], blob: bytes, takes_in: Any, vendor: Any
) -> None:
    signed = vendor.calls(known | form)
    for outgoing in (signed, replace(signed, body=blob)):
        with contextlib.suppress(Refused, Malformed):
            takes_in(outgoing)
