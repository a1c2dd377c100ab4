// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// @title ILegacyMintableERC20
/// @notice The interface that tokens of the bridge had before Bedrock. Its ERC-165 id is 0x1d1d8b63.
interface ILegacyMintableERC20 is IERC165 {
    /// @notice Mints `amount` to `to`.
    function mint(address to, uint256 amount) external;

    /// @notice Burns `amount` of `from`.
    function burn(address from, uint256 amount) external;

    /// @notice The token on the other chain.
    function l1Token() external view returns (address);
}
