// What an application does with ethers, on a chain whose endpoints, accounts and contract come as JSON on stdin.
// Prints one JSON object; integers are decimal strings.

import { text } from 'node:stream/consumers'
import {
  Contract,
  ContractFactory,
  Interface,
  JsonRpcProvider,
  Wallet,
  WebSocketProvider,
  isCallException,
  isError,
  parseUnits,
  toQuantity,
  verifyMessage,
  verifyTypedData,
} from 'ethers'

const given = JSON.parse(await text(process.stdin))
const { abi, bytecode } = given.contract
const provider = new JsonRpcProvider(given.l2.url, undefined, { cacheTimeout: -1, pollingInterval: 50 })
const listener = new WebSocketProvider(given.l2.url.replace('http', 'ws'))
const wallet = new Wallet(given.privateKey, provider)
const unlocked = await provider.getSigner(given.unlocked)
const iface = new Interface(abi)
const results = {}

async function included(sent) {
  await provider.send('evm_mine', [])
  return provider.waitForTransaction(sent.hash, 1, 120_000)
}

async function failure(attempt) {
  try {
    await attempt()
  } catch (error) {
    if (isCallException(error)) {
      // Estimates leave it to the application to decode the error.
      const revert = error.revert ?? (error.data && iface.parseError(error.data))
      return { name: revert?.name, args: revert && Array.from(revert.args), reason: error.reason, status: error.receipt?.status }
    }
    if (error.code) return { code: error.code }
    throw error
  }
  throw new Error('it should have failed')
}

async function eventually(condition) {
  for (let attempt = 0; attempt < 1200 && !condition(); attempt += 1) await new Promise((done) => setTimeout(done, 50))
}

// Accounts and chain.
results.chain = {
  chainId: (await provider.getNetwork()).chainId,
  balance: await provider.getBalance(wallet.address),
  accounts: (await provider.listAccounts()).map((signer) => signer.address),
}

// Deployment.
const deployed = await new ContractFactory(abi, bytecode, wallet).deploy()
const deployment = await included(deployed.deploymentTransaction())
const address = await deployed.getAddress()
const notebook = new Contract(address, abi, wallet)
results.deployment = { status: deployment.status, address, code: await provider.getCode(address) }

// Events by subscription, a call that writes, calls that read.
const heard = { events: [], heads: [], pending: [] }
await new Contract(address, abi, listener).on('Written', (author, number, page, event) =>
  heard.events.push({ author, number, text: page, transactionHash: event.log.transactionHash }),
)
await listener.on('block', (number) => heard.heads.push(number))
await listener.on('pending', (hash) => heard.pending.push(hash))
await listener.send('eth_chainId', [])
await listener.send('eth_chainId', [])
const number = await notebook.write.staticCall('a page')
const written = await included(await notebook.write('a page'))
await eventually(
  () => heard.events.length && heard.heads.includes(written.blockNumber) && heard.pending.includes(written.hash),
)
results.write = { number, status: written.status, logs: written.logs.length, transactionHash: written.hash }
results.subscription = {
  events: heard.events,
  hasHead: heard.heads.includes(written.blockNumber),
  pending: heard.pending,
}
results.read = { text: await notebook.read(0), author: (await notebook.page(0)).author, count: await notebook.count() }
results.logs = {
  found: (await notebook.queryFilter(notebook.filters.Written(wallet.address), deployment.blockNumber)).map((log) =>
    log.args.toArray(),
  ),
  none: (await notebook.queryFilter(notebook.filters.Written(null, 7), 0)).length,
}

// Failures.
results.failures = {
  custom: await failure(() => notebook.read(9)),
  reason: await failure(() => notebook.failWithReason('why not')),
  panic: await failure(() => notebook.failWithPanic()),
  estimate: await failure(() => notebook.write.estimateGas('x'.repeat(1025))),
  poor: await failure(() => new Wallet(given.poorKey, provider).sendTransaction({ to: address, value: 1 })),
  mined: await failure(async () => {
    const sent = await notebook.deposit({ gasLimit: 100_000 })
    await provider.send('evm_mine', [])
    await sent.wait()
  }),
}

// Signatures.
const domain = { name: 'Notebook', version: '1', chainId: given.l2.chainId, verifyingContract: address }
const types = { Page: [{ name: 'author', type: 'address' }, { name: 'text', type: 'string' }] }
const message = { author: wallet.address, text: 'signed' }
results.signatures = {
  typedData: verifyTypedData(domain, types, message, await unlocked.signTypedData(domain, types, message)),
  message: verifyMessage('a message', await unlocked.signMessage('a message')),
}
const transferred = await unlocked.sendUncheckedTransaction({ to: given.receiver, value: 11n })
results.unlocked = (await included({ hash: transferred })).status

// Fees, and an access list that the node made.
const fees = await provider.getFeeData()
results.fees = { ...fees, gas: await notebook.write.estimateGas('a page') }
const count = notebook.interface.encodeFunctionData('count')
const made = await provider.send('eth_createAccessList', [{ from: wallet.address, to: address, data: count }])
const listed = await included(
  await wallet.sendTransaction({
    type: 1,
    to: address,
    data: count,
    accessList: made.accessList,
    gasPrice: parseUnits('3', 'gwei'),
  }),
)
results.accessList = { ...made, type: listed.type, sent: (await provider.getTransaction(listed.hash)).accessList }

// A key's account takes on a contract's code (EIP-7702).
const nonce = await wallet.getNonce()
const authorization = await wallet.authorize({ address, nonce: nonce + 1 })
const delegation = await included(
  await wallet.sendTransaction({
    type: 4,
    nonce,
    to: wallet.address,
    authorizationList: [authorization],
    data: notebook.interface.encodeFunctionData('write', ['in my own storage']),
  }),
)
const sentDelegation = await provider.getTransaction(delegation.hash)
results.delegation = {
  status: delegation.status,
  type: delegation.type,
  code: await provider.getCode(wallet.address),
  text: await new Contract(wallet.address, abi, provider).read(0),
  authorizations: sentDelegation.authorizationList.map((entry) => ({ address: entry.address, nonce: entry.nonce })),
}

// Blocks with the OP Stack's deposit, which ethers has no type for.
const block = await provider.getBlock(written.blockNumber, true)
results.block = {
  hash: block.hash,
  transactions: block.prefetchedTransactions.map(({ hash, type }) => ({ hash, type })),
  deposit: (await provider.getTransaction(block.prefetchedTransactions[0].hash)).type,
  depositReceipt: (await provider.getTransactionReceipt(block.prefetchedTransactions[0].hash)).status,
  l1Fee: (await provider.send('eth_getTransactionReceipt', [written.hash])).l1Fee,
}

// The pending block is on top of the head, which may move while it is asked for.
const headBefore = await provider.getBlockNumber()
const pending = await provider.getBlock('pending')
results.heads = { before: headBefore, pending: pending.number, after: await provider.getBlockNumber() }

// State.
const proof = await provider.send('eth_getProof', [address, [given.countSlot], toQuantity(block.number)])
results.state = {
  slot: await provider.getStorage(address, 0),
  proved: proof.storageProof[0].value,
  unknown: isError(await provider.send('eth_nothing', []).catch((error) => error), 'UNSUPPORTED_OPERATION'),
}

const printed = JSON.stringify(results, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
// The WebSocket would keep the process alive.
process.stdout.write(`${printed}\n`, () => process.exit(0))
