// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Predeploys
/// @notice Addresses of the contracts that L2 has from genesis on.
library Predeploys {
    /// @notice Ether as an ERC-20 token.
    address internal constant WETH9 = 0x4200000000000000000000000000000000000006;

    /// @notice Messages between contracts of L1 and L2.
    address internal constant L2_CROSS_DOMAIN_MESSENGER = 0x4200000000000000000000000000000000000007;

    /// @notice Fees beside gas for execution.
    address internal constant GAS_PRICE_ORACLE = 0x420000000000000000000000000000000000000F;

    /// @notice Ether and tokens between L1 and L2.
    address internal constant L2_STANDARD_BRIDGE = 0x4200000000000000000000000000000000000010;

    /// @notice Values of the L1 origin.
    address internal constant L1_BLOCK = 0x4200000000000000000000000000000000000015;

    /// @notice Messages to L1.
    address internal constant L2_TO_L1_MESSAGE_PASSER = 0x4200000000000000000000000000000000000016;

    /// @notice Administers the proxies of predeploys.
    address internal constant PROXY_ADMIN = 0x4200000000000000000000000000000000000018;

    /// @notice The attestation of the running transaction.
    address internal constant ATTESTATION_CONTEXT = 0x4200000000000000000000000000000000000054;

    /// @notice Which attestations the chain accepts.
    address internal constant ATTESTATION_POLICY = 0x4200000000000000000000000000000000000055;

    /// @notice Enclaves with a registered key.
    address internal constant ENCLAVE_REGISTRY = 0x4200000000000000000000000000000000000056;

    /// @notice Claims of PHA by Substrate accounts.
    address internal constant PHA_CLAIMS = 0x4200000000000000000000000000000000000057;

    /// @notice PHA on L2.
    address internal constant PHA_TOKEN = 0x4200000000000000000000000000000000000058;
}
