"""WeChat's signature and encryption, against its own vector and against another implementation."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import check_signature

from adapters.contracts import Refused
from adapters.weixin.stand_in import new_aes_key
from adapters.wxcrypto import BadKey, Sealer, check, open_with_any, sign

APP_ID = "wx5823bf96d3bd56c7"


def test_the_official_vector() -> None:
    signature = sign("AAAAA", "1714037059", "486452656")

    assert signature == "899cf89e464efb63f54ddac96b0a0a235f53aa78"
    check(signature, "486452656", "AAAAA", "1714037059")


def test_a_wrong_signature_is_refused() -> None:
    with pytest.raises(Refused):
        check("899cf89e464efb63f54ddac96b0a0a235f53aa79", "AAAAA", "1714037059", "486452656")


@given(st.text(max_size=300))
def test_what_wechatpy_seals_is_opened(text: str) -> None:
    text = text.encode(errors="ignore").decode()
    key = new_aes_key()
    xml = WeChatCrypto("token", key, APP_ID).encrypt_message(
        f"<xml><A>{text}</A></xml>" if text.isalnum() else f"<xml>{text}</xml>", "nonce", "17"
    )
    sealed = xml.split("<Encrypt><![CDATA[")[1].split("]]>")[0]

    opened = Sealer(key, receiver=APP_ID).open(sealed)

    assert text in opened


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=300))
def test_what_we_seal_wechatpy_opens(text: str) -> None:
    key = new_aes_key()
    sealed = Sealer(key, receiver=APP_ID).seal(f"<xml>{text}</xml>")
    signature = sign("token", "17", "nonce", sealed)

    body = f"<xml><ToUserName>x</ToUserName><Encrypt>{sealed}</Encrypt></xml>"
    opened = WeChatCrypto("token", key, APP_ID).decrypt_message(body, signature, "17", "nonce")

    assert opened == f"<xml>{text}</xml>"


def test_wechatpy_agrees_on_the_signature_of_the_address_check() -> None:
    check_signature("token", sign("token", "17", "nonce"), "17", "nonce")


def test_the_old_key_opens_beside_the_new_one() -> None:
    old, new = new_aes_key(), new_aes_key()
    sealers = [Sealer(new, receiver=APP_ID), Sealer(old, receiver=APP_ID)]

    text, sealer = open_with_any(sealers, sealers[1].seal("在吗"))

    assert (text, sealer) == ("在吗", sealers[1])


def test_another_receiver_is_refused() -> None:
    key = new_aes_key()
    with pytest.raises(Refused):
        Sealer(key, receiver=APP_ID).open(Sealer(key, receiver="wx0").seal("x"))


@given(st.binary(max_size=200))
def test_nothing_else_opens(blob: bytes) -> None:
    from base64 import b64encode

    sealer = Sealer(new_aes_key(), receiver=APP_ID)
    for sealed in (b64encode(blob).decode(), blob.decode("latin-1"), b64encode(blob * 16).decode()):
        with pytest.raises(Refused):
            sealer.open(sealed)


def test_a_length_that_lies_is_refused() -> None:
    key = new_aes_key()
    sealer = Sealer(key, receiver=APP_ID)
    for length in (0xFFFFFFFF, 0x7FFFFFFF, 4):
        whole = b"0" * 16 + struct.pack(">I", length) + b"abc" + APP_ID.encode()
        short = 32 - len(whole) % 32
        encryptor = sealer._cipher().encryptor()
        from base64 import b64encode

        sealed = encryptor.update(whole + bytes([short]) * short) + encryptor.finalize()
        with pytest.raises(Refused):
            sealer.open(b64encode(sealed).decode())


@pytest.mark.parametrize("key", ["", "short", "x" * 42, "!" * 43, "x" * 44])
def test_a_key_that_is_none_is_said(key: str) -> None:
    with pytest.raises(BadKey):
        Sealer(key, receiver=APP_ID)
