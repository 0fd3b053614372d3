"""Retries by the clock, and a breaker whose state two processes share."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

import pytest
import time_machine
from django.test import override_settings

from history.providers import resilience
from history.providers.base import ProviderError
from history.providers.resilience import BreakerOpen, Patience

NAME = "probe"


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    resilience.breaker(NAME).close()
    yield
    resilience.breaker(NAME).close()


class Waits:
    """A clock that writes down what was waited."""

    def __init__(self, dice: float) -> None:
        self.waited: list[float] = []
        self.patience = Patience(sleep=self.waited.append, random=lambda: dice)


class Failing:
    def __init__(self, *errors: ProviderError | None) -> None:
        self.errors = chain(errors, repeat(errors[-1]))
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        error = next(self.errors)
        if error:
            raise error
        return "answer"


PASSING, PERMANENT = ProviderError("busy"), ProviderError("no such plan", permanent=True)


@pytest.mark.parametrize(("dice", "waited"), [(0.0, [0.5, 1, 2]), (0.5, [1, 2, 4]), (1.0, [1.5, 3, 6])])
def test_three_retries_after_one_two_and_four_seconds_with_jitter(dice: float, waited: list[float]) -> None:
    waits, question = Waits(dice), Failing(PASSING)
    with pytest.raises(ProviderError, match="busy"):
        resilience.ask(NAME, question, waits.patience)
    assert waits.waited == waited
    assert question.asked == 4


def test_an_answer_ends_the_retries() -> None:
    waits = Waits(0.5)
    assert resilience.ask(NAME, Failing(PASSING, PASSING, None), waits.patience) == "answer"
    assert waits.waited == [1, 2]


def test_what_is_permanent_is_not_asked_again_and_opens_nothing() -> None:
    question = Failing(PERMANENT)
    for _ in range(5):
        with pytest.raises(ProviderError, match="no such plan"):
            resilience.ask(NAME, question, Waits(0.5).patience)
    assert question.asked == 5
    assert not resilience.is_open(NAME)


def test_the_server_may_ask_for_a_longer_wait() -> None:
    waits = Waits(0.5)
    limited = ProviderError("limit", retry_after=12.0)
    assert resilience.ask(NAME, Failing(limited, None), waits.patience) == "answer"
    assert waits.waited == [12]


def test_three_failures_open_the_breaker_for_a_minute() -> None:
    start = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    question, patience = Failing(PASSING), Patience(delays=())
    with time_machine.travel(start, tick=False) as clock:
        for _ in range(3):
            with pytest.raises(ProviderError, match="busy"):
                resilience.ask(NAME, question, patience)
        clock.move_to(start + timedelta(seconds=59))
        with pytest.raises(BreakerOpen):
            resilience.ask(NAME, question, patience)
        assert question.asked == 3
        clock.move_to(start + timedelta(seconds=61))
        assert resilience.ask(NAME, Failing(None), patience) == "answer"
        assert not resilience.is_open(NAME)


def test_one_failed_try_after_the_minute_opens_it_again() -> None:
    start = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    question, patience = Failing(PASSING), Patience(delays=())
    with time_machine.travel(start, tick=False) as clock:
        for _ in range(3):
            with pytest.raises(ProviderError, match="busy"):
                resilience.ask(NAME, question, patience)
        clock.move_to(start + timedelta(seconds=61))
        for expected in ("busy", "left alone"):
            with pytest.raises(ProviderError, match=expected):
                resilience.ask(NAME, question, patience)
        assert question.asked == 4


OTHER_PROCESS = """
import django; django.setup()
from history.providers import resilience
from history.providers.base import ProviderError
def busy(): raise ProviderError("busy")
for _ in range(2):
    try: resilience.ask("probe", busy, resilience.Patience(delays=()))
    except ProviderError as error: print(type(error).__name__)
"""


def other_process() -> list[str]:
    """Two failing questions, asked elsewhere."""
    ran = subprocess.run([sys.executable, "-c", OTHER_PROCESS], capture_output=True, text=True, timeout=60, check=True)
    return [line for line in ran.stdout.splitlines() if line in ("ProviderError", "BreakerOpen")]


def test_what_one_process_learned_another_knows() -> None:
    question, patience = Failing(PASSING), Patience(delays=())
    with pytest.raises(ProviderError, match="busy"):
        resilience.ask(NAME, question, patience)
    assert other_process() == ["ProviderError", "ProviderError"]
    with pytest.raises(BreakerOpen):
        resilience.ask(NAME, question, patience)
    assert question.asked == 1
    assert other_process() == ["BreakerOpen", "BreakerOpen"]


def test_without_redis_a_process_has_a_breaker_of_its_own() -> None:
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        question, patience = Failing(PASSING), Patience(delays=())
        for _ in range(3):
            with pytest.raises(ProviderError, match="busy"):
                resilience.ask("lonely", question, patience)
        with pytest.raises(BreakerOpen):
            resilience.ask("lonely", question, patience)
