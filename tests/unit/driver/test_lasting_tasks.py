"""What tasks that were to run on tell of their end."""

import asyncio

import pytest

from phal2.node.driver.lasting_tasks import begin_task, end_task, why_ended
from phal2.node.protocol.errors import Phal2Error


async def fails_with(error: BaseException | None) -> None:
    if error is not None:
        raise error


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Phal2Error("the disk is full"), "the disk is full"),
        (KeyError("missing"), "KeyError: 'missing'"),
        (asyncio.CancelledError(), "it was cancelled"),
        (None, "it returned"),
    ],
)
async def test_a_task_that_has_ended_says_why(error: BaseException | None, why: str) -> None:
    task = begin_task("the part", fails_with(error))
    await asyncio.wait((task,))

    assert task.get_name() == "the part"
    assert why_ended(task) == why


@pytest.mark.parametrize(("error", "has_traceback"), [(Phal2Error("full"), False), (KeyError("missing"), True)])
async def test_a_failure_is_logged_at_once_and_a_defect_with_its_traceback(
    error: Exception, has_traceback: bool, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.wait((begin_task("the part", fails_with(error)),))

    (record,) = caplog.records
    assert record.getMessage().startswith("the part has stopped working: ")
    assert bool(record.exc_info) == has_traceback


async def test_the_end_that_its_owner_wants_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    await end_task(begin_task("the part", asyncio.sleep(60)))

    assert not caplog.records
