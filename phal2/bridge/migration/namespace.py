"""The JSON-RPC namespace `migration`: where the migration stands, and what an account needs to claim."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from phal2.bridge.chain_access.contract_views import ContractCall
from phal2.bridge.migration.errors import InvalidAccount, MigrationError
from phal2.bridge.migration.ss58 import parse_account
from phal2.bridge.migration.status import is_claimed, read_claims
from phal2.bridge.migration.tree import MigrationTree


class TreeNotLoaded(MigrationError):
    """A question about leaves to a node that has no tree of claims."""

    def __init__(self) -> None:
        super().__init__(
            "this node has no tree of claims: start it with --migration-tree FILE, "
            "where FILE is what `phal2 migration tree` wrote"
        )


class MigrationNamespace:
    """The methods, over a tree of claims (None: none is loaded) and a function that calls contracts at L2's head."""

    def __init__(self, tree: MigrationTree | None, call: ContractCall) -> None:
        self._tree = tree
        self._call = call

    def methods(self) -> Mapping[str, Callable[..., Awaitable[dict[str, Any]]]]:
        """Return the methods by their JSON-RPC names."""
        return {"migration_status": self.status, "migration_getLeaf": self.get_leaf}

    async def status(self) -> dict[str, Any]:
        """Return {root, total, claimed, deadline, backing} of PHAClaims: data for the root, quantities for the rest.

        Amounts have 18 decimals, the deadline is in Unix seconds. Before the launch all are zero. `backing` is the PHA
        that lies in PHAClaims for what is not claimed. Raises ContractMissing.
        """
        claims = await read_claims(self._call)
        return {
            "root": _data(claims.root),
            "total": hex(claims.total),
            "claimed": hex(claims.claimed),
            "deadline": hex(claims.deadline),
            "backing": hex(claims.backing),
        }

    async def get_leaf(self, account: str) -> dict[str, Any]:
        """Return {accountId, free, staked, proof, claimed} of an account, given as 0x hex or SS58 address.

        `claimed` tells whether its claim was paid. Raises TreeNotLoaded, InvalidAccount, UnknownLeaf, ContractMissing.
        """
        if self._tree is None:
            raise TreeNotLoaded
        if not isinstance(account, str):
            raise InvalidAccount("expected an account id as 0x and 64 hex digits, or an SS58 address, as text")
        account_id = parse_account(account)
        leaf = self._tree.leaf(account_id)
        return {
            "accountId": _data(account_id),
            "free": hex(leaf.free),
            "staked": hex(leaf.staked),
            "proof": [_data(sibling) for sibling in self._tree.proof(account_id)],
            "claimed": await is_claimed(self._call, account_id),
        }


def _data(value: bytes) -> str:
    return f"0x{value.hex()}"
