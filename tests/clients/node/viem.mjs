// What an application does with viem, on a chain whose endpoints, accounts and contract come as JSON on stdin.
// Prints one JSON object; integers are decimal strings.

import { text } from 'node:stream/consumers'
import {
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  decodeFunctionResult,
  defineChain,
  encodeFunctionData,
  http,
  parseEther,
  parseGwei,
  webSocket,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { chainConfig, publicActionsL1, walletActionsL1, publicActionsL2, getL2TransactionHashes } from 'viem/op-stack'

const given = JSON.parse(await text(process.stdin))
const { abi, bytecode } = given.contract

const l1Chain = defineChain({
  id: given.l1.chainId,
  name: 'phal2 L1',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [given.l1.url] } },
})
const chain = defineChain({
  ...chainConfig,
  id: given.l2.chainId,
  name: 'phal2',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [given.l2.url] } },
  contracts: { ...chainConfig.contracts, portal: { [l1Chain.id]: { address: given.l1.portal } } },
  sourceId: l1Chain.id,
})
const options = { chain, pollingInterval: 50, cacheTime: 0 }
const client = createPublicClient({ ...options, transport: http() }).extend(publicActionsL2())
const batching = createPublicClient({ ...options, transport: http(undefined, { batch: true }) })
const listener = createPublicClient({ ...options, transport: webSocket(given.l2.url.replace('http', 'ws')) })
const account = privateKeyToAccount(given.privateKey)
const wallet = createWalletClient({ ...options, account, transport: http() })
const unlocked = createWalletClient({ ...options, account: given.unlocked, transport: http() })

const results = {}

async function included(hash, on = client) {
  await on.request({ method: 'evm_mine' })
  return on.waitForTransactionReceipt({ hash })
}

async function failure(attempt) {
  try {
    await attempt()
  } catch (error) {
    if (!(error instanceof BaseError)) throw error
    const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError)
    return { name: reverted?.data?.errorName, args: reverted?.data?.args, reason: reverted?.reason, text: error.shortMessage }
  }
  throw new Error('it should have failed')
}

async function eventually(condition) {
  for (let attempt = 0; attempt < 1200 && !condition(); attempt += 1) await new Promise((done) => setTimeout(done, 50))
}

// Accounts and chain.
const [chainId, balance, blockNumber] = await Promise.all([
  batching.getChainId(),
  batching.getBalance({ address: account.address }),
  batching.getBlockNumber(),
])
results.chain = { chainId, balance, blockNumber, accounts: await unlocked.getAddresses() }

// Deployment, a call that writes, and calls that read.
const deployment = await included(await wallet.deployContract({ abi, bytecode }))
const address = deployment.contractAddress
const contract = { address, abi }
results.deployment = { status: deployment.status, address, code: await client.getCode({ address }) }

// Events come by subscription.
const heard = { events: [], heads: [], pending: [] }
const endings = [
  listener.watchContractEvent({ ...contract, eventName: 'Written', onLogs: (logs) => heard.events.push(...logs) }),
  listener.watchBlocks({ onBlock: (block) => heard.heads.push(block.number) }),
  listener.watchPendingTransactions({ onTransactions: (hashes) => heard.pending.push(...hashes) }),
]
const filter = await client.createContractEventFilter({ ...contract, eventName: 'Written', args: { number: 0n } })
// A subscription takes a round trip; requests on the same socket are answered in order.
await listener.getBlockNumber()
await listener.getBlockNumber()

