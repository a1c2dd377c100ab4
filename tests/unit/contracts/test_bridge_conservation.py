"""Whatever is sent, delivered late, in another order, twice or in vain: nothing is minted that does not lie locked."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bridge_layers import ALICE, BOB, L1_BRIDGE, PORTAL, RICHES, Deposit, Layers, Withdrawal
from contract_chain import Contract, Outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER

GAS = 150_000
REVERT = bytes.fromhex("5f5ffd")


@dataclass
class Traffic:
    """What is under way between the layers, and what has arrived once and may be tried again."""

    layers: Layers
    token: Contract
    mirror: Contract
    locked_before: int
    deposits: list[Deposit] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)
    delivered: list[Deposit] = field(default_factory=list)

    @classmethod
    def begin(cls) -> "Traffic":
        layers = Layers()
        token = layers.l1.deploy("PHAToken", ALICE, sender=BOB)
        token.transact("approve", L1_BRIDGE, 2**256 - 1, sender=ALICE)
        return cls(layers, token, layers.l2_token(token), layers.l1.state.get_balance(PORTAL))

    def send_tokens_to_l2(self, amount: int) -> None:
        arguments = (self.token.address, self.mirror.address, BOB, amount, GAS, b"")
        self._sent_to_l2(self.layers.l1_bridge.transact("bridgeERC20To", *arguments, sender=ALICE))

    def send_ether_to_l2(self, amount: int) -> None:
        arguments = (BOB, GAS, b"")
        self._sent_to_l2(self.layers.l1_bridge.transact("bridgeETHTo", *arguments, sender=ALICE, value=amount))

    def send_tokens_to_l1(self, amount: int) -> None:
        call = self.layers.l2_bridge.data("withdrawTo", self.mirror.address, ALICE, amount, GAS, b"")
        self._sent_to_l1(self.layers.l2.transact(self.layers.l2_bridge.address, call, sender=BOB))

    def send_ether_to_l1(self, amount: int) -> None:
        amount = min(amount, self.layers.l2.state.get_balance(BOB))
        call = self.layers.l2_bridge.data("bridgeETHTo", ALICE, GAS, b"")
        self._sent_to_l1(self.layers.l2.transact(self.layers.l2_bridge.address, call, sender=BOB, value=amount))

    def deliver_to_l2(self, choice: int) -> None:
        if self.deposits:
            deposit = self.deposits.pop(choice % len(self.deposits))
            assert self.layers.derive(deposit).succeeded
            self.delivered.append(deposit)

    def deliver_in_vain(self, choice: int) -> None:
        self.layers.l2.state.set_code(BOB, REVERT)
        self.deliver_to_l2(choice)
        self.layers.l2.state.set_code(BOB, b"")

    def try_again(self, choice: int) -> None:
        """Have anybody repeat a message, whether it failed or was delivered."""
        if self.delivered:
            deposit = self.delivered[choice % len(self.delivered)]
            self.layers.l2.transact(deposit.to, deposit.data, sender=BOB)

    def deliver_to_l1(self, choice: int) -> None:
        if self.withdrawals:
            self.layers.finalise(self.withdrawals.pop(choice % len(self.withdrawals)))

    def check(self) -> None:
        in_flight_to_l2 = sum(deposit.mint for deposit in self.deposits)
        supply = self.mirror.read("totalSupply")
        locked = self.layers.l1_bridge.read("deposits", self.token.address, self.mirror.address)
        assert self.token.read("balanceOf", L1_BRIDGE) == locked >= supply
        ether_on_l1 = self.layers.l1.state.get_balance(PORTAL) - self.locked_before
        on_l2 = sum(self.layers.l2.state.get_balance(account) for account in self._holders()) - RICHES
        withdrawn = self.layers.l2.state.get_balance(L2_TO_L1_MESSAGE_PASSER)
        assert ether_on_l1 >= on_l2 - withdrawn + in_flight_to_l2

    def settle(self) -> None:
        """Deliver all that is under way; then what lies locked is what there is on L2, to the last unit."""
        while self.deposits:
            self.deliver_to_l2(0)
        while self.withdrawals:
            self.deliver_to_l1(0)
        for choice in range(len(self.delivered)):
            self.try_again(choice)
        assert self.mirror.read("totalSupply") == self.token.read("balanceOf", L1_BRIDGE)
        assert self.layers.l2.state.get_balance(self.layers.l2_messenger.address) == 0

    def _holders(self) -> tuple[bytes, ...]:
        return ALICE, BOB, self.layers.l2_messenger.address, self.layers.l2_bridge.address, L2_TO_L1_MESSAGE_PASSER

    def _sent_to_l2(self, outcome: Outcome) -> None:
        self.deposits += self.layers.deposits(outcome)

    def _sent_to_l1(self, outcome: Outcome) -> None:
        if outcome.succeeded:
            self.withdrawals += self.layers.withdrawals(outcome)


ACTIONS: list[Callable[[Traffic, int], None]] = [
    Traffic.send_tokens_to_l2,
    Traffic.send_ether_to_l2,
    Traffic.send_tokens_to_l1,
    Traffic.send_ether_to_l1,
    Traffic.deliver_to_l2,
    Traffic.deliver_to_l2,
    Traffic.deliver_in_vain,
    Traffic.try_again,
    Traffic.deliver_to_l1,
]


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 50)), max_size=20))
@settings(max_examples=15)
def test_what_is_on_l2_lies_locked_on_l1(actions: list[tuple[Callable[[Traffic, int], None], int]]) -> None:
    traffic = Traffic.begin()
    for action, number in actions:
        action(traffic, number)
        traffic.check()
    traffic.settle()
    traffic.check()
