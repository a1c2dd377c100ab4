// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AddressAlias} from "./AddressAlias.sol";
import {IOptimismPortal} from "./IOptimismPortal.sol";

/// @title OptimismPortal
/// @notice The way from L1 into L2: every call to `depositTransaction` becomes a deposit transaction (type 0x7E) of the
///         L2 block whose L1 origin is the block of the call. ABI, event, limits and error names are those of the OP
///         Stack's portal, version 4. Ether sent along is locked here and minted on L2.
contract OptimismPortal is IOptimismPortal {
    /// @notice Version of the encoding of `opaqueData`.
    uint256 internal constant DEPOSIT_VERSION = 0;

    /// @notice Gas of the deposit made by a plain transfer of ether.
    uint64 internal constant RECEIVE_DEFAULT_GAS_LIMIT = 100_000;

    /// @notice Most gas one deposit can ask of an L2 block.
    uint64 internal constant MAXIMUM_GAS_LIMIT = 20_000_000;

    /// @notice Longest call data of a deposit, in bytes, so that a deposit fits into an L2 node's message limits.
    uint256 internal constant MAXIMUM_DATA_LENGTH = 120_000;

    /// @notice What `l2Sender` answers outside of a withdrawal.
    address internal constant DEFAULT_L2_SENDER = 0x000000000000000000000000000000000000dEaD;

    /// @notice A transaction was deposited; L2 nodes derive it from this log alone.
    /// @param from       Sender on L2: the caller, aliased where it is a contract.
    /// @param to         Target on L2.
    /// @param version    Version of `opaqueData`.
    /// @param opaqueData mint (32 bytes), value (32), gas limit (8), is creation (1), then the data, packed.
    event TransactionDeposited(address indexed from, address indexed to, uint256 indexed version, bytes opaqueData);

    /// @notice A creation has a target.
    error OptimismPortal_BadTarget();

    /// @notice The data is longer than 120,000 bytes.
    error OptimismPortal_CalldataTooLarge();

    /// @notice The gas limit is below `minimumGasLimit` of the data's length.
    error OptimismPortal_GasLimitTooLow();

    /// @notice The gas limit is above what an L2 block has for deposits.
    error OutOfGas();

    /// @notice Deposits the ether sent, to the sender's own address on L2.
    receive() external payable {
        depositTransaction(msg.sender, msg.value, RECEIVE_DEFAULT_GAS_LIMIT, false, bytes(""));
    }

    /// @inheritdoc IOptimismPortal
    function depositTransaction(address to, uint256 value, uint64 gasLimit, bool isCreation, bytes memory data)
        public
        payable
    {
        if (isCreation && to != address(0)) revert OptimismPortal_BadTarget();
        if (data.length > MAXIMUM_DATA_LENGTH) revert OptimismPortal_CalldataTooLarge();
        if (gasLimit < minimumGasLimit(uint64(data.length))) revert OptimismPortal_GasLimitTooLow();
        if (gasLimit > MAXIMUM_GAS_LIMIT) revert OutOfGas();

        address from = _senderIsAccount() ? msg.sender : AddressAlias.applyAlias(msg.sender);
        emit TransactionDeposited(
            from, to, DEPOSIT_VERSION, abi.encodePacked(msg.value, value, gasLimit, isCreation, data)
        );
    }

    /// @inheritdoc IOptimismPortal
    function l2Sender() external pure returns (address) {
        return DEFAULT_L2_SENDER;
    }

    /// @notice Least gas limit of a deposit with `byteCount` bytes of data: the intrinsic gas at the floor price.
    function minimumGasLimit(uint64 byteCount) public pure returns (uint64) {
        return byteCount * 40 + 21_000;
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "4.0.0";
    }

    /// @dev An account with an EIP-7702 delegation has code, 0xef0100 and an address, and is no contract.
    function _senderIsAccount() private view returns (bool) {
        if (msg.sender == tx.origin) return true;
        return msg.sender.code.length == 23 && bytes3(msg.sender.code) == 0xef0100;
    }
}
