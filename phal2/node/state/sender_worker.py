"""The program of the processes that recover signers: signatures on standard input, their addresses on standard output.

Both are as `sender_recovery` has them, one after the other in the same order. It ends with its input, so with the
process that started it, however that ends.
"""

import os
import sys
from typing import Final

from phal2.node.protocol.sender_recovery import SIGNATURE_LENGTH, signer

_GROUP: Final = 8
"""Signatures that are answered together: some 0.4 ms of work."""
_READ_LENGTH: Final = 64 * 1024


def main() -> int:
    """Answer until the input ends."""
    source, target = sys.stdin.fileno(), sys.stdout.fileno()
    waiting = b""
    try:
        while received := os.read(source, _READ_LENGTH):
            waiting += received
            complete = len(waiting) - len(waiting) % SIGNATURE_LENGTH
            signatures = [waiting[start : start + SIGNATURE_LENGTH] for start in range(0, complete, SIGNATURE_LENGTH)]
            waiting = waiting[complete:]
            for start in range(0, len(signatures), _GROUP):
                os.write(target, b"".join(map(signer, signatures[start : start + _GROUP])))
    except BrokenPipeError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
