"""The local devnet: embedded L1, genesis and deployment, dev accounts, the simulated TEE, the `phal2` command."""
