// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {Ownable} from "../universal/Ownable.sol";
import {IOptimismPortal} from "./IOptimismPortal.sol";
import {ISystemConfig} from "./ISystemConfig.sol";
import {ResourceConfig} from "./ResourceMetering.sol";

/// @title SystemConfig
/// @notice The settings of the L2 chain that its owner changes on L1: L2 nodes follow the ConfigUpdate events. It also
///         holds the guardian, who can stop withdrawals, and the addresses of the bridge's contracts.
contract SystemConfig is Ownable, Initializable, ISystemConfig {
    /// @notice What a ConfigUpdate event changes.
    enum UpdateType {
        BATCHER,
        FEE_SCALARS,
        GAS_LIMIT,
        UNSAFE_BLOCK_SIGNER,
        EIP_1559_PARAMS,
        OPERATOR_FEE
    }

    /// @notice The bridge's contracts on L1, in the order of the OP Stack's contract.
    struct Addresses {
        address l1CrossDomainMessenger;
        address l1ERC721Bridge;
        address l1StandardBridge;
        address optimismPortal;
        address optimismMintableERC20Factory;
    }

    /// @notice Version of the ConfigUpdate event.
    uint256 public constant VERSION = 0;

    /// @notice Highest gas limit of an L2 block.
    uint64 internal constant MAXIMUM_GAS_LIMIT = 500_000_000;

    /// @notice L2 gas kept for the L1 attributes transaction.
    uint32 internal constant SYSTEM_TRANSACTION_GAS = 1_000_000;

    /// @notice Most L2 gas that deposits can buy in an L1 block where L2 blocks have room for it.
    uint32 internal constant MAXIMUM_RESOURCE_LIMIT = 20_000_000;

    /// @notice Least L2 gas that deposits can buy in an L1 block.
    uint32 internal constant MINIMUM_RESOURCE_LIMIT = 1_000_000;

    /// @notice Version 1 of the scalar word, in its first byte.
    uint256 internal constant SCALAR_VERSION = 1 << 248;

    /// @notice Fixed overhead of the L1 fee, which no fork from Ecotone on has.
    uint256 public overhead;

    /// @notice The fee scalars in one word: version (1 byte), zeros, blob base fee scalar (4), base fee scalar (4).
    uint256 public scalar;

    /// @notice The address whose transactions are batches, left-padded.
    bytes32 public batcherHash;

    /// @notice Gas limit of L2 blocks.
    uint64 public gasLimit;

    /// @notice Scalar of the L1 base fee in the L1 fee.
    uint32 public basefeeScalar;

    /// @notice Scalar of the L1 blob base fee in the L1 fee.
    uint32 public blobbasefeeScalar;

    /// @notice Denominator of the base fee's greatest change; zero stands for the rollup configuration's.
    uint32 public eip1559Denominator;

    /// @notice Gas limit divided by gas target; zero stands for the rollup configuration's.
    uint32 public eip1559Elasticity;

    /// @notice Operator fee per 10**6 gas, in wei.
    uint32 public operatorFeeScalar;

    /// @notice Operator fee per transaction, in wei.
    uint64 public operatorFeeConstant;

    /// @notice Whether withdrawals are stopped.
    bool public paused;

    /// @notice Signs blocks that are not derived from L1 yet, where nodes exchange such.
    address public unsafeBlockSigner;

    /// @notice Where batches are sent.
    address public batchInbox;

    /// @notice May stop withdrawals and judge dispute games.
    address public guardian;

    /// @notice Chain id of L2.
    uint256 public l2ChainId;

    /// @notice Number of the L1 block of the initialisation.
    uint256 public startBlock;

    uint32 private _resourceLimit;
    Addresses private _addresses;

    /// @notice A setting of the L2 chain changed.
    event ConfigUpdate(uint256 indexed version, UpdateType indexed updateType, bytes data);

    /// @notice Another account may stop withdrawals and judge dispute games.
    event GuardianSet(address indexed previousGuardian, address indexed guardian);

    /// @notice Withdrawals are stopped.
    event Paused(address indexed guardian);

    /// @notice Withdrawals go on.
    event Unpaused(address indexed guardian);

    error NotGuardian(address caller, address guardian);
    error ZeroGuardian();
    error InvalidBatcherHash(bytes32 batcherHash);
    error GasLimitOutOfBounds(uint64 gasLimit, uint64 minimum, uint64 maximum);
    error ZeroEip1559Parameter(uint32 denominator, uint32 elasticity);

    modifier onlyGuardian() {
        if (msg.sender != guardian) revert NotGuardian(msg.sender, guardian);
        _;
    }

    constructor() {
        _disableInitializers();
    }

    /// @param owner_             Changes the settings; also the first guardian.
    /// @param basefeeScalar_     Scalar of the L1 base fee.
    /// @param blobbasefeeScalar_ Scalar of the L1 blob base fee.
    /// @param batcherHash_       The batcher's address, left-padded.
    /// @param gasLimit_          Gas limit of L2 blocks.
    /// @param unsafeBlockSigner_ Signs blocks that are not derived from L1 yet.
    /// @param batchInbox_        Where batches are sent.
    /// @param addresses_         The bridge's contracts.
    /// @param l2ChainId_         Chain id of L2.
    function initialize(
        address owner_,
        uint32 basefeeScalar_,
        uint32 blobbasefeeScalar_,
        bytes32 batcherHash_,
        uint64 gasLimit_,
        address unsafeBlockSigner_,
        address batchInbox_,
        Addresses calldata addresses_,
        uint256 l2ChainId_
    ) external initializer {
        _setOwner(owner_);
        _setGuardian(owner_);
        // What deposits may buy is fixed here: were it lower after a change, deposits already made could be more than
        // an L2 block takes.
        _resourceLimit = gasLimit_ < MAXIMUM_RESOURCE_LIMIT + SYSTEM_TRANSACTION_GAS
            ? uint32(gasLimit_ < SYSTEM_TRANSACTION_GAS ? 0 : gasLimit_ - SYSTEM_TRANSACTION_GAS)
            : MAXIMUM_RESOURCE_LIMIT;
        if (_resourceLimit < MINIMUM_RESOURCE_LIMIT) _resourceLimit = MINIMUM_RESOURCE_LIMIT;
        _setBatcherHash(batcherHash_);
        _setGasConfig(basefeeScalar_, blobbasefeeScalar_);
        _setGasLimit(gasLimit_);
        _setUnsafeBlockSigner(unsafeBlockSigner_);
        batchInbox = batchInbox_;
        _addresses = addresses_;
        l2ChainId = l2ChainId_;
        startBlock = block.number;
    }

    /// @notice Sets the address whose transactions are batches, left-padded to 32 bytes.
    function setBatcherHash(bytes32 batcherHash_) external onlyOwner {
        _setBatcherHash(batcherHash_);
    }

    /// @notice Sets the scalars of the L1 fee.
    function setGasConfigEcotone(uint32 basefeeScalar_, uint32 blobbasefeeScalar_) external onlyOwner {
        _setGasConfig(basefeeScalar_, blobbasefeeScalar_);
    }

    /// @notice Sets the gas limit of L2 blocks, between `minimumGasLimit` and `maximumGasLimit`.
    function setGasLimit(uint64 gasLimit_) external onlyOwner {
        _setGasLimit(gasLimit_);
    }

    /// @notice Sets the signer of blocks that are not derived from L1 yet.
    function setUnsafeBlockSigner(address unsafeBlockSigner_) external onlyOwner {
        _setUnsafeBlockSigner(unsafeBlockSigner_);
    }

    /// @notice Sets how the L2 base fee moves; both at least 1.
    function setEIP1559Params(uint32 denominator, uint32 elasticity) external onlyOwner {
        if (denominator == 0 || elasticity == 0) revert ZeroEip1559Parameter(denominator, elasticity);
        eip1559Denominator = denominator;
        eip1559Elasticity = elasticity;
        _emitUpdate(UpdateType.EIP_1559_PARAMS, abi.encode((uint256(denominator) << 32) | elasticity));
    }

    /// @notice Sets the operator fee: wei per 10**6 gas, and wei per transaction.
    function setOperatorFeeScalars(uint32 operatorFeeScalar_, uint64 operatorFeeConstant_) external onlyOwner {
        operatorFeeScalar = operatorFeeScalar_;
        operatorFeeConstant = operatorFeeConstant_;
        _emitUpdate(UpdateType.OPERATOR_FEE, abi.encode((uint256(operatorFeeScalar_) << 64) | operatorFeeConstant_));
    }

    /// @notice Sets who may stop withdrawals and judge dispute games.
    function setGuardian(address guardian_) external onlyOwner {
        _setGuardian(guardian_);
    }

    /// @notice Stops withdrawals.
    function pause() external onlyGuardian {
        paused = true;
        emit Paused(msg.sender);
    }

    /// @notice Lets withdrawals go on.
    function unpause() external onlyGuardian {
        paused = false;
        emit Unpaused(msg.sender);
    }

    /// @inheritdoc ISystemConfig
    function resourceConfig() external view returns (ResourceConfig memory) {
        return ResourceConfig({
            maxResourceLimit: _resourceLimit,
            elasticityMultiplier: 10,
            baseFeeMaxChangeDenominator: 8,
            minimumBaseFee: 1 gwei,
            systemTxMaxGas: SYSTEM_TRANSACTION_GAS,
            maximumBaseFee: type(uint128).max
        });
    }

    /// @inheritdoc ISystemConfig
    /// @dev One chain has one pause, so this contract is its own SuperchainConfig.
    function superchainConfig() external view returns (address) {
        return address(this);
    }

    /// @notice The bridge's contracts.
    function getAddresses() external view returns (Addresses memory) {
        return _addresses;
    }

    /// @notice The messenger of L1.
    function l1CrossDomainMessenger() external view returns (address) {
        return _addresses.l1CrossDomainMessenger;
    }

    /// @notice The token bridge of L1.
    function l1StandardBridge() external view returns (address) {
        return _addresses.l1StandardBridge;
    }

    /// @notice The bridge of ERC-721 tokens; zero on a chain that has none.
    function l1ERC721Bridge() external view returns (address) {
        return _addresses.l1ERC721Bridge;
    }

    /// @notice The factory of dispute games, which is the portal's.
    function disputeGameFactory() external view returns (address) {
        return address(IOptimismPortal(_addresses.optimismPortal).disputeGameFactory());
    }

    /// @notice The portal.
    function optimismPortal() external view returns (address) {
        return _addresses.optimismPortal;
    }

    /// @notice The factory of tokens that stand for L2 tokens.
    function optimismMintableERC20Factory() external view returns (address) {
        return _addresses.optimismMintableERC20Factory;
    }

    /// @notice Highest gas limit that can be set.
    function maximumGasLimit() external pure returns (uint64) {
        return MAXIMUM_GAS_LIMIT;
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "3.4.0";
    }

    /// @notice Least gas limit that can be set: an L2 block must take the deposits of an L1 block.
    function minimumGasLimit() public view returns (uint64) {
        return uint64(_resourceLimit) + SYSTEM_TRANSACTION_GAS;
    }

    function _setBatcherHash(bytes32 batcherHash_) private {
        // L2 nodes skip an event with more than an address in it; then this contract would say what does not hold.
        if (uint256(batcherHash_) > type(uint160).max) revert InvalidBatcherHash(batcherHash_);
        batcherHash = batcherHash_;
        _emitUpdate(UpdateType.BATCHER, abi.encode(batcherHash_));
    }

    function _setGasConfig(uint32 basefeeScalar_, uint32 blobbasefeeScalar_) private {
        basefeeScalar = basefeeScalar_;
        blobbasefeeScalar = blobbasefeeScalar_;
        scalar = SCALAR_VERSION | (uint256(blobbasefeeScalar_) << 32) | basefeeScalar_;
        _emitUpdate(UpdateType.FEE_SCALARS, abi.encode(overhead, scalar));
    }

    function _setGasLimit(uint64 gasLimit_) private {
        if (gasLimit_ < minimumGasLimit() || gasLimit_ > MAXIMUM_GAS_LIMIT) {
            revert GasLimitOutOfBounds(gasLimit_, minimumGasLimit(), MAXIMUM_GAS_LIMIT);
        }
        gasLimit = gasLimit_;
        _emitUpdate(UpdateType.GAS_LIMIT, abi.encode(gasLimit_));
    }

    function _setUnsafeBlockSigner(address unsafeBlockSigner_) private {
        unsafeBlockSigner = unsafeBlockSigner_;
        _emitUpdate(UpdateType.UNSAFE_BLOCK_SIGNER, abi.encode(unsafeBlockSigner_));
    }

    function _setGuardian(address guardian_) private {
        if (guardian_ == address(0)) revert ZeroGuardian();
        emit GuardianSet(guardian, guardian_);
        guardian = guardian_;
    }

    function _emitUpdate(UpdateType updateType, bytes memory data) private {
        emit ConfigUpdate(VERSION, updateType, data);
    }
}
