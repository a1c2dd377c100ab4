"""The command line of `phal2 node`."""

import pytest

from phal2.devnet.command.main import main

REQUIRED = ["--l1", "http://127.0.0.1:1", "--rollup-config", "r.json", "--genesis", "g.json", "--data-dir", "d"]


def test_the_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["node", "--help"])

    text = capsys.readouterr().out
    assert end.value.code == 0
    for taught in ("rollup.json", "genesis.json", "phal2 devnet --data-dir", "--sequencer", "exit codes"):
        assert taught in text


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "the following arguments are required: --l1, --rollup-config, --genesis, --data-dir"),
        ([*REQUIRED, "--port", "65536"], "'65536' is no port"),
        ([*REQUIRED, "--port", "x"], "'x' is no port; expected 0 to 65535"),
        ([*REQUIRED, "--progress-interval", "0"], "'0': expected seconds, more than 0"),
        ([*REQUIRED, "--progress-interval", "x"], "'x': expected seconds, more than 0"),
        ([*REQUIRED, "--progress-interval", "nan"], "'nan': expected seconds, more than 0"),
        ([*REQUIRED, "--state-retention", "127"], "127 is too small; expected at least 128, or all"),
        ([*REQUIRED, "--state-retention", "-1"], "argument --state-retention: "),
        ([*REQUIRED, "--state-retention", "none"], "'none' is neither a number of blocks nor the word all"),
        ([*REQUIRED, "--state-retention", "9" * 19], "is neither a number of blocks"),
        (
            [*REQUIRED, "--sequencer", "--rollup.sequencerhttp", "http://127.0.0.1:1"],
            "argument --rollup.sequencerhttp: not allowed with argument --sequencer",
        ),
        ([*REQUIRED, "--mine"], "unrecognized arguments: --mine"),
    ],
)
def test_bad_usage_is_explained_with_exit_code_2(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["node", *arguments])

    assert end.value.code == 2
    assert reason in capsys.readouterr().err


def test_a_file_that_is_not_there_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["node", *REQUIRED]) == 1

    errors = capsys.readouterr().err
    assert errors == "phal2: error: r.json: cannot be read: No such file or directory\n"