const { request, result: number } = await client.simulateContract({
  ...contract,
  account,
  functionName: 'write',
  args: ['a page'],
})
const written = await included(await wallet.writeContract(request))
await eventually(
  () =>
    heard.events.length &&
    heard.heads.includes(written.blockNumber) &&
    heard.pending.includes(written.transactionHash),
)
endings.forEach((end) => end())
results.write = { number, status: written.status, logs: written.logs.length, transactionHash: written.transactionHash }
results.subscription = {
  events: heard.events.map(({ eventName, args, transactionHash }) => ({ eventName, args, transactionHash })),
  hasHead: heard.heads.includes(written.blockNumber),
  pending: heard.pending,
}
results.read = {
  text: await client.readContract({ ...contract, functionName: 'read', args: [0n] }),
  page: await client.readContract({ ...contract, functionName: 'page', args: [0n] }),
  count: await client.readContract({ ...contract, functionName: 'count' }),
}
results.logs = {
  filtered: (await client.getFilterChanges({ filter })).map((log) => log.args),
  contract: (
    await client.getContractEvents({ ...contract, eventName: 'Written', fromBlock: deployment.blockNumber })
  ).map((log) => log.args),
  none: (
    await client.getContractEvents({ ...contract, eventName: 'Written', args: { number: 7n }, fromBlock: 0n })
  ).length,
}

// Several calls in one: viem brings the aggregating contract along where none is deployed.
results.multicall = await client.multicall({
  deployless: true,
  contracts: [
    { ...contract, functionName: 'count' },
    { ...contract, functionName: 'read', args: [0n] },
    { ...contract, functionName: 'read', args: [5n] },
  ],
}).then((answers) => answers.map((answer) => answer.result ?? answer.error.shortMessage))

// Failures: custom errors, reasons, panics; in calls, estimates and mined transactions.
results.failures = {
  custom: await failure(() => client.readContract({ ...contract, functionName: 'read', args: [9n] })),
  reason: await failure(() => client.readContract({ ...contract, functionName: 'failWithReason', args: ['why not'] })),
  panic: await failure(() => client.readContract({ ...contract, functionName: 'failWithPanic' })),
  estimate: await failure(() =>
    client.estimateContractGas({ ...contract, account, functionName: 'write', args: ['x'.repeat(1025)] }),
  ),
  poor: await failure(() => client.estimateGas({ account: given.poor, to: address, value: parseEther('1') })),
}
const reverted = await included(
  await wallet.writeContract({ ...contract, functionName: 'deposit', value: 0n, gas: 100_000n }),
)
results.failures.mined = reverted.status

// Signatures.
const typedData = {
  domain: { name: 'Notebook', version: '1', chainId, verifyingContract: address },
  types: { Page: [{ name: 'author', type: 'address' }, { name: 'text', type: 'string' }] },
  primaryType: 'Page',
  message: { author: account.address, text: 'signed' },
}
const signature = await unlocked.signTypedData(typedData)
const messageSignature = await unlocked.signMessage({ message: 'a message' })
results.signatures = {
  typedData: await client.verifyTypedData({ ...typedData, address: given.unlocked, signature }),
  wrongSigner: await client.verifyTypedData({ ...typedData, address: account.address, signature }),
  message: await client.verifyMessage({ address: given.unlocked, message: 'a message', signature: messageSignature }),
}

// Fees, which were estimated at one of the blocks from the first to the last of `baseFees`, or for the one after it.
const newest = await client.getBlock()
results.fees = {
  ...(await client.estimateFeesPerGas()),
  tip: await client.estimateMaxPriorityFeePerGas(),
  gasPrice: await client.getGasPrice(),
  gas: await client.estimateContractGas({ ...contract, account, functionName: 'write', args: ['a page'] }),
  history: await client.getFeeHistory({ blockCount: 3, rewardPercentiles: [10, 50] }),
}
const last = await client.getBlockNumber()
const since = await client.getFeeHistory({
  blockCount: Number(last - newest.number) + 1,
  blockNumber: last,
  rewardPercentiles: [],
})
results.fees.baseFees = since.baseFeePerGas

// Access lists, and the type of transaction that brought them.
const { accessList, gasUsed } = await client.createAccessList({
  account,
  to: address,
  data: encodeFunctionData({ abi, functionName: 'count' }),
})
const listed = await included(
  await wallet.sendTransaction({
    type: 'eip2930',
    to: address,
    data: encodeFunctionData({ abi, functionName: 'count' }),
    accessList,
    gasPrice: parseGwei('3'),
  }),
)
results.accessList = {
  accessList,
  gasUsed,
  type: listed.type,
  transaction: await client.getTransaction({ hash: listed.transactionHash }),
}

