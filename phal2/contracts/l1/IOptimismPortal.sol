// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputeGameFactory} from "./IDisputeGameFactory.sol";

/// @title IOptimismPortal
/// @notice What contracts on L1 need of the portal to send messages to L2 and to receive messages from it.
interface IOptimismPortal {
    /// @notice Deposits a transaction that L2 must execute.
    /// @param to         Target on L2; zero for a creation.
    /// @param value      Wei the L2 call carries.
    /// @param gasLimit   Gas of the L2 transaction.
    /// @param isCreation Whether the L2 transaction creates a contract.
    /// @param data       Call data, or creation code.
    function depositTransaction(address to, uint256 value, uint64 gasLimit, bool isCreation, bytes memory data)
        external
        payable;

    /// @notice The L2 sender of the withdrawal being finalised, or the default sender outside of one.
    function l2Sender() external view returns (address);

    /// @notice The factory of dispute games.
    function disputeGameFactory() external view returns (IDisputeGameFactory);
}
