"""The program `phal2`, also as `python -m phal2`: from the first signal to the last byte of output."""

import os
import signal
import sys


def main() -> int:
    """Run the command line of this process and return its exit code."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # While modules are imported a Ctrl-C would be lost, or end in a traceback, and there is nothing to clean up.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from phal2.devnet.command.main import main as run_command

    try:
        exit_code: int | str | None = run_command()
    except SystemExit as end:  # of the help, and of wrong usage
        exit_code = end.code
    return _written(exit_code if isinstance(exit_code, int) else 0)


def _written(exit_code: int) -> int:
    """Return the exit code of a command whose output may not have arrived: the interpreter itself shows a traceback."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            print(f"phal2: error: the output cannot be written: {error.strerror or error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_code or 1
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
