"""How long a withdrawal waits for a game, by the pace of those before."""

from hypothesis import given
from hypothesis import strategies as st

from phal2.bridge.dispute_games import Game
from phal2.bridge.withdrawals.games import seconds_until_covered


def games(*created: tuple[int, int]) -> list[Game]:
    return [Game(index, bytes(20), time, bytes(32), block) for index, (time, block) in enumerate(created)]


def test_games_at_a_steady_pace_tell_when_a_block_is_covered() -> None:
    steady = games((100, 10), (160, 40), (220, 70))

    assert seconds_until_covered(steady, 80, now=230) == 50
    assert seconds_until_covered(steady, 101, now=230) == 110
    assert seconds_until_covered(steady, 80, now=500) == 0


def test_fewer_than_two_games_tell_nothing() -> None:
    assert seconds_until_covered([], 5, now=0) is None
    assert seconds_until_covered(games((100, 10)), 50, now=110) is None


def test_games_that_do_not_advance_tell_nothing() -> None:
    assert seconds_until_covered(games((100, 10), (160, 10)), 50, now=170) is None
    assert seconds_until_covered(games((100, 10), (160, 5)), 50, now=170) is None


@given(
    st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**255)), max_size=10),
    st.integers(0, 2**255),
    st.integers(0, 2**64),
)
def test_whatever_l1_says_it_is_a_wait_or_unknown(created: list[tuple[int, int]], block_number: int, now: int) -> None:
    seconds = seconds_until_covered(games(*created), block_number, now)

    assert seconds is None or seconds >= 0
