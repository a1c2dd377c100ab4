"""Messages as py-evm's opcodes read them. py-evm's own class checks anew what the engine and its opcodes have made."""

from eth.constants import CREATE_CONTRACT_ADDRESS


class EngineMessage:
    """A call or a creation. `create_address` and `code_address` are None where they are the recipient's."""

    __slots__ = (
        "code",
        "code_address",
        "create_address",
        "data",
        "depth",
        "gas",
        "is_create",
        "is_delegation",
        "is_static",
        "refund",
        "sender",
        "should_transfer_value",
        "storage_address",
        "to",
        "value",
    )

    def __init__(
        self,
        gas: int,
        to: bytes,
        sender: bytes,
        value: int,
        data: bytes | memoryview,
        code: bytes,
        depth: int = 0,
        create_address: bytes | None = None,
        code_address: bytes | None = None,
        should_transfer_value: bool = True,
        is_static: bool = False,
        is_delegation: bool = False,
    ) -> None:
        """`to` is empty for a creation."""
        self.gas = gas
        self.to = to
        self.sender = sender
        self.value = value
        self.data = bytes(data)
        self.code = code
        self.depth = depth
        self.create_address = create_address
        self.storage_address = to if create_address is None else create_address
        self.code_address = to if code_address is None else code_address
        self.should_transfer_value = should_transfer_value
        self.is_static = is_static
        self.is_delegation = is_delegation
        self.is_create = to == CREATE_CONTRACT_ADDRESS
        self.refund = 0

    @property
    def data_as_bytes(self) -> bytes:
        """The data."""
        return self.data
