"""What a running devnet tells its users: endpoints, accounts, contracts, the simulated TEE's root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from phal2 import __version__
from phal2.devnet.accounts import DevAccount
from phal2.devnet.settings import DevnetSettings, format_ether
from phal2.node.protocol.addresses import to_checksum_address


@dataclass(frozen=True, slots=True)
class DevnetDescription:
    """All of it. URLs have the ports that are really in use; contracts are addresses by name."""

    l1_rpc_url: str
    l1_chain_id: int
    l1_contracts: Mapping[str, bytes]
    l2_rpc_url: str
    l2_chain_id: int
    l2_contracts: Mapping[str, bytes]
    follower_rpc_url: str
    accounts: Sequence[DevAccount]
    tee_root_der: bytes

    @property
    def l2_websocket_url(self) -> str:
        """The sequencer's endpoint by WebSocket, which is on the same port."""
        return "ws" + self.l2_rpc_url.removeprefix("http")

    def to_json(self) -> dict[str, object]:
        """Return the object that `phal2 devnet --json` prints (docs/testing.md)."""
        return {
            "l1": {
                "rpc": self.l1_rpc_url,
                "chainId": self.l1_chain_id,
                "contracts": _checksummed(self.l1_contracts),
            },
            "l2": {
                "rpc": self.l2_rpc_url,
                "ws": self.l2_websocket_url,
                "chainId": self.l2_chain_id,
                "contracts": _checksummed(self.l2_contracts),
            },
            "follower": {"rpc": self.follower_rpc_url},
            "accounts": [
                {"address": account.checksum_address, "privateKey": "0x" + account.private_key.hex()}
                for account in self.accounts
            ],
            "tee": {"rootCa": self.tee_root_der.hex(), "simulated": True},
        }

    def to_text(self, settings: DevnetSettings) -> str:
        """Return what a person reads after the start."""
        lines = [f"phal2 {__version__} devnet", "", "Available accounts", "=================="]
        ether = format_ether(settings.balance)
        lines += [f"({n}) {account.checksum_address} ({ether} ETH)" for n, account in enumerate(self.accounts)]
        lines += ["", "Private keys", "============"]
        lines += [f"({n}) 0x{account.private_key.hex()}" for n, account in enumerate(self.accounts)]
        lines += ["", "Mnemonic", "========", settings.mnemonic]
        for title, contracts in (("L1 contracts", self.l1_contracts), ("L2 contracts", self.l2_contracts)):
            lines += ["", title, "=" * len(title)]
            width = max(len(name) for name in contracts)
            lines += [f"{name:<{width}}  {address}" for name, address in _checksummed(contracts).items()]
        pace = "" if settings.is_on_external_l1 else f", {settings.l1_block_time} s blocks"
        lines += [
            "",
            "Simulated TEE",
            "=============",
            "Quotes of the TEE simulator (phal2 tee quote) are accepted and marked simulated; its root key is public.",
            "",
            "Endpoints",
            "=========",
            f"L1        {self.l1_rpc_url}  chain id {self.l1_chain_id}" + pace,
            f"L2        {self.l2_rpc_url}  chain id {self.l2_chain_id}, {settings.l2_block_time} s blocks, "
            f"{self.l2_websocket_url}",
            f"follower  {self.follower_rpc_url}  derives L2 from L1 alone",
            "",
            "Ctrl-C stops the devnet.",
        ]
        return "\n".join(lines)


def _checksummed(contracts: Mapping[str, bytes]) -> dict[str, str]:
    return {name: to_checksum_address(address) for name, address in contracts.items()}
