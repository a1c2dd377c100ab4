import logging

import pytest

from phal2.node.derivation.errors import Temporary
from phal2.node.driver.retries import Retries
from phal2.node.l1.errors import EndpointUnavailable

LOG = logging.getLogger("phal2.driver")


class Seconds:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_pauses_double_up_to_the_longest_and_begin_again_after_a_success() -> None:
    retries = Retries("work", LOG, first_seconds=0.25, longest_seconds=1.0)

    assert [retries.failed(Temporary("not yet")) for _ in range(4)] == [0.25, 0.5, 1.0, 1.0]
    retries.succeeded()
    assert retries.failed(Temporary("not yet")) == 0.25


def test_an_endpoint_that_asks_for_a_pause_gets_it() -> None:
    retries = Retries("work", LOG, first_seconds=0.25, longest_seconds=30.0)

    assert retries.failed(EndpointUnavailable("http://l1", "busy", 7.0)) == 7.0


def test_an_hour_of_failures_is_logged_every_minute_at_most(caplog: pytest.LogCaptureFixture) -> None:
    clock = Seconds()
    retries = Retries("work", LOG, clock=clock)

    for _ in range(3_600 * 4):
        retries.failed(Temporary("not yet"))
        clock.now += 0.25

    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "work waits: not yet"
    assert len(lines) <= 70


def test_the_end_of_a_long_wait_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    clock = Seconds()
    retries = Retries("work", LOG, clock=clock)
    retries.failed(Temporary("not yet"))
    clock.now = 12.0

    retries.succeeded()
    retries.succeeded()

    assert [record.getMessage() for record in caplog.records] == ["work waits: not yet", "work goes on after 12 s"]


def test_hiccups_that_end_at_once_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    clock = Seconds()
    retries = Retries("work", LOG, clock=clock)

    for _ in range(1_000):
        retries.failed(Temporary("not yet"))
        clock.now += 0.25
        retries.succeeded()

    assert len(caplog.records) <= 15
