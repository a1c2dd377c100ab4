"""The proposer that a devnet has of its own."""

from collections.abc import Callable
from typing import Any

from chain_actions import contract_at, send
from eth_account.signers.local import LocalAccount
from web3 import Web3

from phal2.devnet.process import DevnetProcess
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER

Until = Callable[[Callable[[], Any]], Any]
MESSAGE_PASSER = Web3.to_checksum_address(L2_TO_L1_MESSAGE_PASSER)


def test_a_withdrawal_has_its_game_at_once_and_again_after_a_revert(
    restored_devnet: DevnetProcess, web3: Web3, l1_web3: Web3, funded: Callable[[], LocalAccount], until: Until
) -> None:
    factory = contract_at(l1_web3, "DisputeGameFactory", restored_devnet.l1.contracts["DisputeGameFactory"])

    def later_game(block: int) -> Any:
        count = factory.functions.gameCount().call()
        games = factory.functions.findLatestGames(84, max(count - 1, 0), 5).call()
        return next((game for game in games if int.from_bytes(game[4][:32], "big") > block), None)

    def withdraw_and_await_game() -> int:
        block = int(send(web3, account, to=MESSAGE_PASSER, value=1)["blockNumber"])
        game = until(lambda: later_game(block))
        output = restored_devnet.follower.request("optimism_outputAtBlock", hex(int.from_bytes(game[4][:32], "big")))
        assert output["outputRoot"] == "0x" + game[3].hex()
        return block

    account = funded()
    before = restored_devnet.snapshot()
    block = withdraw_and_await_game()
    # While no block comes there can be no other game of such a block.
    with restored_devnet.stop_sequencer():
        restored_devnet.revert(before)
        assert later_game(block) is None
    withdraw_and_await_game()
