"""Alibaba Cloud's own example of its signature, to the letter."""

from adapters.aliyun.signing import signed_headers


def test_the_vendors_example() -> None:
    headers = signed_headers(
        "YourAccessKeyId",
        "YourAccessKeySecret",
        host="ecs.cn-shanghai.aliyuncs.com",
        action="RunInstances",
        version="2014-05-26",
        params={
            "RegionId": "cn-shanghai",
            "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
        },
        at="2023-10-26T10:22:32Z",
        nonce="3156853299f313e23d1673dc12e1703d",
    )

    assert headers["authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )
