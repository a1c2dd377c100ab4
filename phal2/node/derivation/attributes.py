"""Last stage: payload attributes from a batch and its L1 origin (OP Stack "Deriving Payload Attributes")."""

from dataclasses import dataclass, replace

from phal2.node.derivation.errors import Critical, Reset
from phal2.node.derivation.l1_traversal import Epoch, read_epoch
from phal2.node.protocol.block_refs import BlockId, L1BlockRef, L2BlockRef
from phal2.node.protocol.deposits import encode_deposit
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.l1_attributes import l1_attributes, l1_attributes_deposit
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.predeploys import SEQUENCER_FEE_VAULT
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig
from phal2.node.protocol.transactions import DEPOSIT


@dataclass(frozen=True, slots=True)
class DerivedAttributes:
    """Attributes of the block after `parent`, and the L1 block that was being read when they were complete."""

    attributes: PayloadAttributes
    parent: L2BlockRef
    l1_origin: BlockId
    derived_from: L1BlockRef
    is_last_in_span: bool


def prepare_attributes(
    config: RollupConfig, system_config: SystemConfig, parent: L2BlockRef, l1_origin_block: L1Block, timestamp: int
) -> PayloadAttributes:
    """Return the attributes of the block after `parent` with the given L1 origin, without sequenced transactions.

    `system_config` is the parent's. Where the L1 origin is another than the parent's, the block begins an epoch: it
    has the origin's user deposits, and ConfigUpdate events take effect. Only then are the L1 block's receipts looked
    at. The `no_tx_pool` of the result is True. Raise `Reset` where the L1 origin does not fit, `Critical` where no
    block can be built.
    """
    if l1_origin_block.header.number == parent.l1_origin.number:
        epoch = Epoch(l1_origin_block.header, l1_origin_block.ref, (), system_config)
    else:
        epoch = read_epoch(config, l1_origin_block, system_config)
    return epoch_attributes(config, epoch, parent, timestamp)


def epoch_attributes(config: RollupConfig, epoch: Epoch, parent: L2BlockRef, timestamp: int) -> PayloadAttributes:
    """Return the attributes of the block after `parent` in `epoch`, as `prepare_attributes` does."""
    begins_epoch = _check_origin(epoch.ref, parent)
    if timestamp < epoch.ref.timestamp:
        raise Reset(
            f"L2 timestamp {timestamp} is before that of its L1 origin {epoch.ref.number}, {epoch.ref.timestamp}"
        )
    _check_forks(config, timestamp)
    sequence_number = 0 if begins_epoch else parent.sequence_number + 1
    values = l1_attributes(config, epoch.system_config, epoch.header, epoch.ref.hash, sequence_number, timestamp)
    first = encode_deposit(l1_attributes_deposit(config, values, timestamp))
    denominator, elasticity = eip1559_parameters(config, epoch.system_config)
    return PayloadAttributes(
        timestamp=timestamp,
        prev_randao=epoch.header.prev_randao,
        fee_recipient=SEQUENCER_FEE_VAULT,
        parent_beacon_block_root=epoch.header.parent_beacon_block_root or bytes(32),
        transactions=(first, *epoch.deposits) if begins_epoch else (first,),
        no_tx_pool=True,
        gas_limit=epoch.system_config.gas_limit,
        eip1559_denominator=denominator,
        eip1559_elasticity=elasticity,
    )


def eip1559_parameters(config: RollupConfig, system_config: SystemConfig) -> tuple[int, int]:
    """Return (denominator, elasticity): those of the configuration's events, or Canyon's constants where none came."""
    if system_config.eip1559_denominator == 0 or system_config.eip1559_elasticity == 0:
        return config.eip1559_denominator_canyon, config.eip1559_elasticity
    return system_config.eip1559_denominator, system_config.eip1559_elasticity


def deposits_only(attributes: PayloadAttributes) -> PayloadAttributes:
    """Return attributes without their sequenced transactions: what replaces an invalid payload (Holocene)."""
    deposits = tuple(transaction for transaction in attributes.transactions if transaction[:1] == bytes([DEPOSIT]))
    return replace(attributes, transactions=deposits, no_tx_pool=True)


def _check_origin(origin: L1BlockRef, parent: L2BlockRef) -> bool:
    """Tell whether `origin` begins an epoch; raise `Reset` where it is neither the parent's nor the block after it."""
    if origin.id == parent.l1_origin:
        return False
    if origin.number == parent.l1_origin.number + 1 and origin.parent_hash == parent.l1_origin.hash:
        return True
    raise Reset(
        f"L1 block {origin.number} (0x{origin.hash.hex()}) is neither the parent's L1 origin {parent.l1_origin.number} "
        f"(0x{parent.l1_origin.hash.hex()}) nor the block after it"
    )


def _check_forks(config: RollupConfig, timestamp: int) -> None:
    if not config.forks.is_active(Fork.HOLOCENE, timestamp):
        raise Critical(f"L2 block at {timestamp} is before Holocene; only Holocene's derivation rules are known")
    for fork in (Fork.ISTHMUS, Fork.JOVIAN):
        if config.forks.is_active(fork, timestamp) and not config.forks.is_active(fork, timestamp - config.block_time):
            raise Critical(
                f"{fork.name.capitalize()} activates at {timestamp}, after genesis, but its upgrade transactions are "
                "not known; activate it at genesis"
            )
