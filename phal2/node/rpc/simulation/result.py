"""The answer of eth_simulateV1: blocks as eth_getBlockByNumber shows them, each with what its calls gave."""

from typing import Any

from phal2.node.rpc.formats.block import format_block
from phal2.node.rpc.formats.log import format_log
from phal2.node.rpc.formats.transaction import Inclusion, format_transaction
from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.rpc.revert_reason import revert_error
from phal2.node.rpc.simulation.errors import EXECUTION_FAILED
from phal2.node.rpc.simulation.execution import SimulatedBlock, SimulatedCall
from phal2.node.state.evm import MessageResult


def format_simulated_block(simulated: SimulatedBlock, full: bool) -> dict[str, Any]:
    """Return a block's object with its transactions or, unless `full`, their hashes, and its calls' results."""
    block = simulated.block
    transactions: list[Any] = (
        [_transaction(simulated, index) for index in range(len(simulated.calls))]
        if full
        else [data(call.transaction.hash) for call in simulated.calls]
    )
    fields = format_block(block, transactions)
    fields["calls"] = [_call(simulated, call, index) for index, call in enumerate(simulated.calls)]
    return fields


def _transaction(simulated: SimulatedBlock, index: int) -> dict[str, Any]:
    header = simulated.block.header
    inclusion = Inclusion(
        block_hash=simulated.block.hash,
        block_number=header.number,
        timestamp=header.timestamp,
        index=index,
        base_fee_per_gas=header.base_fee_per_gas,
    )
    return format_transaction(simulated.calls[index].transaction, inclusion)


def _call(simulated: SimulatedBlock, call: SimulatedCall, index: int) -> dict[str, Any]:
    block, outcome = simulated.block, call.outcome
    fields: dict[str, Any] = {
        "returnData": "0x" if outcome.result.error is not None else data(outcome.result.output),
        "logs": [
            format_log(
                log,
                block.hash,
                block.header.number,
                block.header.timestamp,
                call.transaction.hash,
                index,
                log_index,
            )
            for log_index, log in call.logs
        ],
        "gasUsed": quantity(outcome.gas_used),
        "maxUsedGas": quantity(outcome.maximum_gas_used),
        "status": quantity(1 if outcome.result.error is None else 0),
    }
    if outcome.result.error is not None:
        fields["error"] = _error(outcome.result)
    return fields


def _error(result: MessageResult) -> dict[str, Any]:
    if not result.reverted:
        return {"code": EXECUTION_FAILED, "message": result.error}
    error = revert_error(result.output)
    return {"code": error.code, "message": error.message, "data": error.data}
