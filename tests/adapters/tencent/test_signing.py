"""Tencent Cloud's own examples of its signature, to the letter."""

from adapters.tencent.signing import authorization

BODY = b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
HEADERS = {
    "content-type": "application/json; charset=utf-8",
    "host": "cvm.tencentcloudapi.com",
}
AT = 1551113065


def test_the_vendors_first_example() -> None:
    said = authorization(
        "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
        "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        service="cvm",
        headers=HEADERS,
        body=BODY,
        at=AT,
    )

    assert said == (
        "TC3-HMAC-SHA256 "
        "Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


def test_the_later_one_with_the_three_headers_that_we_sign() -> None:
    masked = "*" * 32  # the page was reckoned with its mask
    headers = {**HEADERS, "x-tc-action": "DescribeInstances"}

    said = authorization(masked, masked, service="cvm", headers=headers, body=BODY, at=AT)

    assert said.endswith(
        "SignedHeaders=content-type;host;x-tc-action, "
        "Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
    )
