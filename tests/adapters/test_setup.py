"""An admin sets up a channel: secrets are write-only, a check names the step that fails."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from adapters.models import Account, Token
from adapters.registry import ADAPTERS
from harness.accounts import open_account
from patients.models import Channel
from staff.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin_client(client: Client, staff: Any) -> Client:
    client.force_login(staff(Role.ADMIN, is_staff=True))
    return client


def page_of(account: Account) -> str:
    return f"/admin/adapters/account/{account.pk}/change/"


def steps(answer: Any) -> list[str]:
    """The marks of a check; beside each stands a word for who does not see it."""
    page = answer.content.decode()
    found = re.search(r'<ol class="wenan-steps">(.*?)</ol>', page, re.S)
    lines = re.findall(r"<li>(.*?)</li>", found[1] if found else "", re.S)
    words = [re.sub(r"<[^>]*aria-hidden[^>]*>.</span>|<[^>]+>", "", line).strip() for line in lines]
    assert all("·" in line for line in words)
    return [mark for line in lines for mark in re.findall("[✓✗]", line)]


def wechat_form(**said: str) -> dict[str, str]:
    return {
        "app_id": "wx1", "mode": "secure", "api_url": "", "app_secret": "", "token": "",
        "aes_key": "", "previous_aes_key": "", "notice_template": "", "notice_fields": "",
        "site_url": "", **said,
    }  # fmt: skip


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

    assert steps(admin_client.get(check, follow=True)) == ["✓", "✓"]

    account.secrets = {**account.secrets, "app_secret": "wrong", "aes_key": "short"}
    account.save()
    answer = admin_client.get(check, follow=True)
    assert steps(answer) == ["✗", "✗"]
    told = answer.content.decode()
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


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" wx12ab\u3000", "wx12ab"),
        ("ｗｘ１２ａｂ", "wx12ab"),
        ("\ufeffwx12\u200bab\n", "wx12ab"),
    ],
)
def test_what_a_copy_brings_along_is_mended(
    admin_client: Client, wechat_channel: Channel, typed: str, kept: str
) -> None:
    form = wechat_form(app_id=typed, app_secret=typed)
    assert admin_client.post(page_of(Account.objects.get()), form).status_code == 302

    account = Account.objects.get()
    assert (account.settings["app_id"], account.secrets["app_secret"]) == (kept, kept)


def test_a_sentence_keeps_its_chinese_signs(admin_client: Client, wechat_channel: Channel) -> None:
    words = "thing1=您有新的回复，请查看！"
    admin_client.post(page_of(Account.objects.get()), wechat_form(notice_fields=f" {words} "))

    assert Account.objects.get().settings["notice_fields"] == words


def test_the_brackets_of_a_signature_go(admin_client: Client) -> None:
    open_account(
        "aliyun", settings={}, secrets={"access_key_secret": "s", "callback_key": "k" * 16}
    )
    form = {
        "access_key_id": "LTAI1", "sign_name": "【问安医院】", "template": "SMS_1",
        "template_en": "", "api_url": "", "access_key_secret": "", "callback_key": "",
    }  # fmt: skip
    admin_client.post(page_of(Account.objects.get()), form)

    assert Account.objects.get().settings["sign_name"] == "问安医院"


@pytest.mark.parametrize(
    "wrong",
    [
        {"app_id": ""},
        {"app_id": " \u3000 "},
        {"app_secret": "two words"},
        {"token": "密钥"},
        {"mode": "other"},
        {"site_url": "wenan.example"},
        {"api_url": "https://api weixin"},
        {"api_url": "https://[bad"},
    ],
)
def test_what_can_not_be_right_is_said_beside_its_field(
    admin_client: Client, wechat_channel: Channel, wrong: dict[str, str]
) -> None:
    before = Account.objects.get()
    answer = admin_client.post(page_of(before), wechat_form(**wrong))

    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == list(wrong)
    account = Account.objects.get()
    assert (account.settings, account.secrets) == (before.settings, before.secrets)


def test_new_credentials_forget_the_old_token_and_end_the_rest(
    admin_client: Client, wechat_channel: Channel
) -> None:
    account, now = Account.objects.get(), timezone.now()
    later = now + timedelta(hours=1)
    Account.objects.update(failures=6, open_until=later, cursor="c1")
    for name in ("access", "ring"):
        Token.objects.create(
            account=account, name=name, value="t", fetched_at=now, expires_at=later,
            data_key=account.data_key,
        )  # fmt: skip

    admin_client.post(page_of(account), wechat_form())

    account.refresh_from_db()
    assert (account.failures, account.open_until, account.cursor) == (0, None, "c1")
    assert list(Token.objects.values_list("name", flat=True)) == ["ring"]


def test_who_stays_on_the_page_sees_at_once_what_works(
    admin_client: Client, wechat: Any, wechat_channel: Channel
) -> None:
    form = wechat_form(app_id=wechat.credentials.app_id, api_url=wechat.url, _continue="1")
    answer = admin_client.post(page_of(Account.objects.get()), form, follow=True)

    assert steps(answer) == ["✓", "✓"]


@pytest.mark.parametrize("kind", [kind for kind, adapter in ADAPTERS.items() if adapter.setup])
def test_the_page_of_every_kind_opens_before_anything_is_filled_in(
    admin_client: Client, settings: Any, kind: str
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    open_account(kind, settings={}, secrets={})
    page = admin_client.get(page_of(Account.objects.get()), headers={"host": "wenan.example"})
    assert admin_client.get("/admin/adapters/account/").status_code == 200

    told = page.content.decode()
    assert f"https://wenan.example/channels/{kind}/callback" in told
    assert ("callback?key=…" in told) == (kind in ("aliyun", "tencent"))
    assert page.context["shares_address"] == (kind == "wecom")
    assert page.context["is_reachable"]


def test_a_key_is_offered_until_there_is_one(admin_client: Client) -> None:
    open_account("aliyun", settings={}, secrets={})
    account = Account.objects.get()
    offered = admin_client.get(page_of(account)).context["offered_key"]
    assert len(offered) >= 16
    assert admin_client.get(page_of(account)).context["offered_key"] == offered

    account.secrets = {"callback_key": offered}
    account.save()
    page = admin_client.get(page_of(account))
    assert page.context["offered_key"] == ""
    assert offered not in page.content.decode()


@pytest.mark.parametrize(
    ("host", "reachable"),
    [("127.0.0.1:8000", False), ("[::1]:8000", False), ("localhost", False), ("10.1.2.3", False),
     ("wenan.local", False), ("wx.hospital.cn", True), ("8.8.8.8", True)],
)  # fmt: skip
def test_a_name_that_no_vendor_reaches_is_said_to_be_one(
    admin_client: Client, settings: Any, wechat_channel: Channel, host: str, reachable: bool
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    page = admin_client.get(page_of(Account.objects.get()), headers={"host": host})

    assert page.context["is_reachable"] is reachable
