"""The L1 blocks that L2 blocks have as origin, held against one another and against their receipts roots."""

from collections.abc import Sequence
from typing import Final

from phal2.bridge.prover.errors import WrongL1Origin, WrongReceipts
from phal2.bridge.prover.proof_request import L1Origin
from phal2.node.derivation.errors import DerivationError
from phal2.node.derivation.l1_traversal import Epoch, read_epoch
from phal2.node.derivation.system_config_updates import CONFIG_UPDATE_TOPIC
from phal2.node.protocol.block_refs import BlockId, L1BlockRef
from phal2.node.protocol.deposits import TRANSACTION_DEPOSITED_TOPIC
from phal2.node.protocol.headers import Header, header_hash
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.ordered_trie import ordered_trie_root
from phal2.node.protocol.receipts import Receipt, bloom_may_contain, encode_receipt
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig

WATCHED_TOPICS: Final = (TRANSACTION_DEPOSITED_TOPIC, CONFIG_UPDATE_TOPIC)
"""The logs that receipts are read for: the portal's deposits and SystemConfig's updates."""


def linked_epochs(
    config: RollupConfig, parent_origin: BlockId, parent_system_config: SystemConfig, origins: Sequence[L1Origin]
) -> list[Epoch]:
    """Return the epochs of `origins`, of which the first is the parent's and each other the block after the one before.

    Deposits and configuration updates come from the receipts. Raises `WrongL1Origin` and `WrongReceipts`.
    """
    if not origins:
        raise WrongL1Origin("no L1 block is given; the first must be the parent's L1 origin")
    header = origins[0].header
    ref = L1BlockRef(header_hash(header), header.number, header.parent_hash, header.timestamp)
    if ref.id != parent_origin:
        raise WrongL1Origin(
            f"the first L1 block given is {ref.number} (0x{ref.hash.hex()}), but the parent's L1 origin is "
            f"{parent_origin.number} (0x{parent_origin.hash.hex()})"
        )
    if origins[0].receipts is not None:
        raise WrongReceipts(parent_origin.number, "they are given, but the parent's epoch has its deposits already")
    epochs = [Epoch(header, ref, (), parent_system_config)]
    for origin in origins[1:]:
        before, header, block_hash = epochs[-1], origin.header, header_hash(origin.header)
        if header.number != before.ref.number + 1 or header.parent_hash != before.ref.hash:
            raise WrongL1Origin(
                f"L1 block {header.number} (0x{block_hash.hex()}) has the parent 0x{header.parent_hash.hex()}; it "
                f"does not follow L1 block {before.ref.number} (0x{before.ref.hash.hex()})"
            )
        block = L1Block(header, block_hash, (), _checked_receipts(config, origin))
        try:
            epochs.append(read_epoch(config, block, before.system_config))
        except DerivationError as error:
            raise WrongReceipts(header.number, str(error)) from error
    return epochs


def receipts_matter(config: RollupConfig, header: Header) -> bool:
    """Tell whether an L1 block may hold deposits or configuration updates, by its header's bloom filter."""
    return any(
        bloom_may_contain(header.bloom, address) and bloom_may_contain(header.bloom, topic)
        for address, topic in (
            (config.deposit_contract_address, TRANSACTION_DEPOSITED_TOPIC),
            (config.l1_system_config_address, CONFIG_UPDATE_TOPIC),
        )
    )


def _checked_receipts(config: RollupConfig, origin: L1Origin) -> tuple[Receipt, ...]:
    header = origin.header
    if origin.receipts is None:
        if receipts_matter(config, header):
            raise WrongReceipts(header.number, "they are not given, but the bloom filter admits logs of the rollup")
        return ()
    root = ordered_trie_root([encode_receipt(receipt) for receipt in origin.receipts])
    if root != header.receipts_root:
        raise WrongReceipts(
            header.number, f"the header states the root 0x{header.receipts_root.hex()}, they give 0x{root.hex()}"
        )
    return origin.receipts
