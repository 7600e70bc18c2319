"""An admin sets up WeChat: secrets are write-only, a check names the step that fails."""

from typing import Any

import pytest
from django.test import Client

from adapters.models import Account
from patients.models import Channel
from staff.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin_client(client: Client, staff: Any) -> Client:
    client.force_login(staff(Role.ADMIN, is_staff=True))
    return client


def test_secrets_are_written_and_never_shown(
    admin_client: Client, wechat: Any, wechat_channel: Channel
) -> None:
    account = Account.objects.get()
    page = f"/admin/adapters/account/{account.pk}/change/"

    shown = admin_client.get(page).content.decode()
    for secret in wechat.credentials.secrets().values():
        assert secret not in shown

    admin_client.post(
        page,
        {
            "app_id": "wx1", "mode": "secure", "api_url": wechat.url,
            "app_secret": "new-secret", "token": "", "aes_key": "", "previous_aes_key": "",
        },
    )  # fmt: skip
    account = Account.objects.get()
    assert account.settings["app_id"] == "wx1"
    assert account.secrets["app_secret"] == "new-secret"
    assert account.secrets["token"] == wechat.credentials.token


def test_a_check_says_which_step_fails(
    admin_client: Client, wechat: Any, wechat_channel: Channel
) -> None:
    account = Account.objects.get()
    check = f"/admin/adapters/account/{account.pk}/check/"

    assert "access token：正常" in admin_client.get(check, follow=True).content.decode()

    account.secrets = {**account.secrets, "app_secret": "wrong", "aes_key": "short"}
    account.save()
    told = admin_client.get(check, follow=True).content.decode()
    assert "AppID 与 AppSecret 不匹配" in told
    assert "EncodingAESKey 应为 43 位" in told


def test_a_channel_and_its_account_are_begun_in_one_step(admin_client: Client) -> None:
    page = "/admin/adapters/account/add/"
    assert "微信公众号" in admin_client.get(page).content.decode()

    answer = admin_client.post(page, {"kind": "wechat", "name": "服务号", "slug": "fuwuhao"})

    account = Account.objects.get()
    assert (account.channel.kind, account.channel.slug) == ("wechat", "fuwuhao")
    assert answer["Location"] == f"/admin/adapters/account/{account.pk}/change/"
    again = admin_client.post(page, {"kind": "wechat", "name": "二", "slug": "fuwuhao"})
    assert "已有渠道使用这个简称" in again.content.decode()
