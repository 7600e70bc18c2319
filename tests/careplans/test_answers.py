"""What patients write back to a reminder, and what it is taken for."""

import pytest

from careplans.answers import read_answer

pytestmark = pytest.mark.once

TAKEN = """
吃了 | 已服 | 嗯吃过了 | 吃过了 | 吃了吃了 | 已经吃了 | 刚吃 | 刚刚吃完 | 吃好了 | 服了 | 服过药了 | 喝了 | 药吃了
嗯,吃了 | 好的,吃了 | 早吃了 | 都吃了 | 打了胰岛素了 | 胰岛素打了 | 已经打完了 | 用过了 | 滴了 | 喷了,吃完药了 | 完成 | 搞定
吃啦,吃了 | 按时吃了 | 已用 | 谢谢,吃过了 | 忘了吃,刚刚补吃了 | 没忘,吃了 | 吃了,没有不舒服 | 半小时前吃了 | 吃了两片
吃咯 | 吃喽 | 食咗药喇
I took it | done | Done! | taken | yes, taken | yes | just took them | Took my pills 10 minutes ago | had my pill
finished | forgot but just took it | ✅ | took it, no side effects | 已 服 | 吃药了 | 饭后吃过了
"""
LATER = """
等下 | 等一下 | 等会儿 | 过一会 | 过一会儿吃 | 晚点 | 晚点吃 | 稍后 | 待会儿 | 一会儿就吃 | 马上吃 | 这就去吃 | 还没吃
还没起床呢 | 在开会 | 还没有 | 吃完饭再吃 | 睡前吃 | 回家再吃 | 在忙,晚些 | 等我下班 | 再提醒我一次 | later | not yet | in a bit
remind me again | after dinner | I'll take it soon | wait | busy now | In a while
"""
MINUTES = {
    "半小时后": 30, "半个小时后再提醒我": 30, "20分钟后": 20, "二十分钟后吃": 20, "十五分钟": 15, "一个小时后": 60,
    "两小时以后": 120, "一个半小时后": 90, "2个小时": 120, "一刻钟": 15, "过10分钟": 10, "１５分钟后": 15,
    "in 30 minutes": 30, "in an hour": 60, "half an hour": 30, "15 min": 15, "in two hours": 120,
    "remind me in twenty minutes": 20,
}  # fmt: skip
NOT = {
    "不吃": "refused", "这次不吃": "refused", "暂时不需要": "refused", "Not needed": "refused", "Not this time": "refused", "今天不吃了": "refused", "不想吃": "refused", "没吃": "refused",
    "跳过": "refused", "算了": "refused", "skip": "refused", "not today": "refused", "no": "refused",
    "I won't": "refused", "didn't take it": "refused",
    "忘了": "forgot", "忘记吃了": "forgot", "早上忘了吃": "forgot", "漏服了": "forgot", "I forgot": "forgot",
    "没药了": "no_medicine", "药没了": "no_medicine", "药吃完了": "no_medicine", "没带药": "no_medicine",
    "ran out": "no_medicine", "none left": "no_medicine",
    "医生让停了": "doctor", "大夫说先不吃": "doctor", "doctor told me to stop": "doctor",
}  # fmt: skip
REFILL = """
药快吃完了 | 快没药了 | 药不多了 | 只剩两片了 | 就剩3天的量,只剩3天 | 需要续方 | 想再开点药 | 快断药了
吃完了要续方 | 药吃完了想再开点 | 要续方
running out | almost out | only 2 pills left | I need a refill | running low | 需要配药
"""
STOP = """
别再提醒了 | 不要再提醒我了,不要提醒 | 停止提醒 | 取消提醒 | 不用提醒 | 别再发了 | 关掉提醒 | 不要再给我发提醒
你别天天发了 | 不是不吃药,就是别发了 | 不用再发了 | 退订 | TD | unsubscribe
stop reminding me | no more reminders | don't remind me | cancel my reminders
"""
WORRIED = """
吃了以后头晕 | 吃了就恶心 | 身上起疹子了 | 胸闷 | 喘不上气 | 吃完拉肚子 | 肚子疼 | 不舒服,不想吃 | 多吃了一片 | 吃了两次
吃错药了 | 刚吃就吐了 | 有副作用 | 伤口流血 | 血压很高 | 心慌得厉害 | 吃不下 | I feel dizzy | got a rash | chest pain
I took it twice | it hurts | feeling sick after it
我吃成两片了 | 吃成双份了 | 吃了两回 | 吃了,手抖
"""
NOTED = "好的 | 好 | 收到 | 知道了 | 谢谢 | 嗯嗯 | ok | thanks | got it"
UNCLEAR = """
这个药饭前吃还是饭后吃? | 能和牛奶一起吃吗 | 吃了一半 | 只吃了一种 | 吃了吗 | 漏了一次怎么办 | 停车在哪 | 明天几点开门呢
can I take it with milk? | what is this for | 我想挂号 | 你好 | ...
"""


def cases(table: str) -> list[str]:
    return [each.strip() for line in table.strip().splitlines() for each in line.split(" | ")]


ALL = [
    *((text, "taken") for text in cases(TAKEN)),
    *((text, "later") for text in [*cases(LATER), *MINUTES]),
    *((text, "not") for text in NOT),
    *((text, "refill") for text in cases(REFILL)),
    *((text, "stop") for text in cases(STOP)),
    *((text, "worried") for text in cases(WORRIED)),
    *((text, "noted") for text in cases(NOTED)),
    *((text, "unclear") for text in cases(UNCLEAR)),
]


@pytest.mark.parametrize(("text", "meaning"), ALL, ids=[text for text, _ in ALL])
def test_an_answer_is_taken_for_what_it_means(text: str, meaning: str) -> None:
    assert read_answer(text).meaning == meaning


@pytest.mark.parametrize(("text", "minutes"), MINUTES.items(), ids=MINUTES)
def test_minutes_are_heard(text: str, minutes: int) -> None:
    assert read_answer(text).minutes == minutes


@pytest.mark.parametrize(("text", "reason"), NOT.items(), ids=NOT)
def test_reasons_are_heard(text: str, reason: str) -> None:
    assert read_answer(text).reason == reason


def test_what_worries_says_whether_it_was_taken_all_the_same() -> None:
    assert read_answer("吃了以后头晕").taken
    assert not read_answer("头晕,没吃").taken


def test_a_story_is_left_to_whoever_can_read_it() -> None:
    story = "我今天早上去了趟菜市场,回来以后本来想着把药吃了,结果邻居来了,聊着聊着就到了中午,后来又睡着了,醒来已经三点多,药吃了"
    assert read_answer(story).meaning == "unclear"


def test_there_are_enough_cases() -> None:
    assert len(ALL) >= 180
