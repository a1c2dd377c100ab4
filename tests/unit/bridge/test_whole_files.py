import signal
import subprocess
import sys
from pathlib import Path

import pytest

from phal2.bridge.whole_files import FileNotWritten, write_whole


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "tree.json"
    path.write_text("before")

    write_whole(path, "after")

    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("tree.json", "after")]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("before")
    link.symlink_to(target)

    write_whole(link, "after")

    assert link.is_symlink()
    assert target.read_text() == "after"


def test_a_process_that_is_killed_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "tree.json"
    path.write_text("before")
    # The text is written up to its last step, at which the process kills itself.
    program = (
        "import os, pathlib, signal, sys\n"
        "from phal2.bridge.whole_files import write_whole\n"
        "pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_whole(pathlib.Path(sys.argv[1]), 'after')\n"
    )

    ended = subprocess.run((sys.executable, "-c", program, str(path)), check=False)

    assert ended.returncode == -signal.SIGKILL
    assert path.read_text() == "before"


def test_what_cannot_be_written_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "directory"
    path.mkdir()

    with pytest.raises(FileNotWritten, match=f"{path} cannot be written: Is a directory"):
        write_whole(path, "text")

    assert list(path.iterdir()) == []
