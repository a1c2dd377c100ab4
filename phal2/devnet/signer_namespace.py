"""The methods with which a devnet signs for its accounts, as development chains have them."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from phal2.devnet.accounts import DevAccount
from phal2.devnet.development.chain import DevelopmentChain
from phal2.devnet.development.impersonation import impersonated_transaction
from phal2.devnet.signer import sign_digest, sign_message, signed_transaction
from phal2.devnet.typed_data import TypedDataDigest
from phal2.node.protocol.addresses import ZERO_ADDRESS, to_checksum_address
from phal2.node.protocol.transaction_codec import RecoveredTransaction, recovered
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import INVALID_PARAMS, SERVER_ERROR, RpcError
from phal2.node.rpc.formats.transaction import format_transaction
from phal2.node.rpc.hexadecimal import data
from phal2.node.rpc.parameter_types import Address, AnyValue, Data
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import ADDRESS, DATA, HASH, SIGNED_TRANSACTION, TRANSACTION, list_of
from phal2.node.rpc.transaction_filling import Request, TransactionFiller, TransactionRequest
from phal2.node.rpc.unsigned_transaction import TransactionFields


class SignerNamespace:
    """eth_accounts, and what signs with the keys of those accounts. Everybody knows the keys.

    With a chain under `development`, accounts that it impersonates send without a key.
    """

    def __init__(
        self,
        accounts: Sequence[DevAccount],
        chain: ChainService,
        registry: MethodRegistry,
        announce: Callable[[bytes], None],
        development: DevelopmentChain | None = None,
    ) -> None:
        """`registry` has the chain's methods: gas is estimated and transactions are sent as for any client.

        `announce` is told the hash of each transaction that comes to the pool without them, as it has no signature.
        """
        self._accounts = {account.address: account for account in accounts}
        self._chain = chain
        self._development = development
        self._registry = registry
        self._filler = TransactionFiller(chain, registry)
        self._announce = announce
        # Two transactions of one account that come at once must not be given the same nonce.
        self._locks: defaultdict[bytes, asyncio.Lock] = defaultdict(asyncio.Lock)

    def register(self) -> None:
        """Offer the methods, in the place of the node's own eth_accounts."""
        self._registry.add("eth_accounts", self.accounts, result=list_of(ADDRESS))
        self._registry.add("eth_sendTransaction", self.send_transaction, result=HASH)
        if self._development is not None:
            self._registry.add("eth_sendUnsignedTransaction", self.send_unsigned_transaction, result=HASH)
        self._registry.add("eth_signTransaction", self.sign_transaction, result=SIGNED_TRANSACTION)
        self._registry.add("eth_pendingTransactions", self.pending_transactions, result=list_of(TRANSACTION))
        self._registry.add("eth_sign", self.sign, result=DATA)
        for name in ("eth_signTypedData", "eth_signTypedData_v4"):
            self._registry.add(name, self.sign_typed_data, result=DATA)
        self._registry.add("personal_sign", self.personal_sign, result=DATA)

    def accounts(self) -> list[str]:
        """Return the addresses of the dev accounts, and then of those that are impersonated."""
        impersonated = () if self._development is None else self._development.impersonation.accounts
        return [data(address) for address in dict.fromkeys((*self._accounts, *impersonated))]

    async def send_transaction(self, transaction: Request) -> str:
        """Fill in what is missing, sign, admit to the pool, and return the hash."""
        sender = transaction.call.sender
        if sender is not None and (development := self._impersonating(sender)) is not None:
            return await self._send_without_key(transaction, sender, development)
        account = self._account(transaction.call.sender)
        async with self._locks[account.address]:
            signed = await self._signed(transaction, account)
            transaction_hash: str = await self._registry.call("eth_sendRawTransaction", signed.raw)
        return transaction_hash

    async def send_unsigned_transaction(self, transaction: Request) -> str:
        """Send a transaction as if its sender had signed it; return the hash."""
        sender = transaction.call.sender
        if sender is None:
            raise RpcError(INVALID_PARAMS, "missing value for required field 'from'")
        if self._development is None:
            raise LookupError("no chain is under development")
        self._development.require_state_edits()
        return await self._send_without_key(transaction, sender, self._development)

    async def sign_transaction(self, transaction: Request) -> dict[str, Any]:
        """Fill in what is missing and sign; return {raw, tx} without sending."""
        signed = await self._signed(transaction, self._account(transaction.call.sender))
        return {"raw": data(signed.raw), "tx": format_transaction(signed, None)}

    def pending_transactions(self) -> list[dict[str, Any]]:
        """Return the pool's transactions of the accounts that `accounts` names."""
        own = set(self.accounts())
        return [
            format_transaction(pending, None)
            for pending in self._chain.pending_transactions()
            if data(pending.sender) in own
        ]

    def sign(self, address: Address, message: Data) -> str:
        """Return the account's signature of a message, v being 27 or 28 (EIP-191)."""
        return data(sign_message(message, self._account(address).private_key))

    def sign_typed_data(self, address: Address, digest: TypedDataDigest) -> str:
        """Return the account's signature of typed data, v being 27 or 28 (EIP-712)."""
        return data(sign_digest(digest, self._account(address).private_key))

    def personal_sign(
        self,
        message: Data,
        address: Address,
        password: AnyValue | None = None,  # noqa: ARG002 - part of the method, but these accounts have none
    ) -> str:
        """Return the same as eth_sign, whose parameters come in the other order; any password will do."""
        return self.sign(address, message)

    async def _send_without_key(
        self, transaction: TransactionRequest, sender: bytes, development: DevelopmentChain
    ) -> str:
        async with self._locks[sender]:
            fields = await self._filled_in(transaction, sender)
            transaction_hash = await development.admit(impersonated_transaction(fields, sender))
        self._announce(transaction_hash)
        return data(transaction_hash)

    def _impersonating(self, sender: bytes) -> DevelopmentChain | None:
        """Return the chain where it impersonates an account whose key is not here."""
        development = self._development
        if development is None or sender in self._accounts or not development.impersonation.includes(sender):
            return None
        return development

    def _account(self, address: bytes | None) -> DevAccount:
        """Return the account of an address; where none is given, the first, as other development chains do."""
        asked_for = next(iter(self._accounts), ZERO_ADDRESS) if address is None else address
        account = self._accounts.get(asked_for)
        if account is None:
            raise RpcError(
                SERVER_ERROR,
                f"unknown account: the key of {to_checksum_address(asked_for)} is not here; eth_accounts lists the "
                "accounts that the devnet signs for; sign for others yourself and use eth_sendRawTransaction, or "
                "impersonate them (hardhat_impersonateAccount)",
            )
        return account

    async def _signed(self, request: TransactionRequest, account: DevAccount) -> RecoveredTransaction:
        fields = await self._filled_in(request, account.address)
        return recovered(signed_transaction(fields, account.private_key))

    async def _filled_in(self, request: TransactionRequest, sender: bytes) -> TransactionFields:
        if request.call.blob_versioned_hashes:
            raise RpcError(
                SERVER_ERROR,
                "signing blob transactions not supported: the node has no blobs for them; sign it yourself, and send "
                "it with its blobs by eth_sendRawTransaction",
            )
        return await self._filler.fill(request, sender)
