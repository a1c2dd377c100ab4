"""A JavaScript or TypeScript module with viem's definitions of a devnet's two chains.

import { l1, l2 } from './phal2-chain.ts'
"""

import json
from pathlib import Path
from typing import Final

from phal2.bridge.whole_files import write_whole
from phal2.devnet.description import DevnetDescription
from phal2.node.protocol.addresses import to_checksum_address

ENDINGS: Final = (".js", ".mjs", ".ts", ".mts")

_BY_L1: Final = {
    "portal": "OptimismPortal",
    "disputeGameFactory": "DisputeGameFactory",
    "l1StandardBridge": "L1StandardBridge",
}
"""viem's names of the L1 contracts that an L2 chain's definition has, and whose addresses they are."""

_TEMPLATE: Final = """\
// The chains of a phal2 devnet for viem 2. Written by `phal2 devnet --write-viem-chain`.

import {{ defineChain }} from 'viem'
import {{ chainConfig }} from 'viem/op-stack'

const nativeCurrency = {{ name: 'Ether', symbol: 'ETH', decimals: 18 }}

export const l1 = defineChain({{
  id: {l1_id},
  name: 'phal2 devnet L1',
  nativeCurrency,
  rpcUrls: {{ default: {{ http: [{l1_rpc}] }} }},
  contracts: {{
    multicall3: {{ address: {multicall} }},
  }},
  testnet: true,
}})

export const l2 = defineChain({{
  ...chainConfig,
  id: {l2_id},
  name: 'phal2 devnet',
  nativeCurrency,
  rpcUrls: {{ default: {{ http: [{l2_rpc}], webSocket: [{l2_ws}] }} }},
  contracts: {{
    ...chainConfig.contracts,
    multicall3: {{ address: {l2_multicall} }},
{by_l1}
  }},
  sourceId: l1.id,
  testnet: true,
}})
"""


def viem_chain_module(description: DevnetDescription) -> str:
    """Return the module's text; it is JavaScript and TypeScript alike."""
    contracts = {name: json.dumps(to_checksum_address(address)) for name, address in description.l1_contracts.items()}
    by_l1 = "\n".join(
        f"    {name}: {{ [l1.id]: {{ address: {contracts[contract]} }} }}," for name, contract in _BY_L1.items()
    )
    return _TEMPLATE.format(
        l1_id=description.l1_chain_id,
        l1_rpc=json.dumps(description.l1_rpc_url),
        multicall=contracts["Multicall3"],
        l2_multicall=json.dumps(to_checksum_address(description.l2_contracts["Multicall3"])),
        l2_id=description.l2_chain_id,
        l2_rpc=json.dumps(description.l2_rpc_url),
        l2_ws=json.dumps(description.l2_websocket_url),
        by_l1=by_l1,
    )


def write_viem_chain(path: Path, description: DevnetDescription) -> None:
    """Write the module, as a whole or not at all. Raises `FileNotWritten`."""
    write_whole(path, viem_chain_module(description))
