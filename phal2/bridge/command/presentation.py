"""Deposits and withdrawals as the commands show them: JSON for programs, lines for people."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from phal2.bridge.amounts import format_amount
from phal2.bridge.assets import ETHER_DECIMALS
from phal2.bridge.deposits.arrival import Deposit
from phal2.bridge.withdrawals.initiated import InitiatedWithdrawal
from phal2.bridge.withdrawals.status import Step, WithdrawalStatus
from phal2.node.protocol.addresses import to_checksum_address

_WIDTH: Final = 14

_NEXT: Final[Mapping[Step, str]] = {
    Step.WAITING_TO_PROVE: "prove",
    Step.READY_TO_PROVE: "prove",
    Step.WAITING_TO_FINALIZE: "finalize",
    Step.READY_TO_FINALIZE: "finalize",
}


def hex_of(value: bytes) -> str:
    """Return bytes as 0x and hex."""
    return f"0x{value.hex()}"


def line(name: str, text: object) -> str:
    """Return a line of a report."""
    return f"{name:<{_WIDTH}} {text}"


def next_command(step: Step, transaction_hash: bytes, chains: Sequence[str]) -> str | None:
    """Return the command that comes next, without a key, None where nothing is left to do.

    `chains` are the options with which this command was told of chains and contracts.
    """
    command = _NEXT.get(step)
    if command is None:
        return None
    wait = ("--wait",) if step in (Step.WAITING_TO_PROVE, Step.WAITING_TO_FINALIZE) else ()
    return shlex.join(("phal2", "bridge", command, hex_of(transaction_hash), *wait, *chains))


def next_line(command: str | None) -> str:
    """Return the line that tells what `next_command` gave."""
    return line("next", command or "nothing: it is finalized")


def withdrawal_json(initiated: InitiatedWithdrawal) -> dict[str, Any]:
    """Return what a withdrawal is; `value` is wei as a decimal string."""
    withdrawal = initiated.withdrawal
    return {
        "withdrawalHash": hex_of(initiated.hash),
        "l2Transaction": hex_of(initiated.transaction_hash),
        "l2Block": initiated.block_number,
        "nonce": str(withdrawal.nonce),
        "sender": to_checksum_address(withdrawal.sender),
        "target": to_checksum_address(withdrawal.target),
        "value": str(withdrawal.value),
        "gasLimit": str(withdrawal.gas_limit),
        "data": hex_of(withdrawal.data),
    }


def status_json(initiated: InitiatedWithdrawal, status: WithdrawalStatus, chains: Sequence[str]) -> dict[str, Any]:
    """Return how a withdrawal stands, with what it is."""
    proven = status.proven
    return {
        **withdrawal_json(initiated),
        "status": str(status.step),
        "seconds": status.seconds,
        "reason": status.reason,
        "proven": None
        if proven is None
        else {
            "submitter": to_checksum_address(proven.submitter),
            "timestamp": proven.timestamp,
            "game": to_checksum_address(proven.game),
        },
        "next": next_command(status.step, initiated.transaction_hash, chains),
    }


def status_lines(initiated: InitiatedWithdrawal, status: WithdrawalStatus, chains: Sequence[str]) -> Sequence[str]:
    """Return how a withdrawal stands, for people."""
    withdrawal = initiated.withdrawal
    lines = [
        line("withdrawal", hex_of(initiated.hash)),
        line("initiated", f"in L2 block {initiated.block_number} by {to_checksum_address(withdrawal.sender)}"),
        line("calls", f"{to_checksum_address(withdrawal.target)} on L1 with {_ether(withdrawal.value)}"),
        line("status", status.step),
    ]
    if status.proven is not None:
        submitter, game = to_checksum_address(status.proven.submitter), to_checksum_address(status.proven.game)
        lines.append(line("proven", f"by {submitter} against the game {game}"))
    if status.reason:
        lines.append(line("", status.reason))
    if status.seconds is not None:
        lines.append(line("wait", f"about {status.seconds} s"))
    command = next_command(status.step, initiated.transaction_hash, chains)
    lines.append(next_line(command))
    return lines


def deposit_json(deposit: Deposit) -> dict[str, Any]:
    """Return a deposit; `status` is waiting, succeeded or failed, `relayed` null where it is no message."""
    mined = deposit.mined
    return {
        "l1Block": deposit.l1_block_number,
        "l2Transaction": hex_of(deposit.l2_transaction_hash),
        "l2Block": None if mined is None else mined.block_number,
        "status": deposit_status(deposit),
        "relayed": deposit.relayed,
    }


def deposit_lines(deposit: Deposit) -> Sequence[str]:
    """Return a deposit for people."""
    where = "L2 does not have it yet" if deposit.mined is None else f"in L2 block {deposit.mined.block_number}"
    lines = [
        line("deposit", f"in L1 block {deposit.l1_block_number}"),
        line("on L2", hex_of(deposit.l2_transaction_hash)),
        line("status", f"{deposit_status(deposit)} ({where})"),
    ]
    if deposit.relayed is False:
        lines.append(
            line("", "the message inside failed; it can be sent again with L2CrossDomainMessenger.relayMessage")
        )
    return lines


def deposit_status(deposit: Deposit) -> str:
    """Return waiting, succeeded or failed."""
    if deposit.mined is None:
        return "waiting"
    return "failed" if deposit.failed else "succeeded"


def _ether(wei: int) -> str:
    return f"{format_amount(wei, ETHER_DECIMALS)} ETH"
