"""Why a transaction may not be in a block, with the numbers, in geth's words where geth has them."""

from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.errors import InvalidTransaction


class WrongChainId(InvalidTransaction):
    """The transaction was signed for another chain."""

    def __init__(self, chain_id: int, expected: int) -> None:
        super().__init__(f"invalid chain id for signer: have {chain_id} want {expected}")
        self.chain_id = chain_id
        self.expected = expected


class TransactionTypeNotSupported(InvalidTransaction):
    """The block's fork does not have this type of transaction."""

    def __init__(self, transaction_type: int, supported: frozenset[int]) -> None:
        names = ", ".join(f"0x{known:02x}" for known in sorted(supported))
        super().__init__(f"transaction type not supported: 0x{transaction_type:02x}; this block may contain {names}")
        self.transaction_type = transaction_type


class NonceTooLow(InvalidTransaction):
    """The sender has used the nonce already."""

    def __init__(self, next_nonce: int, nonce: int) -> None:
        super().__init__(f"nonce too low: next nonce {next_nonce}, tx nonce {nonce}")
        self.next_nonce = next_nonce
        self.nonce = nonce


class NonceTooHigh(InvalidTransaction):
    """Transactions of the sender with lower nonces are missing."""

    def __init__(self, next_nonce: int, nonce: int) -> None:
        super().__init__(f"nonce too high: next nonce {next_nonce}, tx nonce {nonce}")
        self.next_nonce = next_nonce
        self.nonce = nonce


class NonceAtMaximum(InvalidTransaction):
    """The nonce is 2^64 - 1, after which there is none (EIP-2681)."""

    def __init__(self, nonce: int) -> None:
        super().__init__(f"nonce has max value: {nonce}")
        self.nonce = nonce


class SenderHasCode(InvalidTransaction):
    """The sender is a contract, which cannot sign (EIP-3607)."""

    def __init__(self, sender: bytes) -> None:
        super().__init__(f"sender not an eoa: address {to_checksum_address(sender)} has code")
        self.sender = sender


class TipAboveFeeCap(InvalidTransaction):
    """The priority fee is above the fee (EIP-1559)."""

    def __init__(self, max_priority_fee_per_gas: int, max_fee_per_gas: int) -> None:
        super().__init__(
            "max priority fee per gas higher than max fee per gas: "
            f"maxPriorityFeePerGas: {max_priority_fee_per_gas}, maxFeePerGas: {max_fee_per_gas}"
        )
        self.max_priority_fee_per_gas = max_priority_fee_per_gas
        self.max_fee_per_gas = max_fee_per_gas


class FeeCapBelowBaseFee(InvalidTransaction):
    """The transaction does not pay the base fee (EIP-1559)."""

    def __init__(self, sender: bytes, max_fee_per_gas: int, base_fee_per_gas: int) -> None:
        super().__init__(
            f"max fee per gas less than block base fee: address {to_checksum_address(sender)}, "
            f"maxFeePerGas: {max_fee_per_gas}, baseFee: {base_fee_per_gas}"
        )
        self.max_fee_per_gas = max_fee_per_gas
        self.base_fee_per_gas = base_fee_per_gas


class InitCodeTooLong(InvalidTransaction):
    """The init code of a creation is above the limit (EIP-3860)."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"max initcode size exceeded: code size {length}, limit {limit}")
        self.length = length
        self.limit = limit


class IntrinsicGasTooLow(InvalidTransaction):
    """The gas limit does not even cover what the transaction costs before it runs."""

    def __init__(self, gas_limit: int, needed: int) -> None:
        super().__init__(f"intrinsic gas too low: have {gas_limit}, want {needed}")
        self.gas_limit = gas_limit
        self.needed = needed


class FloorGasTooLow(InvalidTransaction):
    """The gas limit does not cover the least price of the transaction's data (EIP-7623)."""

    def __init__(self, gas_limit: int, needed: int) -> None:
        super().__init__(f"insufficient gas for floor data gas cost: have {gas_limit}, want {needed}")
        self.gas_limit = gas_limit
        self.needed = needed


class BlockGasExceeded(InvalidTransaction):
    """The block has not so much gas left. The transaction may be valid in another."""

    def __init__(self, gas_limit: int, remaining: int) -> None:
        super().__init__(f"gas limit reached: tx gas limit {gas_limit}, the block has {remaining} left")
        self.gas_limit = gas_limit
        self.remaining = remaining


class InsufficientFunds(InvalidTransaction):
    """The sender cannot pay for gas and fees at their highest, and the value. Amounts are in wei."""

    def __init__(self, sender: bytes, balance: int, cost: int) -> None:
        super().__init__(
            f"insufficient funds for gas * price + value: address {to_checksum_address(sender)} "
            f"have {balance} want {cost}"
        )
        self.sender = sender
        self.balance = balance
        self.cost = cost


class EmptyAuthorizationList(InvalidTransaction):
    """A set code transaction without authorizations (EIP-7702)."""

    def __init__(self, sender: bytes) -> None:
        super().__init__(f"EIP-7702 transaction with empty auth list (sender {to_checksum_address(sender)})")


class BlobHashesMissing(InvalidTransaction):
    """A blob transaction without blobs (EIP-4844)."""

    def __init__(self) -> None:
        super().__init__("blob transaction missing blob hashes")


class BlobHashVersionWrong(InvalidTransaction):
    """A blob hash whose version is not known (EIP-4844)."""

    def __init__(self, index: int, version: int) -> None:
        super().__init__(f"blob {index} has invalid hash version: {version}, expected 1")
        self.index = index
        self.version = version


class BlobFeeCapTooLow(InvalidTransaction):
    """The transaction does not pay the blob base fee (EIP-4844)."""

    def __init__(self, max_fee_per_blob_gas: int, blob_base_fee: int) -> None:
        super().__init__(
            "max fee per blob gas less than block blob gas fee: "
            f"maxFeePerBlobGas: {max_fee_per_blob_gas}, blobBaseFee: {blob_base_fee}"
        )
        self.max_fee_per_blob_gas = max_fee_per_blob_gas
        self.blob_base_fee = blob_base_fee


class BlobGasExceeded(InvalidTransaction):
    """The block has no room for so many blobs (EIP-4844, EIP-7691)."""

    def __init__(self, blobs: int, remaining: int) -> None:
        super().__init__(f"blob gas limit reached: transaction has {blobs} blobs, the block has room for {remaining}")
        self.blobs = blobs
        self.remaining = remaining


class SystemTransactionNotSupported(InvalidTransaction):
    """A deposit that is marked as a system transaction, which Regolith ended."""

    def __init__(self) -> None:
        super().__init__("system tx not supported: isSystemTx must be false since Regolith")


class InsufficientFundsForTransfer(InvalidTransaction):
    """A deposit moves more value than its sender has."""

    def __init__(self, sender: bytes, balance: int, value: int) -> None:
        super().__init__(
            f"insufficient funds for transfer: address {to_checksum_address(sender)} have {balance} want {value}"
        )
        self.balance = balance
        self.value = value
