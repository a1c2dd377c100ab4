"""cast of Foundry as a test runs it: with a chain, an account of its own, and no configuration of its user."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_account import Account

from phal2.devnet.process import Endpoint

SECONDS: Final = 180


@dataclass(frozen=True, slots=True)
class Cast:
    """cast on a chain, with an account of its own."""

    program: Path
    endpoint: Endpoint
    private_key: str
    folder: Path

    @property
    def account(self) -> str:
        return str(Account.from_key(self.private_key).address)

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        # No configuration of the machine's user takes part.
        environment = {"HOME": str(self.folder), "ETH_RPC_URL": self.endpoint.url, "NO_COLOR": "1"}
        command = [str(self.program), *map(str, arguments)]
        return subprocess.run(
            command, env=environment, cwd=self.folder, capture_output=True, text=True, timeout=SECONDS
        )

    def __call__(self, *arguments: object) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, f"cast {' '.join(map(str, arguments))}: {done.stderr}"
        return done.stdout.strip()

    def json(self, *arguments: object) -> Any:
        return json.loads(self(*arguments, "--json"))

    def send(self, *arguments: object) -> Any:
        """Send a transaction, wait for it, and return its receipt."""
        return self.json("send", "--private-key", self.private_key, "--timeout", 120, *arguments)
