"""Who pays what: gas is bought for the whole limit, and the unused goes back (EIP-1559; OP Stack "Fees")."""

from phal2.node.protocol.fees import operator_fee
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.predeploys import BASE_FEE_VAULT, L1_FEE_VAULT, OPERATOR_FEE_VAULT
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.validation import Charges


def buy_gas(scope: BlockScope, sender: bytes, gas_limit: int, charges: Charges) -> None:
    """Take from the sender what the transaction may cost at most at the block's prices; blob gas is burned."""
    cost = gas_limit * charges.effective_gas_price + charges.l1_fee + charges.operator_fee + charges.blob_fee
    scope.world.add_balance(sender, -cost)


def return_unused_gas(scope: BlockScope, sender: bytes, gas_limit: int, gas_used: int, charges: Charges) -> None:
    """Give back what unused gas cost, the operator's fee on it included."""
    unused = (gas_limit - gas_used) * charges.effective_gas_price
    fork = scope.rules.l2_fork
    if fork is not None and charges.operator_fee:
        unused += charges.operator_fee - operator_fee(gas_used, scope.l1_fee_parameters(fork), fork)
    if unused:
        scope.world.add_balance(sender, unused)


def pay_fees(scope: BlockScope, gas_used: int, charges: Charges) -> None:
    """Pay the tip to the coinbase. On L2 the other fees go to their vaults; on L1 the base fee is burned."""
    world = scope.world
    world.add_balance(scope.environment.coinbase, gas_used * charges.priority_fee_per_gas)
    fork = scope.rules.l2_fork
    if fork is None:
        return
    world.add_balance(BASE_FEE_VAULT, gas_used * scope.environment.base_fee_per_gas)
    world.add_balance(L1_FEE_VAULT, charges.l1_fee)
    if fork >= Fork.ISTHMUS:
        world.add_balance(OPERATOR_FEE_VAULT, operator_fee(gas_used, scope.l1_fee_parameters(fork), fork))
