"""How much one screen may ask: bursts pass, floods wait."""

from channels_app.limits import Buckets, TokenBucket


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_then_the_rate_holds() -> None:
    clock = Clock()
    bucket = TokenBucket(rate=2, burst=3, clock=clock)

    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    clock.now = 0.5
    assert [bucket.take(), bucket.take()] == [True, False]
    clock.now = 1_000
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]  # never more than a burst


def test_keys_are_apart_and_the_longest_unused_is_forgotten() -> None:
    buckets = Buckets(rate=0.001, burst=1, most=2, clock=Clock())

    assert [buckets.take("a"), buckets.take("a"), buckets.take("b")] == [True, False, True]
    assert buckets.take("c")  # "a" was used before "b" and goes
    assert [buckets.take("b"), buckets.take("a")] == [False, True]
