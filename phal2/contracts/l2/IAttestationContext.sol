// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IAttestationContext
/// @notice What the attestation of the running transaction proves.
interface IAttestationContext {
    /// @param kind                1 DCAP quote, 2 registered enclave key, 3 Substrate account.
    /// @param tcbStatus           0 UpToDate, 1 SWHardeningNeeded, 2 ConfigurationNeeded,
    ///                            3 ConfigurationAndSWHardeningNeeded, 4 OutOfDate, 5 OutOfDateConfigurationNeeded.
    /// @param validUntil          Last second, in Unix time, at which the attestation holds.
    /// @param sender              Sender of the transaction.
    /// @param to                  Target of the transaction.
    /// @param subject             Hash of the report body, enclave address (left-padded), or Substrate account id.
    /// @param workload            Hash of the measurements; for kind 3 the hash of the note.
    /// @param evidenceHash        keccak256 of the RLP of the evidence.
    /// @param dataHash            keccak256 of the transaction's data.
    /// @param value               Wei that the transaction carries.
    /// @param image               Hash of the measurements without the instance's own; zero where there is none.
    /// @param rootCa              keccak256 of the DER of the root certificate; zero for kind 3.
    /// @param tcbEvaluationNumber The lower of the collateral's two TCB evaluation numbers.
    /// @param simulated           Whether the root certificate is one of a simulated TEE.
    struct Attestation {
        uint8 kind;
        uint8 tcbStatus;
        uint64 validUntil;
        address sender;
        address to;
        bytes32 subject;
        bytes32 workload;
        bytes32 evidenceHash;
        bytes32 dataHash;
        uint256 value;
        bytes32 image;
        bytes32 rootCa;
        uint32 tcbEvaluationNumber;
        bool simulated;
    }

    /// @notice The running transaction carries no attestation.
    error NotAttested();

    /// @notice The attestation of the running transaction; reverts with NotAttested where there is none.
    /// @dev It says what the transaction's call was attested for, not that the present call is that one. A contract
    ///      that relies on it must compare the two, as `Attested.onlyAttested` does.
    function current() external view returns (Attestation memory);
}
