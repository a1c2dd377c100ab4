"""Programs from npm: installed on demand in a folder beside these files."""

import shutil
import subprocess
from pathlib import Path


class ProgramMissing(Exception):
    """A program cannot be had: no Node.js, no package for this machine, or no registry."""


def installed_program(folder: Path, program: Path) -> Path:
    """Return the file `program`, which comes with the packages of `folder`, installed by npm where it is not there.

    Raises `ProgramMissing`.
    """
    if program.exists():
        return program
    npm = shutil.which("npm")
    if npm is None:
        raise ProgramMissing("Node.js is not installed")
    # The packages carry the programs themselves; their scripts would only choose between them. Not `npm ci`, which
    # refuses a lock file that lacks the packages for other systems, as one made from a partial registry does.
    command = [npm, "install", "--no-save", "--ignore-scripts"]
    installed = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if installed.returncode != 0:
        raise ProgramMissing(f"npm could not install it: {' '.join(installed.stderr.split())[:300]}")
    if not program.exists():
        raise ProgramMissing(f"the packages do not have {program.relative_to(folder)}")
    return program
