"""What every part of a starting devnet stands on."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from phal2.devnet.accounts import DevAccount, Roles
from phal2.devnet.settings import ETHER, DevnetSettings
from phal2.node.driver.clock import Clock
from phal2.node.l1.kzg import KzgWorker
from phal2.node.protocol.addresses import ZERO_ADDRESS

ROLE_BALANCE: Final = 1_000_000 * ETHER
"""Balance of a role's account (batcher, deployer, …) on an L1 that was made for this devnet."""

DEPLOYER: Final = "deployer"
TREASURY: Final = "treasury"
PROPOSER: Final = "proposer"
BATCHER: Final = "batcher"
QUOTE_APPROVER: Final = "quote approver"
"""Owns the quote verifier. It is no dev account, whose nonces are for the user alone."""

SENDING_ROLES: Final = (BATCHER, PROPOSER, QUOTE_APPROVER)
"""The roles that send transactions on L1 as long as the devnet runs."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ground:
    """Settings, directory, accounts and clock of a devnet; `parts` collects how to end what has begun.

    `kzg` is for all parts that meet blobs: it loads the trusted setup, once, with the first blob.
    """

    settings: DevnetSettings
    data_dir: Path
    accounts: Sequence[DevAccount]
    clock: Clock
    progress: Progress
    parts: AsyncExitStack
    kzg: KzgWorker
    roles: Roles = field(default_factory=Roles)
    l1_payer: bytes | None = None
    """Who pays on an L1 that was not made for this devnet."""

    @property
    def balances(self) -> dict[bytes, int]:
        """The balances in wei with which accounts begin, by address: of the dev accounts, and of address zero.

        Clients such as viem estimate gas for a value without saying whose; on public chains address zero has ETH, too.
        """
        addresses = (ZERO_ADDRESS, *(account.address for account in self.accounts))
        return dict.fromkeys(addresses, self.settings.balance)

    @property
    def owner(self) -> bytes:
        """The first account owns what has an owner on L2, and on L1 unless somebody pays there."""
        return self.accounts[0].address

    @property
    def l2_ether(self) -> int:
        """The wei that L2 begins with. The portal holds them on an L1 made for the devnet, so they can be withdrawn."""
        return sum(self.balances.values())

    @property
    def l1_owner(self) -> bytes:
        """Who owns what has an owner on L1."""
        return self.owner if self.l1_payer is None else self.l1_payer

    @property
    def is_durable(self) -> bool:
        """Whether the chains are to outlive the process."""
        return self.settings.data_dir is not None
