"""The message of a transaction under a tracer: what every engine has to tell of it, whatever becomes of it."""

from phal2.node.state.evm import Evm, Message, MessageResult, TransactionContext
from phal2.node.state.tracing import CALL, CREATE, FrameEnd, FrameStart, Tracer


class TracedEvm:
    """An engine for one message, which it runs between `enter` and `exit` of a tracer."""

    def __init__(self, evm: Evm, tracer: Tracer) -> None:
        self._evm = evm
        self._tracer = tracer

    def execute(self, message: Message, context: TransactionContext) -> MessageResult:
        """Run a message to its end."""
        target = message.to if message.to is not None else message.created_address
        if target is None:
            raise ValueError("a creation needs the address that it creates at")
        opcode = CREATE if message.to is None else CALL
        self._tracer.enter(FrameStart(0, opcode, message.sender, target, message.data, message.gas, message.value))
        result = self._evm.execute(message, context)
        self._tracer.exit(FrameEnd(result.output, message.gas - result.gas_left, result.error, result.reverted))
        return result
