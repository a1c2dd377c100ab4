"""The command line of `phal2 db`."""

from pathlib import Path

import lmdb
import pytest

from phal2.devnet.command.main import main


@pytest.mark.parametrize(
    ("arguments", "taught"),
    [(["--help"], "inspect"), (["inspect", "--help"], "phal2 db inspect chain/l2 --blocks 100")],
)
def test_the_help_teaches(arguments: list[str], taught: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["db", *arguments])

    assert end.value.code == 0
    assert taught in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["inspect"], "the following arguments are required: DIR"),
        (["inspect", "d", "--blocks", "-1"], "'-1' is no number of blocks; expected 0 to 100000"),
        (["inspect", "d", "--blocks", "100001"], "'100001' is no number of blocks"),
        (["inspect", "d", "--blocks", "x"], "'x' is no number of blocks"),
    ],
)
def test_bad_usage_is_explained_with_exit_code_2(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["db", *arguments])

    assert end.value.code == 2
    assert reason in capsys.readouterr().err


def test_a_directory_without_a_database_is_one_line_and_untouched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["db", "inspect", str(tmp_path)]) == 1

    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "neither it nor a directory in it has a data.mdb" in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "reason"), [(b"no database" * 1_000, "holds no phal2 database"), (b"", "nothing was stored in it yet")]
)
def test_a_file_that_is_no_database_is_one_line_and_untouched(
    content: bytes, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data.mdb").write_bytes(content)

    assert main(["db", "inspect", str(tmp_path)]) == 1

    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert reason in errors
    assert (tmp_path / "data.mdb").read_bytes() == content


def test_the_database_of_something_else_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = lmdb.open(str(tmp_path), max_dbs=1)
    environment.open_db(b"something")
    environment.close()

    assert main(["db", "inspect", str(tmp_path)]) == 1
    assert "found the unknown table b'something'" in capsys.readouterr().err
