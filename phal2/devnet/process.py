"""A devnet in a process of its own, for tests and scripts."""

import itertools
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from phal2.node.protocol.errors import Phal2Error

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0
REQUEST_SECONDS: Final = 60.0
BRIDGE_SECONDS: Final = 300.0
ENDING_SECONDS: Final = 5.0
"""For so long the end of a devnet is awaited that does not answer, as its ports close before it ends."""
MOST_SAID: Final = 20_000
"""Characters of what a devnet printed that an error repeats."""


class DevnetProcessError(Phal2Error):
    """The devnet process ended before it was ready; the text has what it printed."""


class DevnetEnded(Phal2Error):
    """The devnet process has ended by itself; the text has its exit code and the last of what it printed."""


class BridgeFailed(Phal2Error):
    """A command of `phal2 bridge` that did not do what it should; the text is what it said, `code` its exit code."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


class RequestRefused(Phal2Error):
    """A JSON-RPC error; `code`, `message` and `data` are the server's."""

    def __init__(self, method: str, code: int, message: str, data: object) -> None:
        super().__init__(f"{method}: {message} (code {code})")
        self.code = code
        self.message = message
        self.data = data


class UnknownSnapshot(Phal2Error):
    """A snapshot that was never taken, or is used up."""

    def __init__(self, snapshot: str) -> None:
        super().__init__(f"there is no snapshot {snapshot}: a revert uses it up, with all later ones; take a new one")
        self.snapshot = snapshot


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One JSON-RPC endpoint of the devnet: its URL, chain id, and contracts (EIP-55 addresses by name)."""

    url: str
    chain_id: int
    contracts: Mapping[str, str] = field(default_factory=dict)
    require_running: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)
    """Called where no answer comes; raises `DevnetEnded` where the server's process is gone."""
    _ids: "itertools.count[int]" = field(default_factory=itertools.count, repr=False, compare=False)

    def request(self, method: str, *parameters: object) -> Any:
        """Call a method and return its result.

        Raises `RequestRefused` where the answer is an error, `DevnetEnded` where the devnet has ended by itself, and
        `OSError` where else no answer comes.
        """
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(parameters)}
        request = urllib.request.Request(  # noqa: S310 - the URL is the devnet's own
            self.url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as response:  # noqa: S310 - as above
                answer = json.load(response)
        except OSError:
            self.require_running()
            raise
        if "error" in answer:
            error = answer["error"]
            raise RequestRefused(method, error["code"], error["message"], error.get("data"))
        return answer["result"]

    def block_number(self) -> int:
        """Return the number of the newest block."""
        return int(self.request("eth_blockNumber"), 16)

    def mine(self, blocks: int = 1) -> None:
        """Seal blocks now."""
        self.request("anvil_mine", blocks)

    def advance_time(self, seconds: int) -> None:
        """Move the devnet's time forward; L1 and L2 seal the blocks that belong to it."""
        self.request("evm_increaseTime", hex(seconds))

    def snapshot(self) -> str:
        """Note the present state and return what `revert` takes: of the whole devnet on L2, of L1 alone on L1."""
        return str(self.request("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Return to a snapshot, which is used up with all later ones; raise `UnknownSnapshot`."""
        if not self.request("evm_revert", snapshot):
            raise UnknownSnapshot(snapshot)


class DevnetProcess:
    """`phal2 devnet --json` on free ports. Make it with `start`, or use it as a context manager."""

    def __init__(self, process: "subprocess.Popen[str]", description: Mapping[str, Any], errors: IO[str]) -> None:
        """Use `DevnetProcess.start`."""
        self.process = process
        self.description = description
        l1, l2 = description["l1"], description["l2"]
        self.l1 = Endpoint(l1["rpc"], l1["chainId"], l1["contracts"], self.require_running)
        self.l2 = Endpoint(l2["rpc"], l2["chainId"], l2["contracts"], self.require_running)
        self.follower = Endpoint(description["follower"]["rpc"], l2["chainId"], l2["contracts"], self.require_running)
        self.accounts: Sequence[Mapping[str, str]] = description["accounts"]
        self._errors = errors
        self._is_told_to_end = False

    @classmethod
    def start(cls, *options: str, log: Path | None = None) -> "DevnetProcess":
        """Start a devnet with further command line `options` and return when it is up.

        What it says on stderr goes to the file `log`, where one is given. Raises `DevnetProcessError`.
        """
        ports = ("--l1-port", "0", "--l2-port", "0", "--follower-port", "0")
        command = [sys.executable, "-m", "phal2", "devnet", "--json", *ports, *options]
        # It stays open as long as the process runs: whoever finds the devnet gone reads there why.
        errors = tempfile.TemporaryFile("w+") if log is None else log.open("w+")  # noqa: SIM115 - closed at the end
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)  # noqa: S603 - own program
            assert process.stdout is not None, "stdout is a pipe"  # noqa: S101 - tells the type checker
            # A devnet that hangs at its start must not hang its user.
            began, deadline = time.monotonic(), threading.Timer(START_SECONDS, process.kill)
            deadline.start()
            line = process.stdout.readline()
            deadline.cancel()
            # One that is up just then may have been killed nonetheless.
            is_late = time.monotonic() - began >= START_SECONDS
            if is_late or not line:
                if is_late:
                    process.kill()
                code = process.wait()
                process.stdout.close()
                reason = f"it was not up after {START_SECONDS:g} s" if is_late else f"exit code {code}"
                raise DevnetProcessError(f"the devnet did not start ({reason}): {_last_of(errors)}")
        except BaseException:
            errors.close()
            raise
        return cls(process, json.loads(line), errors)

    def mine(self, blocks: int = 1) -> None:
        """Seal L2 blocks now; L1 follows at its times."""
        self.l2.mine(blocks)

    def advance_time(self, seconds: int) -> None:
        """Move the devnet's time forward; L1 and L2 seal the blocks that belong to it."""
        self.l2.advance_time(seconds)

    def snapshot(self) -> str:
        """Note the present state of L1, sequencer, follower and time, and return what `revert` takes."""
        return self.l2.snapshot()

    def revert(self, snapshot: str) -> None:
        """Return L1, sequencer, follower and time to a snapshot; it is used up with all later ones."""
        self.l2.revert(snapshot)

    def reorg_l1(self, depth: int) -> None:
        """Replace the newest `depth` L1 blocks by others; L2 follows."""
        self.l1.request("anvil_reorg", depth, [])

    def bridge(self, command: str, *arguments: object, account: int = 0) -> Any:
        """Run `phal2 bridge` on the devnet and return the object that it prints with --json; raise `BridgeFailed`.

        `account` is the number of the account that sends. `bridge("withdraw", "--amount", 1, "--complete")` is a whole
        withdrawal.
        """
        chains = ("--l1", self.l1.url, "--l2", self.l2.url, "--json")
        key = () if command == "status" else ("--private-key", self.accounts[account]["privateKey"])
        run = [sys.executable, "-m", "phal2", "bridge", command, *map(str, arguments), *chains, *key]
        done = subprocess.run(run, capture_output=True, text=True, timeout=BRIDGE_SECONDS, check=False)  # noqa: S603 - own program
        if done.returncode != 0:
            raise BridgeFailed(done.returncode, done.stderr.strip())
        return json.loads(done.stdout)

    def require_running(self) -> None:
        """Raise `DevnetEnded` where the process has ended, or is about to, and nobody here has told it to."""
        if self._is_told_to_end:
            return
        try:
            code = self.process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            return
        raise DevnetEnded(f"the devnet has ended by itself, with exit code {code}: {_last_of(self._errors)}")

    @contextmanager
    def stop_sequencer(self) -> Iterator[None]:
        """Have no L2 block built within the `with` block, unless one is asked for; L1 and derivation go on."""
        seconds = self.l2.request("anvil_getIntervalMining")
        self.l2.request("evm_setIntervalMining", 0)
        try:
            yield
        finally:
            if seconds is not None:
                self.l2.request("evm_setIntervalMining", seconds)

    def stop(self) -> int:
        """End the devnet as Ctrl-C does and return its exit code."""
        self._is_told_to_end = True
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self._close_files()

    def kill(self) -> None:
        """End the devnet without warning (`kill -9`)."""
        self._is_told_to_end = True
        self.process.kill()
        self.process.wait()
        self._close_files()

    def _close_files(self) -> None:
        self._errors.close()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> "DevnetProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            # One that was told to end, if not from here, has ended well: Ctrl-C reaches it beside whoever started it.
            if self.process.poll():
                self.require_running()
        finally:
            self.stop()


def _last_of(errors: IO[str]) -> str:
    errors.seek(0)
    return errors.read()[-MOST_SAID:].strip()
