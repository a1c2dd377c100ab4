// Deposits and whole withdrawals as an application makes them with viem/op-stack, of ETH, an ERC-20 and PHA, on the chains
// of the module that `phal2 devnet --write-viem-chain` wrote. Reads JSON from stdin, prints one JSON object; integers are
// decimal strings.

import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { createPublicClient, createWalletClient, http, parseEther, parseEventLogs } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import {
  getL2TransactionHashes,
  getWithdrawals,
  publicActionsL1,
  publicActionsL2,
  walletActionsL1,
  walletActionsL2,
} from 'viem/op-stack'

const given = JSON.parse(await text(process.stdin))
const { l1, l2 } = await import(pathToFileURL(given.chains))
const options = { pollingInterval: 100, cacheTime: 0, transport: http() }
const onL1 = createPublicClient({ ...options, chain: l1 }).extend(publicActionsL1())
const onL2 = createPublicClient({ ...options, chain: l2 }).extend(publicActionsL2())
const targetChain = l2
const minimumGas = 200_000

function walletsOf(privateKey) {
  const account = privateKeyToAccount(privateKey)
  return {
    account,
    l1: createWalletClient({ ...options, account, chain: l1 }).extend(walletActionsL1()),
    l2: createWalletClient({ ...options, account, chain: l2 }).extend(walletActionsL2()),
  }
}

async function mined(client, hash) {
  const receipt = await client.waitForTransactionReceipt({ hash })
  if (receipt.status !== 'success') throw new Error(`transaction ${hash} failed`)
  return receipt
}

// What the portal's metering takes depends on the block and on what was deposited before, also in the same block.
const withSpare = (gas) => (gas * 3n) / 2n

const secondsSince = (began) => (performance.now() - began) / 1000

// What an L1 receipt deposits, once L2 has it.
async function arrived(receipt) {
  const hashes = getL2TransactionHashes(receipt)
  return Promise.all(hashes.map((hash) => mined(onL2, hash)))
}

// Lets those who come wait for one another, does `action`, and lets all go on.
function meeting(people, action) {
  let missing = people
  let release
  const over = new Promise((resolve) => (release = resolve))
  return () => {
    missing -= 1
    if (missing === 0) release(action())
    return over
  }
}

const setIntervalMining = (seconds) => onL1.request({ method: 'evm_setIntervalMining', params: [seconds] })
const l1BlockTime = await onL1.request({ method: 'anvil_getIntervalMining' })
const assets = 3

// While L1 stands still there can be no game of a withdrawal.
const holdL1 = meeting(assets, () => setIntervalMining(0))
const haveL1GoOn = meeting(assets, () => setIntervalMining(l1BlockTime))

// A whole withdrawal, of which `initiate` sends the first transaction; statuses are asked for before each step.
async function withdraw(wallets, initiate) {
  await holdL1()
  const began = performance.now()
  const receipt = await mined(onL2, await initiate())
  const [withdrawal] = getWithdrawals(receipt)
  const statuses = []
  const note = async () => statuses.push(await onL1.getWithdrawalStatus({ receipt, targetChain }))
  await note()
  await haveL1GoOn()
  const { output, game } = await onL1.waitToProve({ receipt, targetChain })
  const provable = secondsSince(began)
  await note()
  const proof = await onL2.buildProveWithdrawal({ account: wallets.account, output, withdrawal })
  await mined(onL1, await wallets.l1.proveWithdrawal(proof))
  const proven = secondsSince(began)
  await note()
  await onL1.waitToFinalize({ withdrawalHash: withdrawal.withdrawalHash, targetChain })
  await note()
  await mined(onL1, await wallets.l1.finalizeWithdrawal({ targetChain, withdrawal }))
  const finalized = secondsSince(began)
  await note()
  return { withdrawal, statuses, game, block: receipt.blockNumber, seconds: { provable, proven, finalized } }
}

const balanceOf = (client, token, account) =>
  client.readContract({ address: token, abi: given.abi.token, functionName: 'balanceOf', args: [account] })

