"""L1 and L2 with the bridge's contracts on both, and what the portal and derivation do between them."""

from dataclasses import dataclass

from contract_chain import GAS_LIMIT, Chain, Contract, Outcome
from l1_world import DEPLOYER, L1World
from l1_world import OWNER as L1_OWNER

from phal2.contracts import decode_event, encode_call, event_topic, load_artefact
from phal2.devnet.deployment import planned_l1_contracts
from phal2.node.protocol.addresses import alias_l1_address
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import (
    L2_CROSS_DOMAIN_MESSENGER,
    L2_STANDARD_BRIDGE,
    L2_TO_L1_MESSAGE_PASSER,
    OPTIMISM_MINTABLE_ERC20_FACTORY,
)

__all__ = ["DEPLOYER"]

ALICE = b"\xa1" * 20
BOB = b"\xb0" * 20
ETHER = 10**18
RICHES = 1_000_000 * ETHER

_PLANNED = planned_l1_contracts(DEPLOYER)
PORTAL = _PLANNED.optimism_portal
SYSTEM_CONFIG = _PLANNED.system_config
L1_MESSENGER = _PLANNED.l1_cross_domain_messenger
L1_BRIDGE = _PLANNED.l1_standard_bridge


@dataclass(frozen=True, slots=True)
class Deposit:
    """What derivation makes of a TransactionDeposited log."""

    sender: bytes
    to: bytes
    mint: int
    value: int
    gas: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What the portal finalises of a MessagePassed log."""

    sender: bytes
    target: bytes
    value: int
    gas: int
    data: bytes


class Layers:
    """Both chains; ALICE is rich on both."""

    def __init__(self) -> None:
        self.world = L1World.deployed()
        self.l1, self.l2 = self.world.chain, Chain()
        self.l2.time = self.l1.time
        for chain in (self.l1, self.l2):
            chain.state.set_balance(ALICE, RICHES)
        self.portal = self.world.portal
        self.l1_messenger = self.world.contract("L1CrossDomainMessenger")
        self.l1_bridge = self.world.contract("L1StandardBridge")
        self.l1_factory = self.world.contract("OptimismMintableERC20Factory")
        self.passer = self.l2.place_behind_proxy("L2ToL1MessagePasser", L2_TO_L1_MESSAGE_PASSER)
        self.l2_messenger = self.l2.place_behind_proxy("L2CrossDomainMessenger", L2_CROSS_DOMAIN_MESSENGER)
        self.l2_bridge = self.l2.place_behind_proxy("L2StandardBridge", L2_STANDARD_BRIDGE)
        self.l2_factory = self.l2.place_behind_proxy("OptimismMintableERC20Factory", OPTIMISM_MINTABLE_ERC20_FACTORY)
        self.l2_messenger.transact("initialize", L1_MESSENGER, sender=DEPLOYER)
        self.l2_bridge.transact("initialize", L1_BRIDGE, sender=DEPLOYER)
        self.l2_factory.transact("initialize", L2_STANDARD_BRIDGE, sender=DEPLOYER)

    def pause(self) -> None:
        self.world.system_config.transact("pause", sender=L1_OWNER)

    def unpause(self) -> None:
        self.world.system_config.transact("unpause", sender=L1_OWNER)

    def deposits(self, outcome: Outcome) -> list[Deposit]:
        """Return what an L1 transaction deposited."""
        deposits = []
        for address, topics, data in outcome.logs:
            if address != PORTAL or topics[0] != event_topic(self.portal.artefact, "TransactionDeposited"):
                continue
            event = decode_event(self.portal.artefact, topics, data).arguments
            packed = event["opaqueData"]
            mint, value = int.from_bytes(packed[:32], "big"), int.from_bytes(packed[32:64], "big")
            gas = int.from_bytes(packed[64:72], "big")
            deposits.append(Deposit(event["from"], event["to"], mint, value, gas, packed[73:]))
        return deposits

    def derive(self, deposit: Deposit) -> Outcome:
        """Execute a deposit on L2, with the gas that is left after what every transaction costs."""
        state = self.l2.state
        state.set_balance(deposit.sender, state.get_balance(deposit.sender) + deposit.mint)
        zeros = deposit.data.count(0)
        intrinsic = 21_000 + 4 * zeros + 16 * (len(deposit.data) - zeros)
        floor = 21_000 + 10 * zeros + 40 * (len(deposit.data) - zeros)
        assert deposit.gas >= floor
        gas = deposit.gas - intrinsic
        return self.l2.transact(deposit.to, deposit.data, sender=deposit.sender, value=deposit.value, gas=gas)

    def to_l2(self, outcome: Outcome) -> Outcome:
        """Execute the one deposit of an L1 transaction on L2."""
        (deposit,) = self.deposits(outcome)
        return self.derive(deposit)

    def withdrawals(self, outcome: Outcome) -> list[Withdrawal]:
        """Return the messages to L1 that an L2 transaction passed."""
        events = [event.arguments for event in self.passer.events(outcome) if event.name == "MessagePassed"]
        return [Withdrawal(*(e[name] for name in ("sender", "target", "value", "gasLimit", "data"))) for e in events]

    def finalise(self, withdrawal: Withdrawal, gas: int | None = None) -> Outcome:
        """Call a withdrawal's target on L1, as the portal does when it finalises: with at least the gas asked for."""
        state = self.l1.state
        code, balance = state.get_code(PORTAL), state.get_balance(PORTAL)
        state.set_balance(PORTAL, max(balance, withdrawal.value))
        # A portal that answers every call with the withdrawal's sender.
        state.set_code(PORTAL, b"\x73" + withdrawal.sender + bytes.fromhex("5f5260205ff3"))
        gas = withdrawal.gas if gas is None else gas
        outcome = self.l1.transact(withdrawal.target, withdrawal.data, sender=PORTAL, value=withdrawal.value, gas=gas)
        state.set_code(PORTAL, code)
        return outcome

    def to_l1(self, outcome: Outcome) -> Outcome:
        """Finalise the one withdrawal of an L2 transaction on L1."""
        (withdrawal,) = self.withdrawals(outcome)
        return self.finalise(withdrawal)

    def l2_token(self, l1_token: Contract) -> Contract:
        """Make the L2 token that stands for an L1 token."""
        outcome = self.l2_factory.transact(
            "createOptimismMintableERC20", l1_token.address, "Token on L2", "TKN", sender=ALICE
        )
        address = self.l2_factory.events(outcome)[0].arguments["localToken"]
        return Contract(self.l2, load_artefact("OptimismMintableERC20"), address)


def message_hash(nonce: int, sender: bytes, target: bytes, value: int, minimum_gas: int, message: bytes) -> bytes:
    """Return the version 1 hash of a message."""
    arguments = (nonce, sender, target, value, minimum_gas, message)
    return keccak256(encode_call(load_artefact("L2CrossDomainMessenger"), "relayMessage", arguments))


def from_l1(layers: Layers, data: bytes, *, value: int = 0, gas: int = GAS_LIMIT) -> Outcome:
    """Call the messenger on L2 as the messenger on L1 does."""
    deposit = Deposit(alias_l1_address(L1_MESSENGER), L2_CROSS_DOMAIN_MESSENGER, value, value, gas, data)
    return layers.derive(deposit)
