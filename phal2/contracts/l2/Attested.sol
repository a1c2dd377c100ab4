// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAttestationContext} from "./IAttestationContext.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title Attested
/// @notice Gives a contract the modifier `onlyAttested`: the present call is the very call that the transaction's
///         attestation covers, not one that was passed on, or re-entered by a sender with delegated code (EIP-7702).
/// @dev A sender with delegated code that is called during the transaction can make the very same call again; a function
///      that calls out and must not run twice guards itself, as against any re-entrance.
///      A Substrate account's statement (kind 3) names neither sender nor value, so that anyone may relay it. Within
///      the transaction the same call can then be made again, also by another contract: a function that accepts
///      kind 3 must itself refuse to run twice.
abstract contract Attested {
    /// @notice A DCAP quote attests; `subject` is the hash of its report body.
    uint8 internal constant KIND_QUOTE = 1;

    /// @notice A registered enclave's key signed; `subject` is its address.
    uint8 internal constant KIND_ENCLAVE_KEY = 2;

    /// @notice A Substrate account signed; `subject` is its account id.
    uint8 internal constant KIND_SUBSTRATE_ACCOUNT = 3;

    /// @notice The attestation of the running transaction.
    IAttestationContext internal constant ATTESTATION_CONTEXT = IAttestationContext(Predeploys.ATTESTATION_CONTEXT);

    /// @notice The attestation covers a call of another contract.
    error AttestedForOtherContract(address attested, address called);

    /// @notice The attestation covers a call with other data; both as hashes.
    error AttestedForOtherData(bytes32 attested, bytes32 called);

    /// @notice The attestation covers a call by another sender.
    error AttestedForOtherSender(address attested, address caller);

    /// @notice The attestation covers a call with another value.
    error AttestedForOtherValue(uint256 attested, uint256 sent);

    /// @notice The function does not accept attestations of this kind.
    error AttestationKindRefused(uint8 kind);

    /// @notice Runs the function only where the attestation covers exactly the present call.
    modifier onlyAttested() {
        _attestation();
        _;
    }

    /// @notice The transaction's attestation, once it is certain that it covers exactly the present call.
    /// @dev Behind a proxy `address(this)` is the proxy, which is what the transaction calls.
    function _attestation() internal view returns (IAttestationContext.Attestation memory attestation) {
        attestation = ATTESTATION_CONTEXT.current();
        if (attestation.to != address(this)) revert AttestedForOtherContract(attestation.to, address(this));
        bytes32 dataHash = keccak256(msg.data);
        if (attestation.dataHash != dataHash) revert AttestedForOtherData(attestation.dataHash, dataHash);
        if (attestation.kind != KIND_SUBSTRATE_ACCOUNT) {
            if (attestation.sender != msg.sender) revert AttestedForOtherSender(attestation.sender, msg.sender);
            if (attestation.value != msg.value) revert AttestedForOtherValue(attestation.value, msg.value);
        }
    }
}
