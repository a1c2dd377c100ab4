"""A process that computes the roots of a block's lists beside this one."""

import fcntl
import os
import signal
import sys
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.protocol.ordered_trie import ordered_trie_root
from phal2.node.state.ordered_roots import begin_roots
from phal2.node.state.root_process import LEAST_ASKED, RootProcess

VALUES = [b"%d" % number * 60 for number in range(2_000)]
LISTS = (VALUES, VALUES[::-1])
ROOTS = [ordered_trie_root(values) for values in LISTS]


def process_id(crew: RootProcess) -> int:
    assert crew._process is not None
    return crew._process.process_id


@pytest.fixture(scope="module")
def crew() -> Iterator[RootProcess]:
    """A crew whose process is there."""
    crew = RootProcess(is_wanted=True)
    assert crew.begin(LISTS)() == ROOTS
    process_id(crew)
    yield crew
    crew.close()


@given(
    st.lists(st.lists(st.binary(min_size=1, max_size=300), max_size=40), max_size=3),
    st.sampled_from([[], VALUES[:LEAST_ASKED]]),
)
@settings(deadline=None)
def test_the_roots_are_those_of_the_lists(crew: RootProcess, lists: Sequence[list[bytes]], more: list[bytes]) -> None:
    asked = (*lists, more)

    assert list(crew.begin(asked)()) == [ordered_trie_root(values) for values in asked]


def test_an_empty_list_has_the_root_of_nothing(crew: RootProcess) -> None:
    assert crew.begin(((), VALUES))() == [EMPTY_TRIE_ROOT, ROOTS[0]]


def test_lists_longer_than_a_pipe_are_computed(crew: RootProcess) -> None:
    values = [bytes([number + 1]) * 50_000 for number in range(LEAST_ASKED - 1)] + [b"last"]

    assert crew.begin((values, values))() == [ordered_trie_root(values)] * 2


def test_answers_that_nobody_waited_for_are_not_taken_for_others(crew: RootProcess) -> None:
    for _ in range(3):
        crew.begin((VALUES[:1_000], VALUES[1_000:]))

    assert crew.begin(LISTS)() == ROOTS


def test_a_process_is_started_when_there_is_enough_to_do() -> None:
    crew = RootProcess(is_wanted=True)

    few = crew.begin((VALUES[: LEAST_ASKED - 1],))()

    assert crew._process is None
    assert few == [ordered_trie_root(VALUES[: LEAST_ASKED - 1])]
    crew.begin((VALUES[:LEAST_ASKED],))
    process_id(crew)
    crew.close()


def test_without_a_core_to_spare_the_caller_works_alone() -> None:
    crew = RootProcess(is_wanted=False)

    assert crew.begin(LISTS)() == ROOTS
    assert crew._process is None


def test_without_a_crew_the_caller_works_alone() -> None:
    assert begin_roots(LISTS, None)() == ROOTS


@pytest.mark.parametrize("is_asked", [True, False])
def test_the_caller_does_the_work_of_a_process_that_is_killed(is_asked: bool) -> None:
    crew = RootProcess(is_wanted=True)
    crew.begin(LISTS)
    roots = crew.begin(LISTS) if is_asked else None

    os.kill(process_id(crew), signal.SIGKILL)
    roots = roots or crew.begin(LISTS)

    assert roots() == ROOTS
    assert crew.begin(LISTS)() == ROOTS
    crew.close()


@pytest.mark.parametrize("lists", [LISTS, ([bytes([1]) * 50_000] * LEAST_ASKED,)], ids=["answer", "question"])
def test_a_process_that_does_not_answer_is_given_up(
    lists: Sequence[Sequence[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    crew = RootProcess(is_wanted=True, seconds=0.2)
    crew.begin(lists)
    stopped = process_id(crew)
    os.kill(stopped, signal.SIGSTOP)

    assert crew.begin(lists)() == [ordered_trie_root(values) for values in lists]

    assert "the process that computes roots is given up" in caplog.text
    with pytest.raises(ProcessLookupError):
        os.kill(stopped, 0)


def test_the_caller_works_alone_where_no_process_can_be_started(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    crew = RootProcess(is_wanted=True)

    assert [crew.begin(LISTS)() for _ in range(2)] == [ROOTS, ROOTS]
    assert caplog.text.count("cannot be started") == 1


def test_a_user_who_may_have_no_larger_pipes_has_the_process_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    crew = RootProcess(is_wanted=True)

    assert [crew.begin(LISTS)() for _ in range(2)] == [ROOTS, ROOTS]
    process_id(crew)
    crew.close()


def test_closing_ends_the_process_and_leaves_the_work_to_the_caller() -> None:
    crew = RootProcess(is_wanted=True)
    crew.begin(LISTS)
    process = process_id(crew)

    crew.close()

    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert crew.begin(LISTS)() == ROOTS
