"""`phal2` itself: its list of commands, what it must not import, and how it ends where something is wrong."""

import argparse
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from phal2 import __version__
from phal2.devnet.command import main as main_module
from phal2.devnet.command.main import COMMANDS, Command, main
from phal2.node.protocol.errors import Phal2Error

HEAVY = ("aiohttp", "eth", "eth_abi", "eth_utils", "pydantic", "cryptography", "web3", "lmdb", "ckzg")


def imported_by(*arguments: str) -> set[str]:
    """Return which of the heavy packages a command line imports."""
    code = (
        "import sys\n"
        "from phal2.devnet.command.main import main\n"
        "try:\n"
        f"    main({list(arguments)!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("--help",),
        ("devnet", "--help"),
        ("node", "--help"),
        ("batcher", "--help"),
        ("tee", "verify", "no-quote", "no-collateral"),
        ("migration", "snapshot", "no-export"),
    ],
    ids=" ".join,
)
def test_what_needs_no_node_imports_none(arguments: tuple[str, ...]) -> None:
    assert imported_by(*arguments) == set()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_says_of_itself_what_the_list_says(command: Command) -> None:
    commands = argparse.ArgumentParser().add_subparsers()

    command.add_to(commands)

    (listed,) = commands._choices_actions
    assert (listed.dest, listed.help) == (command.name, command.summary)


def test_the_help_lists_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])

    text = capsys.readouterr().out
    assert end.value.code == 0
    assert all(f"    {command.name}" in text and command.summary in text for command in COMMANDS)


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])

    assert (end.value.code, capsys.readouterr().out) == (0, f"phal2 {__version__}\n")


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["--no-such-option"], ["tee"]])
def test_bad_usage_ends_with_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)

    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("usage: phal2")


def failing(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a command `fail`, which raises an error."""

    def run(_: argparse.Namespace) -> int:
        raise error

    def add_to(_: Command, commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
        commands.add_parser("fail").set_defaults(run=run)

    monkeypatch.setattr(Command, "add_to", add_to)
    monkeypatch.setattr(main_module, "COMMANDS", (Command("fail", "fails", "nowhere:nothing"),))


def test_an_error_of_the_project_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(Phal2Error("the moon is not full; wait"), monkeypatch)

    assert main(["fail"]) == 1
    assert capsys.readouterr().err == "phal2: error: the moon is not full; wait\n"


def test_a_defect_is_one_line_that_says_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PHAL2_TRACEBACK", raising=False)
    failing(ZeroDivisionError("division\nby zero"), monkeypatch)

    assert main(["fail"]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("phal2: internal error: ZeroDivisionError: division by zero; ")
    assert "PHAL2_TRACEBACK=1" in errors
    assert errors.count("\n") == 1


def test_a_defect_shows_where_it_happened_if_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHAL2_TRACEBACK", "1")
    failing(ZeroDivisionError("division by zero"), monkeypatch)

    with pytest.raises(ZeroDivisionError):
        main(["fail"])


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (BrokenPipeError(), 1)])
def test_an_interruption_is_silent(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(error, monkeypatch)

    assert main(["fail"]) == code
    assert capsys.readouterr().err == ""


def test_a_full_disk_is_no_defect(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing(OSError(errno.ENOSPC, "No space left on device", "chain/data.mdb"), monkeypatch)

    assert main(["fail"]) == 1
    assert capsys.readouterr().err == "phal2: error: chain/data.mdb: No space left on device\n"


def test_an_unknown_option_is_told_where_the_known_ones_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["devnet", "--l2port", "1"])

    assert end.value.code == 2
    assert "unrecognized arguments: --l2port 1 (`phal2 devnet --help` lists the options)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--l1-port", "http"), "'http' is no port; expected 0 to 65535"),
        (("--accounts", "1e3"), "'1e3' is no whole number of at least 1"),
        (("--l2-block-time", "86401"), "86401 s are too long; expected at most 86400"),
        (("--balance", "1000000000001"), "1000000000001 ETH are too many; expected at most 1,000,000,000,000"),
        (("--l1-port", "5", "--l2-port", "5"), "must differ"),
        (("--l1-chain-id", "5", "--l2-chain-id", "5"), "must differ"),
        (("--sequencing-window", "1"), "--sequencing-window must be at least 2"),
        (("--private-key", "11" * 32), "--private-key is of use with --l1 URL alone"),
        (("--private-key-file", "key"), "--private-key-file is of use with --l1 URL alone"),
        (("--l1-beacon", "http://127.0.0.1:1"), "--l1-beacon is of use with --l1 URL alone"),
        (("--anvil", "anvil"), "--anvil is of use with --l1 anvil alone"),
        (("--no-dev", "--automine"), "--automine cannot go with --no-dev"),
        (("--no-dev", "--allow-state-edits"), "--allow-state-edits cannot go with --no-dev"),
        (("--no-proposer", "--proposal-interval", "9"), "--proposal-interval cannot go with --no-proposer"),
    ],
    ids=lambda part: part if isinstance(part, str) else " ".join(part),
)
def test_a_devnet_refuses_what_it_cannot_do(
    options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["devnet", *options])

    assert end.value.code == 2
    assert said in capsys.readouterr().err


def program(stdout: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `phal2` with its output buffered, as it is outside of tests."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "phal2", *arguments]
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment, timeout=60, check=False
    )


def test_output_that_nobody_reads_ends_silently() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = program(writing, "--version")
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_output_that_is_lost_is_an_error() -> None:
    with Path("/dev/full").open("w") as full:
        done = program(full.fileno(), "--version")

    assert done.returncode == 1
    assert done.stderr == "phal2: error: the output cannot be written: No space left on device\n"


def test_an_interruption_while_modules_are_imported_is_silent() -> None:
    code = (
        "import signal, sys\n"
        # In the background a shell has its programs ignore interruptions.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'phal2.devnet.command.tee':\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "sys.argv = ['phal2', 'tee', '--help']\n"
        "from phal2.__main__ import main\n"
        "main()\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr, done.stdout) == (-signal.SIGINT, "", "")