async function ether() {
  const wallets = walletsOf(given.keys.ether)
  const { address } = wallets.account
  const began = performance.now()
  const before = await onL2.getBalance({ address })
  const request = await onL2.buildDepositTransaction({ account: wallets.account, mint: parseEther('3'), to: address })
  const gas = withSpare(await onL1.estimateDepositTransactionGas({ ...request, account: wallets.account }))
  const [onTheOther] = await arrived(await mined(onL1, await wallets.l1.depositTransaction({ ...request, gas })))
  const deposit = {
    seconds: secondsSince(began),
    type: onTheOther.type,
    gained: (await onL2.getBalance({ address })) - before,
  }
  const value = parseEther('1.5')
  const withdrawn = await withdraw(wallets, async () => {
    const prepared = await onL1.buildInitiateWithdrawal({ account: wallets.account, to: given.receiver, value })
    return wallets.l2.initiateWithdrawal(prepared)
  })
  return { deposit, ...withdrawn, received: await onL1.getBalance({ address: given.receiver }) }
}

// A token through the standard bridges: `amount` to L2, half of it back.
async function token(privateKey, addresses, amount) {
  const wallets = walletsOf(privateKey)
  const { address } = wallets.account
  const bridge = l2.contracts.l1StandardBridge[l1.id].address
  const before = await balanceOf(onL2, addresses.l2, address)
  const allow = { address: addresses.l1, abi: given.abi.token, functionName: 'approve', args: [bridge, amount] }
  await mined(onL1, await wallets.l1.writeContract(allow))
  const send = (local, remote, quantity) => ({
    abi: given.abi.bridge,
    functionName: 'bridgeERC20To',
    args: [local, remote, address, quantity, minimumGas, '0x'],
  })
  const began = performance.now()
  const sending = { address: bridge, ...send(addresses.l1, addresses.l2, amount) }
  const gas = withSpare(await onL1.estimateContractGas({ ...sending, account: wallets.account }))
  const forth = await wallets.l1.writeContract({ ...sending, gas })
  await arrived(await mined(onL1, forth))
  const deposit = { seconds: secondsSince(began), gained: (await balanceOf(onL2, addresses.l2, address)) - before }
  const held = await balanceOf(onL1, addresses.l1, address)
  const withdrawn = await withdraw(wallets, () =>
    wallets.l2.writeContract({
      address: l2.contracts.l2StandardBridge.address,
      ...send(addresses.l2, addresses.l1, amount / 2n),
    }),
  )
  return { deposit, ...withdrawn, received: (await balanceOf(onL1, addresses.l1, address)) - held }
}

// A token of its own: deployed on L1, its other side made by the factory on L2.
async function ownToken() {
  const wallets = walletsOf(given.keys.token)
  const { abi, bytecode } = given.tokenContract
  const hash = await wallets.l1.deployContract({ abi, bytecode, args: [wallets.account.address] })
  const { contractAddress } = await mined(onL1, hash)
  const creation = await wallets.l2.writeContract({
    address: given.factory,
    abi: given.abi.factory,
    functionName: 'createOptimismMintableERC20',
    args: [contractAddress, 'A token', 'TOKEN'],
  })
  const { logs } = await mined(onL2, creation)
  const [created] = parseEventLogs({ abi: given.abi.factory, eventName: 'OptimismMintableERC20Created', logs })
  return token(given.keys.token, { l1: contractAddress, l2: created.args.localToken }, parseEther('1000'))
}

async function fees() {
  const { account } = walletsOf(given.keys.ether)
  const transfer = { account, to: given.receiver, value: 1n, gas: 21_000n }
  return {
    l1Fee: await onL2.estimateL1Fee(transfer),
    l1Gas: await onL2.estimateL1Gas(transfer),
    l1BaseFee: await onL2.getL1BaseFee(),
    operatorFee: await onL2.estimateOperatorFee(transfer),
    totalFee: await onL2.estimateTotalFee(transfer),
    totalGas: await onL2.estimateTotalGas(transfer),
  }
}

const [etherResult, tokenResult, phaResult, feesResult] = await Promise.all([
  ether(),
  ownToken(),
  token(given.keys.pha, given.pha, parseEther('10')),
  fees(),
])
const results = {
  chains: { l1: await onL1.getChainId(), l2: await onL2.getChainId(), source: l2.sourceId },
  portal: await onL1.getPortalVersion({ targetChain }),
  ether: etherResult,
  token: tokenResult,
  pha: phaResult,
  fees: feesResult,
  games: await onL1.getGames({ targetChain, limit: 10 }),
}
console.log(JSON.stringify(results, (_, value) => (typeof value === 'bigint' ? value.toString() : value)))
