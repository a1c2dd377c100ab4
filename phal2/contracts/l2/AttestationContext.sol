// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAttestationContext} from "./IAttestationContext.sol";

/// @title AttestationContext
/// @notice Shows contracts the attestation of the running transaction. The node writes it into this contract's transient
///         storage before the message runs, one word a field, and it is gone when the transaction ends.
contract AttestationContext is IAttestationContext {
    /// @inheritdoc IAttestationContext
    function current() external view returns (Attestation memory attestation) {
        assembly ("memory-safe") {
            // In memory a struct has one word a field too, in the order of declaration.
            for { let field := 0 } lt(field, 14) { field := add(field, 1) } {
                mstore(add(attestation, shl(5, field)), tload(field))
            }
        }
        if (attestation.kind == 0) revert NotAttested();
    }
}
