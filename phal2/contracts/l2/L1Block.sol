// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title L1Block
/// @notice Values of the L1 origin of the present L2 block. The first transaction of every L2 block sets them.
/// @dev Storage layout, getters and packed call data are those of the OP Stack's L1Block.
contract L1Block {
    /// @notice The sender of L1 attributes transactions.
    address public constant DEPOSITOR_ACCOUNT = 0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001;

    /// @notice Number of the L1 block.
    uint64 public number;

    /// @notice Timestamp of the L1 block, in Unix seconds.
    uint64 public timestamp;

    /// @notice Base fee of the L1 block, in wei.
    uint256 public basefee;

    /// @notice Hash of the L1 block.
    bytes32 public hash;

    /// @notice Number of L2 blocks since the first one of this L1 origin.
    uint64 public sequenceNumber;

    /// @notice Scalar of the L1 blob base fee, in millionths.
    uint32 public blobBaseFeeScalar;

    /// @notice Scalar of the L1 base fee, in millionths.
    uint32 public baseFeeScalar;

    /// @notice The batcher's address, left-padded.
    bytes32 public batcherHash;

    /// @notice Overhead of the L1 fee before Ecotone; unused since.
    uint256 public l1FeeOverhead;

    /// @notice Scalar of the L1 fee before Ecotone; unused since.
    uint256 public l1FeeScalar;

    /// @notice Blob base fee of the L1 block, in wei.
    uint256 public blobBaseFee;

    /// @notice Constant of the operator fee, in wei.
    uint64 public operatorFeeConstant;

    /// @notice Scalar of the operator fee, in millionths.
    uint32 public operatorFeeScalar;

    /// @notice Gas that a byte of data availability footprint takes; set from Jovian on.
    uint16 public daFootprintGasScalar;

    /// @notice The caller is not the depositor account.
    error NotDepositor();

    /// @notice Sets the values of Ecotone's L1 attributes. Packed after the selector: baseFeeScalar (4 bytes),
    ///         blobBaseFeeScalar (4), sequenceNumber (8), timestamp (8), number (8), basefee (32), blobBaseFee (32),
    ///         hash (32), batcherHash (32).
    function setL1BlockValuesEcotone() external {
        _setEcotoneValues();
    }

    /// @notice Sets the values of Isthmus' L1 attributes: Ecotone's, then operatorFeeScalar (4 bytes) and
    ///         operatorFeeConstant (8).
    function setL1BlockValuesIsthmus() external {
        _setEcotoneValues();
        uint256 word = _word(164);
        operatorFeeScalar = uint32(word >> 224);
        operatorFeeConstant = uint64(word >> 160);
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "1.6.0";
    }

    function _setEcotoneValues() private {
        if (msg.sender != DEPOSITOR_ACCOUNT) revert NotDepositor();
        uint256 word = _word(4);
        baseFeeScalar = uint32(word >> 224);
        blobBaseFeeScalar = uint32(word >> 192);
        sequenceNumber = uint64(word >> 128);
        timestamp = uint64(word >> 64);
        number = uint64(word);
        basefee = _word(36);
        blobBaseFee = _word(68);
        hash = bytes32(_word(100));
        batcherHash = bytes32(_word(132));
    }

    /// @dev 32 bytes of call data from `offset` on.
    function _word(uint256 offset) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(offset)
        }
    }
}
