// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FastLZ} from "./FastLZ.sol";
import {L1Block} from "./L1Block.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title GasPriceOracle
/// @notice What a transaction on L2 pays beside gas for execution.
/// @dev ABI, formulas and storage layout are those of the OP Stack's oracle. It knows the formulas from Fjord on, as no
///      chain of this kind begins with an earlier fork.
contract GasPriceOracle {
    /// @notice Decimals of the scalars.
    uint256 public constant DECIMALS = 6;

    /// @notice The sender of the transactions that activate forks.
    address internal constant DEPOSITOR_ACCOUNT = 0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001;

    /// @notice Size of a batched transaction whose compressed size is zero, in millionths of a byte.
    int256 internal constant COST_INTERCEPT = -42_585_600;

    /// @notice Size that a byte of compressed size adds, in millionths of a byte.
    int256 internal constant COST_FASTLZ_COEF = 836_500;

    /// @notice Least size of a batched transaction, in millionths of a byte.
    int256 internal constant MIN_TRANSACTION_SIZE = 100_000_000;

    /// @notice Bytes of the signature that the transactions given here lack.
    uint256 internal constant SIGNATURE_SIZE = 68;

    /// @notice Gas of a byte of call data on L1.
    uint256 internal constant CALLDATA_GAS = 16;

    /// @notice Whether Ecotone is active.
    bool public isEcotone;

    /// @notice Whether Fjord is active.
    bool public isFjord;

    /// @notice Whether Isthmus is active.
    bool public isIsthmus;

    /// @notice Whether Jovian is active.
    bool public isJovian;

    /// @notice A fork was activated.
    event ForkActivated(string fork);

    /// @notice The caller is not the depositor account.
    error NotDepositor(address caller);

    /// @notice Forks are activated once, in their order.
    error WrongForkOrder();

    /// @notice The value is one of Bedrock's, which no formula uses since Ecotone.
    error Deprecated();

    /// @notice Activates Jovian. Nodes do it with a deposit in the fork's first block.
    function setJovian() external {
        if (msg.sender != DEPOSITOR_ACCOUNT) revert NotDepositor(msg.sender);
        if (!isIsthmus || isJovian) revert WrongForkOrder();
        isJovian = true;
        emit ForkActivated("Jovian");
    }

    /// @notice Fee for publishing a transaction on L1, in wei.
    /// @param data The transaction's encoding without a signature, for which room is added.
    function getL1Fee(bytes memory data) external view returns (uint256) {
        return _l1Fee(FastLZ.compressedLength(data) + SIGNATURE_SIZE);
    }

    /// @notice A bound of that fee for any transaction of this size, in wei.
    /// @param unsignedTxSize Size of the transaction's encoding without a signature, in bytes.
    function getL1FeeUpperBound(uint256 unsignedTxSize) external view returns (uint256) {
        uint256 size = unsignedTxSize + SIGNATURE_SIZE;
        // The longest that FastLZ makes of so many bytes, and something more.
        return _l1Fee(size + size / 255 + 16);
    }

    /// @notice Gas on L1 that a transaction is taken to cost.
    /// @param data The transaction's encoding without a signature, for which room is added.
    function getL1GasUsed(bytes memory data) external pure returns (uint256) {
        return _batchedSize(FastLZ.compressedLength(data) + SIGNATURE_SIZE) * CALLDATA_GAS / 10 ** DECIMALS;
    }

    /// @notice The operator's fee for a transaction that uses `gasUsed`, in wei.
    function getOperatorFee(uint256 gasUsed) external view returns (uint256) {
        if (!isIsthmus) return 0;
        L1Block l1Block = L1Block(Predeploys.L1_BLOCK);
        uint256 scaled = _saturatingMultiply(gasUsed, l1Block.operatorFeeScalar());
        uint256 fee = isJovian ? _saturatingMultiply(scaled, 100) : scaled / 10 ** DECIMALS;
        uint256 constantFee = l1Block.operatorFeeConstant();
        return fee > type(uint256).max - constantFee ? type(uint256).max : fee + constantFee;
    }

    /// @notice Base fee of the present L2 block, in wei.
    function gasPrice() external view returns (uint256) {
        return block.basefee;
    }

    /// @notice Base fee of the present L2 block, in wei.
    function baseFee() external view returns (uint256) {
        return block.basefee;
    }

    /// @notice Base fee of the L1 origin, in wei.
    function l1BaseFee() public view returns (uint256) {
        return L1Block(Predeploys.L1_BLOCK).basefee();
    }

    /// @notice Blob base fee of the L1 origin, in wei.
    function blobBaseFee() public view returns (uint256) {
        return L1Block(Predeploys.L1_BLOCK).blobBaseFee();
    }

    /// @notice Scalar of the L1 base fee, in millionths.
    function baseFeeScalar() public view returns (uint32) {
        return L1Block(Predeploys.L1_BLOCK).baseFeeScalar();
    }

    /// @notice Scalar of the L1 blob base fee, in millionths.
    function blobBaseFeeScalar() public view returns (uint32) {
        return L1Block(Predeploys.L1_BLOCK).blobBaseFeeScalar();
    }

    /// @notice Decimals of the scalars.
    function decimals() external pure returns (uint256) {
        return DECIMALS;
    }

    /// @notice Bedrock's overhead, which no formula uses since Ecotone: always reverts.
    function overhead() external pure returns (uint256) {
        revert Deprecated();
    }

    /// @notice Bedrock's scalar, which no formula uses since Ecotone: always reverts.
    function scalar() external pure returns (uint256) {
        revert Deprecated();
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "1.6.0";
    }

    /// @dev Fee of a transaction that FastLZ compresses to so many bytes.
    function _l1Fee(uint256 compressedLength) private view returns (uint256) {
        uint256 price = CALLDATA_GAS * baseFeeScalar() * l1BaseFee() + blobBaseFeeScalar() * blobBaseFee();
        return _batchedSize(compressedLength) * price / 10 ** (2 * DECIMALS);
    }

    /// @dev Size in a batch, in millionths of a byte, by the linear regression of Fjord.
    function _batchedSize(uint256 compressedLength) private pure returns (uint256) {
        int256 size = COST_INTERCEPT + COST_FASTLZ_COEF * int256(compressedLength);
        return uint256(size < MIN_TRANSACTION_SIZE ? MIN_TRANSACTION_SIZE : size);
    }

    function _saturatingMultiply(uint256 left, uint256 right) private pure returns (uint256) {
        if (right == 0) return 0;
        return left > type(uint256).max / right ? type(uint256).max : left * right;
    }
}
