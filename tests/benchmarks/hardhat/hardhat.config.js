// A block a second, as the other nodes of the benchmarks make them. `npx hardhat node` reads this file.
module.exports = {
  solidity: "0.8.28",
  networks: {
    hardhat: {
      chainId: Number(process.env.BENCHMARK_CHAIN_ID),
      blockGasLimit: Number(process.env.BENCHMARK_GAS_LIMIT),
      accounts: { count: Number(process.env.BENCHMARK_ACCOUNTS) },
      mining: { auto: false, interval: 1000 },
      loggingEnabled: false,
    },
  },
};
