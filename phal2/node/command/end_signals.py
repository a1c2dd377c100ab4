"""The signals that end a program which else runs on."""

import signal


def end_signals() -> tuple[signal.Signals, ...]:
    """Return those of Ctrl-C, of `kill`, and of a terminal that closes, unless `nohup` has the last one ignored."""
    ended = (signal.SIGINT, signal.SIGTERM)
    return ended if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (*ended, signal.SIGHUP)
