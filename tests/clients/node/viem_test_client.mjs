// Every action of viem's test client on one chain, in the mode that is given on stdin as JSON.
// Prints one JSON object: what each action gave and what was seen of it; integers are decimal strings.

import { text } from 'node:stream/consumers'
import {
  BaseError,
  createTestClient,
  defineChain,
  http,
  numberToHex,
  parseEther,
  publicActions,
  walletActions,
} from 'viem'

const given = JSON.parse(await text(process.stdin))
const chain = defineChain({
  id: given.chainId,
  name: 'phal2',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [given.url] } },
})
const client = createTestClient({ chain, mode: given.mode, transport: http(), cacheTime: 0, pollingInterval: 50 })
  .extend(publicActions)
  .extend(walletActions)

const results = {}

// Keeps what an attempt gave, or the error's words.
async function record(name, attempt) {
  try {
    results[name] = (await attempt()) ?? 'done'
  } catch (error) {
    if (!(error instanceof BaseError)) throw error
    results[name] = { refused: error.details }
  }
}

const stranger = '0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a'
const nobody = '0x6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b'
const receiver = '0x0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e'
const transfer = { account: given.account, to: receiver, value: 1n }
const timestamp = async () => (await client.getBlock()).timestamp
const mined = async () => {
  const before = await client.getBlock()
  await client.mine({ blocks: 1 })
  return { before, after: await client.getBlock() }
}

await record('snapshot', () => client.snapshot())

// Accounts and state.
await record('setBalance', async () => {
  await client.setBalance({ address: stranger, value: parseEther('3') })
  return client.getBalance({ address: stranger })
})
await record('setNonce', async () => {
  await client.setNonce({ address: stranger, nonce: 5 })
  return client.getTransactionCount({ address: stranger })
})
await record('setCode', async () => {
  await client.setCode({ address: nobody, bytecode: '0x5f545f5260205ff3' })
  return client.getCode({ address: nobody })
})
await record('setStorageAt', async () => {
  await client.setStorageAt({ address: nobody, index: 0, value: numberToHex(42, { size: 32 }) })
  return (await client.call({ to: nobody })).data
})
await record('dumpState', async () => {
  const state = await client.dumpState()
  await client.setBalance({ address: stranger, value: 1n })
  await client.loadState({ state })
  return client.getBalance({ address: stranger })
})
await record('impersonateAccount', async () => {
  await client.impersonateAccount({ address: stranger })
  const hash = await client.sendTransaction({ account: stranger, to: receiver, value: 7n })
  await client.mine({ blocks: 1 })
  return (await client.getTransactionReceipt({ hash })).from
})
await record('stopImpersonatingAccount', async () => {
  await client.stopImpersonatingAccount({ address: stranger })
  return client.sendTransaction({ account: stranger, to: receiver, value: 7n })
})
await record('sendUnsignedTransaction', async () => {
  const hash = await client.sendUnsignedTransaction({ from: stranger, to: receiver, value: 9n })
  await client.mine({ blocks: 1 })
  return (await client.getTransactionReceipt({ hash })).status
})

// The pool, in which the batcher may have transactions of its own.
await record('pool', async () => {
  const own = async () => Object.keys((await client.getTxpoolContent()).pending).includes(given.account)
  const hash = await client.sendTransaction(transfer)
  const inspected = Object.keys((await client.inspectTxpool()).pending).includes(given.account)
  const isCounted = (await client.getTxpoolStatus()).pending > 0
  const before = await own()
  await client.dropTransaction({ hash })
  return { isCounted, inspected, before, after: await own() }
})

// Blocks and time.
await record('mine', async () => {
  const number = await client.getBlockNumber()
  await client.mine({ blocks: 3 })
  return (await client.getBlockNumber()) - number
})
await record('mineApart', async () => {
  const before = await timestamp()
  await client.mine({ blocks: 2, interval: given.interval })
  return (await timestamp()) - before
})
await record('increaseTime', async () => {
  const before = await timestamp()
  await client.increaseTime({ seconds: given.interval })
  await client.mine({ blocks: 1 })
  return (await timestamp()) - before >= BigInt(given.interval)
})
await record('setNextBlockTimestamp', async () => {
  const { number, timestamp } = await client.getBlock()
  const wanted = timestamp + BigInt(given.interval)
  await client.setNextBlockTimestamp({ timestamp: wanted })
  await client.mine({ blocks: 1 })
  return (await client.getBlock({ blockNumber: number + 1n })).timestamp === wanted
})
await record('setBlockTimestampInterval', async () => {
  await client.setBlockTimestampInterval({ interval: given.interval })
  const { before, after } = await mined()
  return after.timestamp - before.timestamp
})
await record('removeBlockTimestampInterval', () => client.removeBlockTimestampInterval())
await record('setIntervalMining', async () => {
  await client.setIntervalMining({ interval: 0 })
  await client.setIntervalMining({ interval: given.interval })
})
await record('setAutomine', async () => {
  await client.setAutomine(true)
  const isOn = await client.getAutomine()
  const hash = await client.sendTransaction(transfer)
  const { status } = await client.waitForTransactionReceipt({ hash })
  await client.setAutomine(false)
  return { isOn, status, isOff: !(await client.getAutomine()) }
})

// The next block's header.
await record('setCoinbase', async () => {
  await client.setCoinbase({ address: receiver })
  return (await mined()).after.miner
})
await record('setBlockGasLimit', async () => {
  await client.setBlockGasLimit({ gasLimit: 29_999_999n })
  return (await mined()).after.gasLimit
})
await record('setNextBlockBaseFeePerGas', async () => {
  await client.setNextBlockBaseFeePerGas({ baseFeePerGas: 7_000_000_000n })
  return (await mined()).after.baseFeePerGas
})
await record('setLoggingEnabled', () => client.setLoggingEnabled(true))
await record('setMinGasPrice', () => client.setMinGasPrice({ gasPrice: 1n }))
await record('setRpcUrl', () => client.setRpcUrl('http://127.0.0.1:1'))

// The way back.
await record('revert', async () => {
  await client.revert({ id: results.snapshot })
  return client.getBalance({ address: stranger })
})
await record('reset', async () => {
  await client.setBalance({ address: stranger, value: 5n })
  await client.mine({ blocks: 1 })
  await client.reset()
  return client.getBalance({ address: stranger })
})

console.log(JSON.stringify(results, (_, value) => (typeof value === 'bigint' ? value.toString() : value)))
