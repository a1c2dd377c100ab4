"""What a differential test plays: a genesis, blocks, and transactions as plans, and how a reader sees them.

Plans say what a transaction is to be like relative to the state that it will meet (its nonce, what its sender can
pay, the base fee), as they are drawn before anything runs. `envelopes` turns them into signed bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cast import NAMES, SYSTEM_CONTRACTS, label
from evm_assembly import disassemble

from phal2.node.protocol.transactions import AccessList
from phal2.node.state.delegation import delegated_address
from phal2.node.state.genesis import GenesisAccount


@dataclass(frozen=True, slots=True)
class AuthorizationPlan:
    """An authorization of EIP-7702. `nonce_offset` is from the nonce that the authority has when its turn comes.

    `fault` names what is wrong with the signature, empty where nothing is.
    """

    authority: int
    address: bytes
    nonce_offset: int
    chain_id: int
    fault: str = ""


@dataclass(frozen=True, slots=True)
class TransactionPlan:
    """A transaction to be.

    `chain_id` None is a legacy transaction without one. The fee cap is the base fee plus `fee_offset`; `tip` None is
    one wei above the cap. Where `left_over` is not None, `value` does not matter: the transaction moves so much that
    its sender could pay `left_over` wei more (below 0: that much is missing). The gas limit is `gas`, above what
    `gas_basis` names: nothing, the intrinsic gas, the floor, the greater of the two ("least"), or what is left of the
    block.
    """

    kind: int
    sender: int
    to: bytes | None
    value: int = 0
    left_over: int | None = None
    data: bytes = b""
    gas: int = 100_000
    gas_basis: str = "nothing"
    nonce_offset: int = 0
    fee_offset: int = 0
    tip: int | None = 0
    chain_id: int | None = None
    access_list: AccessList = ()
    authorizations: tuple[AuthorizationPlan, ...] = ()
    blob_hashes: tuple[bytes, ...] = ()
    blob_fee_offset: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """A block to be. `gas_limit_change` is from its parent's gas limit."""

    transactions: tuple[TransactionPlan, ...]
    coinbase: bytes
    seconds: int = 12
    gas_limit_change: int = 0
    prev_randao: bytes = b"\x02" * 32
    beacon_root: bytes = b"\x03" * 32


@dataclass(frozen=True, slots=True, repr=False)
class Scenario:
    """A chain to be played: the state and the parent of the first block, and the blocks.

    `parent_gas_used`, `parent_excess_blob_gas` and `parent_blobs` are of the parent of the first block, whose
    ancestors are made up.
    """

    accounts: Mapping[bytes, GenesisAccount]
    blocks: tuple[BlockPlan, ...]
    gas_limit: int = 30_000_000
    base_fee_per_gas: int = 10**9
    parent_number: int = 0
    parent_gas_used: int = 15_000_000
    parent_excess_blob_gas: int = 0
    parent_blobs: int = 0

    def __repr__(self) -> str:
        """Return the scenario as the reader of a failed test needs it."""
        return _describe(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print the same where Hypothesis shows an example (IPython's protocol), rather than how it was built."""
        printer.text("(cycle)" if cycle else repr(self))


def _describe(scenario: Scenario) -> str:
    lines = [
        f"parent {scenario.parent_number}: gas limit {scenario.gas_limit}, gas used {scenario.parent_gas_used}, "
        f"base fee {scenario.base_fee_per_gas}, excess blob gas {scenario.parent_excess_blob_gas}, "
        f"blobs {scenario.parent_blobs}"
    ]
    for address, account in scenario.accounts.items():
        if address in SYSTEM_CONTRACTS:
            continue
        storage = {hex(slot): hex(word) for slot, word in account.storage.items()}
        lines.append(f"  {label(address)}: nonce {account.nonce}, balance {account.balance}, storage {storage}")
        if account.code:
            delegate = delegated_address(account.code)
            lines.append(f"    delegates to {label(delegate)}" if delegate else f"    {disassemble(account.code)}")
    for number, block in enumerate(scenario.blocks, scenario.parent_number + 1):
        lines.append(
            f"block {number}: coinbase {label(block.coinbase)}, after {block.seconds} s, "
            f"gas limit {block.gas_limit_change:+}"
        )
        lines += [line for plan in block.transactions for line in _describe_transaction(plan)]
    return "\n".join(lines)


def shortened(data: bytes, limit: int = 400) -> str:
    """Return bytes in hex, the end of long ones left out."""
    return "0x" + data[:limit].hex() + (f"... ({len(data)} bytes)" if len(data) > limit else "")


def _describe_transaction(plan: TransactionPlan) -> list[str]:
    value = plan.value if plan.left_over is None else f"all but {plan.left_over}"
    tip = "above the cap" if plan.tip is None else plan.tip
    lines = [
        f"  type {plan.kind} {NAMES[plan.sender]} -> {label(plan.to)}: value {value}, "
        f"gas {plan.gas_basis} {plan.gas:+}, nonce {plan.nonce_offset:+}, cap {plan.fee_offset:+}, tip {tip}, "
        f"chain {plan.chain_id}" + (f", signature: {plan.fault}" if plan.fault else "")
    ]
    if plan.data:
        lines.append(f"    data {disassemble(plan.data) if plan.to is None else shortened(plan.data)}")
    lines += [f"    accesses {label(address)} {[key.hex() for key in keys]}" for address, keys in plan.access_list]
    lines += [
        f"    {NAMES[authorization.authority]} delegates to {label(authorization.address)}, "
        f"nonce {authorization.nonce_offset:+}, chain {authorization.chain_id}"
        + (f", signature: {authorization.fault}" if authorization.fault else "")
        for authorization in plan.authorizations
    ]
    if plan.kind == 3:
        lines.append(f"    blobs {[h.hex() for h in plan.blob_hashes]}, cap {plan.blob_fee_offset:+}")
    return lines
