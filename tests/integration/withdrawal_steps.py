"""The two steps of a withdrawal on L1, by the command, for the integration tests."""

import io
from contextlib import redirect_stderr, redirect_stdout

from phal2.devnet.command.main import main
from phal2.devnet.process import DevnetProcess


def finalise_withdrawal(devnet: DevnetProcess, l2_transaction_hash: str) -> None:
    """Prove and finalise what an L2 transaction withdrew, as anybody may; both wait until they can."""
    endpoints = ("--l1", devnet.l1.url, "--l2", devnet.l2.url)
    key = ("--private-key", devnet.accounts[8]["privateKey"])
    for step in ("prove", "finalize"):
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            code = main(["bridge", step, l2_transaction_hash, *endpoints, *key, "--wait"])
        assert code == 0, out.getvalue() + err.getvalue()
