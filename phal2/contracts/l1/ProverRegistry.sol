// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {Ownable} from "../universal/Ownable.sol";
import {IProverRegistry} from "./IProverRegistry.sol";
import {IQuoteVerifier} from "./IQuoteVerifier.sol";
import {QuoteBody} from "./QuoteBody.sol";

/// @title ProverRegistry
/// @notice The keys of provers' enclaves. A key is registered by a quote whose report data is its hash, of a workload
///         and with a TCB status that the owner allows, for a time; a key is registered once.
contract ProverRegistry is Ownable, Initializable, IProverRegistry {
    /// @notice A registered key.
    /// @param workload  What runs in the enclave.
    /// @param expiry    Last second, in Unix time, in which its signatures count.
    /// @param tcbStatus TCB status of its platform at the registration.
    /// @param revoked   Whether the owner revoked it.
    struct Prover {
        bytes32 workload;
        uint64 expiry;
        uint8 tcbStatus;
        bool revoked;
    }

    /// @dev Quote version, body type, TCB status and FMSPC, before the body in a verifier's output.
    uint256 private constant OUTPUT_HEADER_LENGTH = 11;

    /// @notice Verifies quotes.
    IQuoteVerifier public quoteVerifier;

    /// @notice Seconds for which a key is registered.
    uint64 public validity;

    /// @notice Accepted TCB statuses: bit i stands for Automata's status i (0 OK, 1 SW hardening needed,
    ///         2 configuration and SW hardening needed, 3 configuration needed, 4 out of date, 5 out of date,
    ///         configuration needed).
    uint16 public allowedTcbStatuses;

    /// @notice Workloads that are accepted.
    mapping(bytes32 workload => bool) public allowedWorkloads;

    /// @notice The registered keys.
    mapping(address prover => Prover) public provers;

    /// @notice A key was registered.
    event ProverRegistered(address indexed prover, bytes32 indexed workload, uint64 expiry, uint8 tcbStatus);

    /// @notice The owner revoked a key.
    event ProverRevoked(address indexed prover);

    /// @notice It changed whether a workload is accepted.
    event WorkloadSet(bytes32 indexed workload, bool allowed);

    /// @notice The accepted TCB statuses changed.
    event AllowedTcbStatusesSet(uint16 allowedTcbStatuses);

    /// @notice Keys are registered for another time.
    event ValiditySet(uint64 validity);

    /// @notice Another contract verifies quotes.
    event QuoteVerifierSet(IQuoteVerifier indexed quoteVerifier);

    error QuoteNotVerified(string reason);
    error InvalidVerifierOutput(uint256 length);
    error ReportDataMismatch(bytes32 first, bytes32 second, bytes32 expected);
    error DebuggableEnclave();
    error TcbStatusNotAllowed(uint8 tcbStatus, uint16 allowedTcbStatuses);
    error WorkloadNotAllowed(bytes32 workload);
    error AlreadyRegistered(address prover);
    error NotRegistered(address prover);
    error ZeroProver();
    error ZeroQuoteVerifier();
    error ZeroValidity();

    constructor() {
        _disableInitializers();
    }

    /// @param owner_              Decides what is accepted.
    /// @param quoteVerifier_      Verifies quotes.
    /// @param validity_           Seconds for which a key is registered.
    /// @param allowedTcbStatuses_ Accepted TCB statuses, bit i for Automata's status i.
    /// @param workloads           Accepted workloads.
    function initialize(
        address owner_,
        IQuoteVerifier quoteVerifier_,
        uint64 validity_,
        uint16 allowedTcbStatuses_,
        bytes32[] calldata workloads
    ) external initializer {
        _setOwner(owner_);
        _setQuoteVerifier(quoteVerifier_);
        _setValidity(validity_);
        _setAllowedTcbStatuses(allowedTcbStatuses_);
        for (uint256 i = 0; i < workloads.length; i++) {
            _setWorkload(workloads[i], true);
        }
    }

    /// @notice Registers the key of a prover's enclave; ether sent along is the verifier's fee.
    /// @param prover   Address of the key.
    /// @param rawQuote A quote of the enclave with the report data `reportDataOf(prover)`, followed by 32 zero bytes.
    function register(address prover, bytes calldata rawQuote) external payable {
        if (prover == address(0)) revert ZeroProver();
        // A key is registered once: a quote does not say when it was made, so the old one would do for ever.
        if (provers[prover].expiry != 0) revert AlreadyRegistered(prover);
        (bool success, bytes memory output) = quoteVerifier.verifyAndAttestOnChain{value: msg.value}(rawQuote);
        if (!success) revert QuoteNotVerified(string(output));

        (uint16 bodyType, uint8 tcbStatus, bytes memory body) = _readOutput(output);
        (bytes32 first, bytes32 second) = QuoteBody.reportData(bodyType, body);
        bytes32 expected = reportDataOf(prover);
        if (first != expected || second != 0) revert ReportDataMismatch(first, second, expected);
        if (QuoteBody.isDebuggable(bodyType, body)) revert DebuggableEnclave();
        if (!isTcbStatusAllowed(tcbStatus)) revert TcbStatusNotAllowed(tcbStatus, allowedTcbStatuses);
        bytes32 workload = QuoteBody.workload(bodyType, body);
        if (!allowedWorkloads[workload]) revert WorkloadNotAllowed(workload);

        uint64 expiry = uint64(block.timestamp) + validity;
        provers[prover] = Prover(workload, expiry, tcbStatus, false);
        emit ProverRegistered(prover, workload, expiry, tcbStatus);
    }

    /// @notice Revokes a key, for good.
    function revoke(address prover) external onlyOwner {
        if (provers[prover].expiry == 0) revert NotRegistered(prover);
        provers[prover].revoked = true;
        emit ProverRevoked(prover);
    }

    /// @notice Sets whether a workload is accepted; where it is not, its registered keys do not count either.
    function setWorkload(bytes32 workload, bool allowed) external onlyOwner {
        _setWorkload(workload, allowed);
    }

    /// @notice Sets the accepted TCB statuses, bit i for Automata's status i.
    function setAllowedTcbStatuses(uint16 allowedTcbStatuses_) external onlyOwner {
        _setAllowedTcbStatuses(allowedTcbStatuses_);
    }

    /// @notice Sets for how many seconds keys are registered from now on.
    function setValidity(uint64 validity_) external onlyOwner {
        _setValidity(validity_);
    }

    /// @notice Sets who verifies quotes from now on.
    function setQuoteVerifier(IQuoteVerifier quoteVerifier_) external onlyOwner {
        _setQuoteVerifier(quoteVerifier_);
    }

    /// @inheritdoc IProverRegistry
    /// @dev The key must hold by what the owner accepts now, not only by what it accepted at the registration.
    function isValidProver(address prover) external view returns (bool) {
        Prover memory registered = provers[prover];
        return !registered.revoked && block.timestamp <= registered.expiry && isTcbStatusAllowed(registered.tcbStatus)
            && allowedWorkloads[registered.workload];
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "1.0.0";
    }

    /// @notice The first half of the report data that registers a key; the second half is zero.
    function reportDataOf(address prover) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), prover));
    }

    /// @notice Whether a TCB status is accepted.
    function isTcbStatusAllowed(uint8 tcbStatus) public view returns (bool) {
        return (uint256(allowedTcbStatuses) >> tcbStatus) & 1 == 1;
    }

    /// @dev Takes a verifier's output apart. What follows the body, the advisories, decides nothing here.
    function _readOutput(bytes memory output)
        private
        pure
        returns (uint16 bodyType, uint8 tcbStatus, bytes memory body)
    {
        if (output.length < OUTPUT_HEADER_LENGTH) revert InvalidVerifierOutput(output.length);
        bodyType = (uint16(uint8(output[2])) << 8) | uint8(output[3]);
        tcbStatus = uint8(output[4]);
        uint256 length = QuoteBody.length(bodyType);
        if (output.length < OUTPUT_HEADER_LENGTH + length) revert InvalidVerifierOutput(output.length);
        body = new bytes(length);
        assembly ("memory-safe") {
            mcopy(add(body, 0x20), add(add(output, 0x20), OUTPUT_HEADER_LENGTH), length)
        }
    }

    function _setWorkload(bytes32 workload, bool allowed) private {
        allowedWorkloads[workload] = allowed;
        emit WorkloadSet(workload, allowed);
    }

    function _setAllowedTcbStatuses(uint16 allowedTcbStatuses_) private {
        allowedTcbStatuses = allowedTcbStatuses_;
        emit AllowedTcbStatusesSet(allowedTcbStatuses_);
    }

    function _setValidity(uint64 validity_) private {
        if (validity_ == 0) revert ZeroValidity();
        validity = validity_;
        emit ValiditySet(validity_);
    }

    function _setQuoteVerifier(IQuoteVerifier quoteVerifier_) private {
        if (address(quoteVerifier_) == address(0)) revert ZeroQuoteVerifier();
        quoteVerifier = quoteVerifier_;
        emit QuoteVerifierSet(quoteVerifier_);
    }
}
