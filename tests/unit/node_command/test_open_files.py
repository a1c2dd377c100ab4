"""A node's process may have as many files open as the system lets it."""

import subprocess
import sys

PROGRAM = """
import resource
from phal2.node.command.open_files import allow_many_open_files

resource.setrlimit(resource.RLIMIT_NOFILE, (100, 500))
allow_many_open_files()
allow_many_open_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_the_limit_of_open_files_is_raised_as_far_as_it_may():
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "(500, 500)"
