"""Writing files as a whole or not at all: what was there before stays until the new content is on the disk."""

import os
from pathlib import Path

from phal2.node.protocol.errors import Phal2Error


class FileNotWritten(Phal2Error):
    """A file that cannot be written; what it held is still there."""


def write_whole(path: Path, text: str) -> None:
    """Write text as UTF-8 in the place of whatever the file held. Raises `FileNotWritten`."""
    try:
        if path.exists() and not path.is_file():
            # A pipe or a terminal holds nothing that could be lost.
            path.write_text(text, encoding="utf-8")
            return
        target = Path(os.path.realpath(path))
        unfinished = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            with unfinished.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise FileNotWritten(f"{path} cannot be written: {error.strerror or error}") from None
