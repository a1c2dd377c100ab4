"""The fee parameters of an L2 block, read from the storage of its L1Block predeploy."""

from dataclasses import replace
from typing import Final

from phal2.node.protocol.fees import L1FeeParameters
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.predeploys import L1_BLOCK
from phal2.node.state.world_state import WorldState

BASE_FEE_SLOT: Final = 1
SCALARS_SLOT: Final = 3
OVERHEAD_SLOT: Final = 5
SCALAR_SLOT: Final = 6
BLOB_BASE_FEE_SLOT: Final = 7
OPERATOR_FEE_SLOT: Final = 8

_UINT32: Final = (1 << 32) - 1
_UINT64: Final = (1 << 64) - 1


def read_l1_fee_parameters(world: WorldState, fork: Fork) -> L1FeeParameters:
    """Return the parameters that `fork` knows, as L1Block holds them (OP Stack "L1 Attributes Predeployed Contract").

    Nothing else is read, as a witness need not hold it; no slot is warmed.
    """
    l1_base_fee = world.storage(L1_BLOCK, BASE_FEE_SLOT)
    if fork < Fork.ECOTONE:
        return _with_bedrock_scalars(world, L1FeeParameters(l1_base_fee))
    scalars = world.storage(L1_BLOCK, SCALARS_SLOT)
    operator_fee = world.storage(L1_BLOCK, OPERATOR_FEE_SLOT) if fork >= Fork.ISTHMUS else 0
    parameters = L1FeeParameters(
        l1_base_fee=l1_base_fee,
        blob_base_fee=world.storage(L1_BLOCK, BLOB_BASE_FEE_SLOT),
        base_fee_scalar=scalars >> 96 & _UINT32,
        blob_base_fee_scalar=scalars >> 64 & _UINT32,
        operator_fee_constant=operator_fee & _UINT64,
        operator_fee_scalar=operator_fee >> 64 & _UINT32,
    )
    if parameters.blob_base_fee or parameters.base_fee_scalar or parameters.blob_base_fee_scalar:
        return parameters
    # The block that activates Ecotone pays by Bedrock's scalars, as Ecotone's are not set yet.
    return _with_bedrock_scalars(world, parameters)


def _with_bedrock_scalars(world: WorldState, parameters: L1FeeParameters) -> L1FeeParameters:
    return replace(
        parameters, overhead=world.storage(L1_BLOCK, OVERHEAD_SLOT), scalar=world.storage(L1_BLOCK, SCALAR_SLOT)
    )
