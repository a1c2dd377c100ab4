"""Development methods: what test suites ask of a chain beside what a production node offers (evm, hardhat, anvil)."""
