"""How many files and connections a node's process may have open."""

import resource
from contextlib import suppress
from typing import Final

_WANTED: Final = 65_536


def allow_many_open_files() -> None:
    """Raise the limit of open files as far as the system lets this process, as geth does.

    Many systems begin with 1,024. A node admits as many connections of clients, and with those taken it could not reach
    its L1.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(hard, _WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # Some systems have a limit of their own below the one that they tell.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
