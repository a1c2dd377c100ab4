// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ResourceConfig} from "./ResourceMetering.sol";

/// @title ISystemConfig
/// @notice What the other L1 contracts ask the SystemConfig.
interface ISystemConfig {
    /// @notice How much gas deposits may buy in an L1 block, and at what price.
    function resourceConfig() external view returns (ResourceConfig memory);

    /// @notice Whether withdrawals are stopped.
    function paused() external view returns (bool);

    /// @notice May stop withdrawals and judge dispute games.
    function guardian() external view returns (address);

    /// @notice The contract that holds pause and guardian.
    function superchainConfig() external view returns (address);
}
