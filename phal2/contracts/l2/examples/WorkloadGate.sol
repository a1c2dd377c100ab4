// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Attested} from "../Attested.sol";
import {IAttestationContext} from "../IAttestationContext.sol";

/// @title WorkloadGate
/// @notice Shows how a contract accepts one workload alone: whatever is entered here comes out of an enclave that runs it.
contract WorkloadGate is Attested {
    /// @notice The workload that may enter words.
    bytes32 public immutable workload;

    /// @notice The word entered last.
    bytes32 public word;

    /// @notice Number of words entered.
    uint256 public entries;

    /// @notice A word was entered.
    /// @param subject   The enclave's address, or the hash of the quote's report body.
    /// @param sender    Sender of the transaction.
    /// @param word      The word.
    /// @param simulated Whether the enclave is one of a simulated TEE.
    event Entered(bytes32 indexed subject, address indexed sender, bytes32 word, bool simulated);

    error OtherWorkload(bytes32 attested, bytes32 accepted);

    /// @param workload_ The workload that may enter words.
    constructor(bytes32 workload_) {
        workload = workload_;
    }

    /// @notice Enters a word. The transaction must be attested by a quote or by a registered enclave's key.
    function enter(bytes32 word_) external onlyAttested {
        IAttestationContext.Attestation memory attestation = ATTESTATION_CONTEXT.current();
        if (attestation.kind != KIND_QUOTE && attestation.kind != KIND_ENCLAVE_KEY) {
            revert AttestationKindRefused(attestation.kind);
        }
        if (attestation.workload != workload) revert OtherWorkload(attestation.workload, workload);
        word = word_;
        entries += 1;
        emit Entered(attestation.subject, msg.sender, word_, attestation.simulated);
    }
}
