// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Owned} from "./Owned.sol";

/// @title AttestationPolicy
/// @notice Which attestations the chain accepts: roots of trust, TCB statuses, the least TCB evaluation number, and
///         workloads or images. The owner sets it; it holds from the next transaction on.
/// @dev The storage layout is part of consensus: the node reads it before every attested transaction.
contract AttestationPolicy is Owned {
    /// @param der       The certificate, as DER.
    /// @param simulated Whether it is the root of a simulated TEE, which proves nothing about hardware.
    struct RootCa {
        bytes der;
        bool simulated;
    }

    /// @notice Most root certificates there can be.
    uint256 public constant MAXIMUM_ROOT_CAS = 4;

    /// @notice Longest root certificate, in bytes of DER.
    uint256 public constant MAXIMUM_DER_LENGTH = 2_048;

    /// @notice Every TCB status there is, 0 to 5, as a bitmap.
    uint8 public constant ALL_STATUSES = 0x3f;

    /// @notice Accepted TCB statuses: bit i stands for status i.
    uint8 public allowedStatuses;

    /// @notice Least TCB evaluation number that collateral must have.
    uint32 public leastTcbEvaluationNumber;

    /// @notice Whether every workload is accepted.
    bool public anyWorkload;

    /// @notice Whether every attestation with an image is accepted.
    bool public anyImage;

    address private _pendingOwner;
    bytes32[] private _rootCas;
    mapping(bytes32 rootCa => RootCa) private _rootCa;

    /// @notice Workloads that are accepted by name.
    mapping(bytes32 workload => bool) public allowedWorkloads;

    /// @notice Images that are accepted by name.
    mapping(bytes32 image => bool) public allowedImages;

    /// @notice A root certificate was added at the end of the list.
    event RootCaAdded(bytes32 indexed rootCa, bytes der, bool simulated);

    /// @notice A root certificate was taken out of the list.
    event RootCaRemoved(bytes32 indexed rootCa);

    /// @notice The accepted TCB statuses changed.
    event AllowedStatusesSet(uint8 allowedStatuses);

    /// @notice The least TCB evaluation number changed.
    event LeastTcbEvaluationNumberSet(uint32 leastTcbEvaluationNumber);

    /// @notice It changed whether every workload is accepted.
    event AnyWorkloadSet(bool anyWorkload);

    /// @notice It changed whether every image is accepted.
    event AnyImageSet(bool anyImage);

    /// @notice It changed whether a workload is accepted by name.
    event WorkloadSet(bytes32 indexed workload, bool allowed);

    /// @notice It changed whether an image is accepted by name.
    event ImageSet(bytes32 indexed image, bool allowed);

    error InvalidDerLength(uint256 length, uint256 maximum);
    error RootCaListFull(uint256 maximum);
    error RootCaAlreadyListed(bytes32 rootCa);
    error RootCaNotListed(bytes32 rootCa);
    error RootCaCountMismatch(uint256 ders, uint256 simulated);
    error UnknownStatuses(uint8 allowedStatuses, uint8 known);
    error ZeroImage();

    /// @notice Sets the first policy, once.
    /// @param owner_                    May change the policy.
    /// @param allowedStatuses_          Bitmap of the accepted TCB statuses.
    /// @param leastTcbEvaluationNumber_ Least TCB evaluation number.
    /// @param anyWorkload_              Whether every workload is accepted.
    /// @param anyImage_                 Whether every image is accepted.
    /// @param ders                      Root certificates, in the order in which they are tried.
    /// @param simulated                 For each of them, whether it is one of a simulated TEE.
    function initialize(
        address owner_,
        uint8 allowedStatuses_,
        uint32 leastTcbEvaluationNumber_,
        bool anyWorkload_,
        bool anyImage_,
        bytes[] calldata ders,
        bool[] calldata simulated
    ) external {
        _initializeOwner(owner_);
        _setAllowedStatuses(allowedStatuses_);
        _setLeastTcbEvaluationNumber(leastTcbEvaluationNumber_);
        _setAnyWorkload(anyWorkload_);
        _setAnyImage(anyImage_);
        if (ders.length != simulated.length) revert RootCaCountMismatch(ders.length, simulated.length);
        for (uint256 i = 0; i < ders.length; i++) {
            _addRootCa(ders[i], simulated[i]);
        }
    }

    /// @notice Adds a root certificate at the end of the list.
    /// @param der       The certificate, 1 to 2,048 bytes of DER.
    /// @param simulated Whether it is the root of a simulated TEE.
    function addRootCa(bytes calldata der, bool simulated) external onlyOwner {
        _addRootCa(der, simulated);
    }

    /// @notice Takes a root certificate out of the list; the others keep their order.
    /// @param rootCa_ keccak256 of the certificate's DER.
    function removeRootCa(bytes32 rootCa_) external onlyOwner {
        if (_rootCa[rootCa_].der.length == 0) revert RootCaNotListed(rootCa_);
        delete _rootCa[rootCa_];
        uint256 last = _rootCas.length - 1;
        uint256 i = 0;
        while (_rootCas[i] != rootCa_) i++;
        for (; i < last; i++) {
            _rootCas[i] = _rootCas[i + 1];
        }
        _rootCas.pop();
        emit RootCaRemoved(rootCa_);
    }

    /// @notice Sets the accepted TCB statuses; bit i stands for status i, 0 to 5.
    function setAllowedStatuses(uint8 allowedStatuses_) external onlyOwner {
        _setAllowedStatuses(allowedStatuses_);
    }

    /// @notice Sets the least TCB evaluation number.
    function setLeastTcbEvaluationNumber(uint32 leastTcbEvaluationNumber_) external onlyOwner {
        _setLeastTcbEvaluationNumber(leastTcbEvaluationNumber_);
    }

    /// @notice Sets whether every workload is accepted.
    function setAnyWorkload(bool anyWorkload_) external onlyOwner {
        _setAnyWorkload(anyWorkload_);
    }

    /// @notice Sets whether every attestation with an image is accepted.
    function setAnyImage(bool anyImage_) external onlyOwner {
        _setAnyImage(anyImage_);
    }

    /// @notice Sets whether `workload` is accepted by name.
    function setWorkload(bytes32 workload, bool allowed) external onlyOwner {
        allowedWorkloads[workload] = allowed;
        emit WorkloadSet(workload, allowed);
    }

    /// @notice Sets whether `image` is accepted by name. Zero stands for no image and cannot be accepted.
    function setImage(bytes32 image, bool allowed) external onlyOwner {
        if (image == 0) revert ZeroImage();
        allowedImages[image] = allowed;
        emit ImageSet(image, allowed);
    }

    /// @notice Hashes of the root certificates, in the order in which they are tried.
    function rootCas() external view returns (bytes32[] memory) {
        return _rootCas;
    }

    /// @notice The root certificate whose DER hashes to `rootCa_`; empty where it is not listed.
    function rootCa(bytes32 rootCa_) external view returns (bytes memory der, bool simulated) {
        RootCa storage listed = _rootCa[rootCa_];
        return (listed.der, listed.simulated);
    }

    /// @notice Whether attestations of this workload and image (zero where there is none) are accepted.
    function isWorkloadAllowed(bytes32 workload, bytes32 image) external view returns (bool) {
        return anyWorkload || allowedWorkloads[workload] || (image != 0 && (anyImage || allowedImages[image]));
    }

    /// @notice Whether a TCB status is accepted.
    function isStatusAllowed(uint8 tcbStatus) external view returns (bool) {
        return (uint256(allowedStatuses) >> tcbStatus) & 1 == 1;
    }

    /// @inheritdoc Owned
    function pendingOwner() public view override returns (address) {
        return _pendingOwner;
    }

    function _addRootCa(bytes calldata der, bool simulated) private {
        if (der.length == 0 || der.length > MAXIMUM_DER_LENGTH) revert InvalidDerLength(der.length, MAXIMUM_DER_LENGTH);
        if (_rootCas.length == MAXIMUM_ROOT_CAS) revert RootCaListFull(MAXIMUM_ROOT_CAS);
        bytes32 hash = keccak256(der);
        if (_rootCa[hash].der.length != 0) revert RootCaAlreadyListed(hash);
        _rootCas.push(hash);
        _rootCa[hash] = RootCa(der, simulated);
        emit RootCaAdded(hash, der, simulated);
    }

    function _setAllowedStatuses(uint8 allowedStatuses_) private {
        if (allowedStatuses_ & ~ALL_STATUSES != 0) revert UnknownStatuses(allowedStatuses_, ALL_STATUSES);
        allowedStatuses = allowedStatuses_;
        emit AllowedStatusesSet(allowedStatuses_);
    }

    function _setLeastTcbEvaluationNumber(uint32 leastTcbEvaluationNumber_) private {
        leastTcbEvaluationNumber = leastTcbEvaluationNumber_;
        emit LeastTcbEvaluationNumberSet(leastTcbEvaluationNumber_);
    }

    function _setAnyWorkload(bool anyWorkload_) private {
        anyWorkload = anyWorkload_;
        emit AnyWorkloadSet(anyWorkload_);
    }

    function _setAnyImage(bool anyImage_) private {
        anyImage = anyImage_;
        emit AnyImageSet(anyImage_);
    }

    function _setPendingOwner(address next) internal override {
        _pendingOwner = next;
    }
}
