// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// @title IOptimismMintableERC20
/// @notice A token that stands for one on the other chain: a bridge mints and burns it. Its ERC-165 id is 0xec4fc8e3.
interface IOptimismMintableERC20 is IERC165 {
    /// @notice Mints `amount` to `to`.
    function mint(address to, uint256 amount) external;

    /// @notice Burns `amount` of `from`.
    function burn(address from, uint256 amount) external;

    /// @notice The token on the other chain.
    function remoteToken() external view returns (address);

    /// @notice The bridge that mints and burns.
    function bridge() external view returns (address);
}