// A key's account takes on a contract's code (EIP-7702).
const authorization = await wallet.signAuthorization({ contractAddress: address, executor: 'self' })
const delegation = await included(
  await wallet.sendTransaction({
    to: account.address,
    authorizationList: [authorization],
    data: encodeFunctionData({ abi, functionName: 'write', args: ['in my own storage'] }),
  }),
)
results.delegation = {
  status: delegation.status,
  type: delegation.type,
  to: await client.getDelegation({ address: account.address }),
  text: await client.readContract({ abi, address: account.address, functionName: 'read', args: [0n] }),
  transaction: await client.getTransaction({ hash: delegation.transactionHash }),
}

// Blocks, transactions and receipts with what the OP Stack adds.
const block = await client.getBlock({ blockNumber: written.blockNumber, includeTransactions: true })
const deposit = block.transactions[0]
results.opStack = {
  block,
  receipt: written,
  deposit: await client.getTransaction({ hash: deposit.hash }),
  depositReceipt: await client.getTransactionReceipt({ hash: deposit.hash }),
  receipts: (await client.getBlockReceipts({ blockNumber: written.blockNumber })).length,
  count: await client.getBlockTransactionCount({ blockNumber: written.blockNumber }),
}

// A deposit from L1, found again on L2.
const l1 = createPublicClient({ chain: l1Chain, pollingInterval: 50, transport: http() }).extend(publicActionsL1())
const l1Wallet = createWalletClient({ chain: l1Chain, account, transport: http() }).extend(walletActionsL1())
const depositRequest = await client.buildDepositTransaction({
  account,
  gas: 100_000n,
  mint: 5n,
  to: given.receiver,
  value: 3n,
})
// What the portal's metering takes depends on the block.
const estimated = await l1.estimateDepositTransactionGas({ ...depositRequest, account, targetChain: chain })
const l1Receipt = await included(
  await l1Wallet.depositTransaction({ ...depositRequest, gas: (estimated * 3n) / 2n, targetChain: chain }),
  l1,
)
const [depositHash] = getL2TransactionHashes(l1Receipt)
const depositOnL2 = await client.waitForTransactionReceipt({ hash: depositHash, timeout: 120_000 })
results.userDeposit = {
  receipt: depositOnL2,
  transaction: await client.getTransaction({ hash: depositHash }),
  balance: await client.getBalance({ address: given.receiver }),
}

// State: proofs, slots, and calls on states that are not.
const proofBlock = await client.getBlock()
results.proof = {
  block: proofBlock,
  proof: await client.getProof({ address, storageKeys: [given.countSlot], blockNumber: proofBlock.number }),
  slot: await client.getStorageAt({ address, slot: given.countSlot }),
}
const overridden = await client.call({
  to: given.receiver,
  data: encodeFunctionData({ abi, functionName: 'count' }),
  stateOverride: [
    { address: given.receiver, code: results.deployment.code, stateDiff: [{ slot: given.countSlot, value: given.seven }] },
  ],
})
results.override = decodeFunctionResult({ abi, functionName: 'count', data: overridden.data })
const simulated = await client.simulateCalls({
  account,
  traceAssetChanges: true,
  calls: [
    { to: address, abi, functionName: 'write', args: ['only simulated'] },
    { to: address, abi, functionName: 'count' },
    { to: address, abi, functionName: 'read', args: [9n] },
    { to: given.receiver, value: parseEther('1.5') },
  ],
})
results.simulation = {
  results: simulated.results.map(({ status, result, error, logs }) => ({
    status,
    result,
    error: error?.cause?.data?.errorName ?? error?.shortMessage,
    logs: logs?.length,
  })),
  assetChanges: simulated.assetChanges.map(({ value }) => value.diff),
}

const printed = JSON.stringify(results, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
// The WebSocket would keep the process alive.
process.stdout.write(`${printed}\n`, () => process.exit(0))
