"""Transfers of ether as logs, in their order among the logs of contracts (execution-apis, "traceTransfers")."""

from typing import Final

from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.receipts import Log
from phal2.node.state.evm import Checkpoint
from phal2.node.state.tracing import DELEGATECALL, FrameEnd, FrameStart, Step

TRANSFER_ADDRESS: Final = b"\xee" * 20
"""What stands as the contract of such a log: ERC-7528's address of ether."""

TRANSFER_TOPIC: Final = keccak256(b"Transfer(address,address,uint256)")


class TransferLogs:
    """A tracer that gathers the logs of one transaction, with a log for each transfer.

    Each comes with its index in the block. Logs of failed messages are left out, but have had their index (as in geth).
    """

    wants_steps = False

    def __init__(self, next_index: int, check: Checkpoint) -> None:
        """`check` is called every few instructions, and what it raises ends the execution."""
        self.next_index = next_index
        """The index of the next log of the block."""
        self._check = check
        self._frames: list[list[tuple[int, Log]]] = [[]]

    def logs(self) -> tuple[tuple[int, Log], ...]:
        """Return the logs of the transaction, which has ended, with their indices."""
        return tuple(self._frames[0])

    def enter(self, frame: FrameStart) -> None:
        """Begin a message; its transfer is part of it."""
        self._frames.append([])
        if frame.value and frame.opcode != DELEGATECALL:
            topics = (TRANSFER_TOPIC, frame.sender.rjust(32, b"\0"), frame.to.rjust(32, b"\0"))
            self.log(Log(TRANSFER_ADDRESS, topics, frame.value.to_bytes(32, "big")))

    def exit(self, end: FrameEnd) -> None:
        """End the message that began last."""
        logs = self._frames.pop()
        if end.error is None:
            self._frames[-1] += logs

    def step(self, step: Step) -> None:
        """Instructions are not asked for."""

    def log(self, log: Log) -> None:
        """Take a log of the message that runs."""
        self._frames[-1].append((self.next_index, log))
        self.next_index += 1

    def checkpoint(self) -> None:
        """Raise where the execution is to end."""
        self._check(0)
