"""eth_config (EIP-7910) and eth_capabilities: the forks of the chain, and what the node keeps of it."""

import zlib
from collections.abc import Mapping
from typing import Any, Final

from phal2.node.protocol.forks import Fork
from phal2.node.protocol.predeploys import (
    BEACON_ROOTS,
    CONSOLIDATION_REQUESTS,
    HISTORY_STORAGE,
    P256_VERIFY,
    WITHDRAWAL_REQUESTS,
)
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import BOOLEAN, DATA, HASH, INTEGER, QUANTITY, TEXT, fields, map_of, optional
from phal2.node.state.blobs import blob_schedule
from phal2.node.state.precompiles.table import precompiles_of
from phal2.node.state.requests import DEPOSIT_CONTRACT
from phal2.node.state.rules import BlockRules, L2Rules, Revision, UnsupportedFork, block_rules

_PRECOMPILE_NAMES: Final[Mapping[bytes, str]] = {
    number.to_bytes(20, "big"): name
    for number, name in enumerate(
        (
            "ECREC",
            "SHA256",
            "RIPEMD160",
            "ID",
            "MODEXP",
            "BN254_ADD",
            "BN254_MUL",
            "BN254_PAIRING",
            "BLAKE2F",
            "KZG_POINT_EVALUATION",
            "BLS12_G1ADD",
            "BLS12_G1MSM",
            "BLS12_G2ADD",
            "BLS12_G2MSM",
            "BLS12_PAIRING_CHECK",
            "BLS12_MAP_FP_TO_G1",
            "BLS12_MAP_FP2_TO_G2",
        ),
        1,
    )
} | {P256_VERIFY: "P256VERIFY"}

_FORK_CONFIGURATION: Final = fields(
    {
        "activationTime": INTEGER,
        "blobSchedule": optional(fields(dict.fromkeys(("target", "max", "baseFeeUpdateFraction"), INTEGER))),
        "chainId": QUANTITY,
        "forkId": DATA,
        "precompiles": map_of(DATA),
        "systemContracts": map_of(DATA),
    }
)
_KEPT: Final = fields(
    {"disabled": BOOLEAN, "oldestBlock": QUANTITY},
    {"deleteStrategy": fields({"type": TEXT, "retentionBlocks": QUANTITY})},
)
_KEPT_FOR_EVER: Final = ("tx", "logs", "receipts", "blocks")
_PRUNED: Final = ("state", "stateproofs")


class ConfigurationMethods:
    """What a client asks to learn which rules hold, and for which blocks it may ask."""

    def __init__(self, chain: ChainService) -> None:
        self._chain = chain

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        optional_fork = optional(_FORK_CONFIGURATION)
        registry.add(
            "eth_config",
            self.configuration,
            result=fields({"current": _FORK_CONFIGURATION, "next": optional_fork, "last": optional_fork}),
        )
        registry.add(
            "eth_capabilities",
            self.capabilities,
            result=fields(
                {
                    "head": fields({"number": QUANTITY, "hash": HASH}),
                    **dict.fromkeys((*_PRUNED, *_KEPT_FOR_EVER), _KEPT),
                }
            ),
        )

    def configuration(self) -> dict[str, Any]:
        """Return the fork that holds, the next one that is scheduled and the last one; null where there is none."""
        head = self._chain.store.header(self._chain.head_id().hash)
        now = 0 if head is None else head.timestamp
        times = self._activation_times()
        past = [time for time in times if time <= now]
        coming = [time for time in times if time > now]
        return {
            "current": self._fork(past[-1], times),
            "next": self._fork(coming[0], times) if coming else None,
            "last": self._fork(coming[-1], times) if coming else None,
        }

    def capabilities(self) -> dict[str, Any]:
        """Return the head, and from which block on there is what: states may be pruned, all else is kept for ever."""
        store, head = self._chain.store, self._chain.head_id()
        states: dict[str, Any] = {"disabled": False, "oldestBlock": quantity(store.oldest_state())}
        if store.retention is not None:
            states["deleteStrategy"] = {"type": "window", "retentionBlocks": quantity(store.retention)}
        all_blocks = {"disabled": False, "oldestBlock": quantity(store.genesis.number)}
        return {
            "head": {"number": quantity(head.number), "hash": data(head.hash)},
            **dict.fromkeys(_PRUNED, states),
            **dict.fromkeys(_KEPT_FOR_EVER, all_blocks),
        }

    def _activation_times(self) -> list[int]:
        """Return when rules change, 0 for the genesis."""
        rules = self._chain.rules
        if not isinstance(rules, L2Rules):
            return [0]
        forks = rules.config.forks
        times = {forks.activation_time(fork) for fork in Fork} | {forks.attested_time, 0}
        genesis = rules.config.l2_genesis_time
        return sorted({0 if time <= genesis else time for time in times if time is not None})

    def _fork(self, time: int, times: list[int]) -> dict[str, Any] | None:
        try:
            rules = block_rules(self._chain.rules, max(time, self._genesis_time()))
        except UnsupportedFork:
            return None
        return {
            "activationTime": time,
            "blobSchedule": _blob_schedule(rules),
            "chainId": quantity(self._chain.chain_id),
            "forkId": data(self._fork_id([passed for passed in times if 0 < passed <= time])),
            "precompiles": {_PRECOMPILE_NAMES[address]: data(address) for address in precompiles_of(rules)},
            "systemContracts": _system_contracts(rules),
        }

    def _fork_id(self, passed: list[int]) -> bytes:
        """Return the checksum of the genesis hash and the forks since (EIP-6122)."""
        checksum = zlib.crc32(self._chain.store.genesis.hash)
        for time in passed:
            checksum = zlib.crc32(time.to_bytes(8, "big"), checksum)
        return checksum.to_bytes(4, "big")

    def _genesis_time(self) -> int:
        rules = self._chain.rules
        return rules.config.l2_genesis_time if isinstance(rules, L2Rules) else 0


def _blob_schedule(rules: BlockRules) -> dict[str, int] | None:
    if rules.l2_fork is not None or rules.revision < Revision.CANCUN:
        return None
    schedule = blob_schedule(rules.revision)
    return {
        "target": schedule.target,
        "max": schedule.maximum,
        "baseFeeUpdateFraction": schedule.base_fee_update_fraction,
    }


def _system_contracts(rules: BlockRules) -> dict[str, str]:
    contracts: dict[str, bytes] = {}
    if rules.revision >= Revision.CANCUN:
        contracts["BEACON_ROOTS_ADDRESS"] = BEACON_ROOTS
    if rules.revision >= Revision.PRAGUE:
        contracts["HISTORY_STORAGE_ADDRESS"] = HISTORY_STORAGE
        if rules.l2_fork is None:
            contracts["CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS"] = CONSOLIDATION_REQUESTS
            contracts["DEPOSIT_CONTRACT_ADDRESS"] = DEPOSIT_CONTRACT
            contracts["WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS"] = WITHDRAWAL_REQUESTS
    return {name: data(address) for name, address in contracts.items()}
