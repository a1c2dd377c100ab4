import signal

import pytest

from phal2.node.command.end_signals import end_signals


@pytest.mark.parametrize(("handler", "ends"), [(signal.SIG_DFL, True), (signal.SIG_IGN, False)])
def test_a_terminal_that_closes_ends_a_program_unless_nohup_says_otherwise(
    handler: signal.Handlers, ends: bool
) -> None:
    before = signal.signal(signal.SIGHUP, handler)
    try:
        assert (signal.SIGHUP in end_signals()) == ends
    finally:
        signal.signal(signal.SIGHUP, before)
