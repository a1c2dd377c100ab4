// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Attested} from "./Attested.sol";
import {IAttestationContext} from "./IAttestationContext.sol";
import {Owned} from "./Owned.sol";

/// @title EnclaveRegistry
/// @notice Keys that enclaves hold. A quote registers a key once, for at most 30 days; from then on the key's signature
///         attests transactions in the quote's stead.
/// @dev The storage layout is part of consensus: the node reads it before every transaction that such a key attests.
contract EnclaveRegistry is Owned, Attested {
    /// @param workload            Workload of the quote that registered the key.
    /// @param image               Image of that quote; zero where it has none.
    /// @param rootCa              keccak256 of the DER of the root certificate it was verified under.
    /// @param expiry              First second, in Unix time, at which the key no longer attests; zero: not registered.
    /// @param tcbEvaluationNumber TCB evaluation number of the quote's collateral.
    /// @param tcbStatus           TCB status of the quote.
    /// @param simulated           Whether the root certificate is one of a simulated TEE.
    /// @param revoked             Whether the key was revoked.
    /// @param registrar           Sender of the transaction that registered the key.
    struct Enclave {
        bytes32 workload;
        bytes32 image;
        bytes32 rootCa;
        uint64 expiry;
        uint32 tcbEvaluationNumber;
        uint8 tcbStatus;
        bool simulated;
        bool revoked;
        address registrar;
    }

    /// @notice Shortest registration, in seconds.
    uint64 public constant MINIMUM_VALIDITY = 1 seconds;

    /// @notice Longest registration, in seconds.
    uint64 public constant MAXIMUM_VALIDITY = 30 days;

    address private _pendingOwner;
    mapping(address enclave => Enclave) private _enclaves;

    /// @notice An enclave's key was registered.
    event Registered(address indexed enclave, address indexed registrar, bytes32 indexed workload, Enclave record);

    /// @notice An enclave's key was revoked.
    event Revoked(address indexed enclave, address indexed revoker);

    error ZeroEnclave();
    error InvalidValidity(uint64 validFor, uint64 minimum, uint64 maximum);
    error AlreadyRegistered(address enclave, uint64 expiry);
    error NotRegistered(address enclave);
    error AlreadyRevoked(address enclave);
    error NotRegistrarOrOwner(address caller, address registrar, address owner);

    /// @notice Sets the first owner, once.
    /// @param owner_ May revoke every key.
    function initialize(address owner_) external {
        _initializeOwner(owner_);
    }

    /// @notice Registers the key behind `enclave` with the measurements of the quote that attests this transaction.
    ///         An address can be registered once, also after its registration ended.
    /// @param enclave  Address of the key.
    /// @param validFor Seconds for which the key attests, from 1 second to 30 days.
    function register(address enclave, uint64 validFor) external {
        IAttestationContext.Attestation memory attestation = _attestation();
        if (attestation.kind != KIND_QUOTE) revert AttestationKindRefused(attestation.kind);
        if (enclave == address(0)) revert ZeroEnclave();
        if (validFor < MINIMUM_VALIDITY || validFor > MAXIMUM_VALIDITY) {
            revert InvalidValidity(validFor, MINIMUM_VALIDITY, MAXIMUM_VALIDITY);
        }
        uint64 registeredUntil = _enclaves[enclave].expiry;
        if (registeredUntil != 0) revert AlreadyRegistered(enclave, registeredUntil);

        Enclave memory record = Enclave({
            workload: attestation.workload,
            image: attestation.image,
            rootCa: attestation.rootCa,
            expiry: uint64(block.timestamp) + validFor,
            tcbEvaluationNumber: attestation.tcbEvaluationNumber,
            tcbStatus: attestation.tcbStatus,
            simulated: attestation.simulated,
            revoked: false,
            registrar: msg.sender
        });
        _enclaves[enclave] = record;
        emit Registered(enclave, msg.sender, attestation.workload, record);
    }

    /// @notice Ends a registration for good. Its registrar and the owner may.
    function revoke(address enclave) external {
        Enclave storage record = _enclaves[enclave];
        if (record.expiry == 0) revert NotRegistered(enclave);
        if (msg.sender != record.registrar && msg.sender != owner) {
            revert NotRegistrarOrOwner(msg.sender, record.registrar, owner);
        }
        if (record.revoked) revert AlreadyRevoked(enclave);
        record.revoked = true;
        emit Revoked(enclave, msg.sender);
    }

    /// @notice The record of `enclave`; all zero where it was never registered.
    function enclaves(address enclave) external view returns (Enclave memory) {
        return _enclaves[enclave];
    }

    /// @inheritdoc Owned
    function pendingOwner() public view override returns (address) {
        return _pendingOwner;
    }

    function _setPendingOwner(address next) internal override {
        _pendingOwner = next;
    }
}
