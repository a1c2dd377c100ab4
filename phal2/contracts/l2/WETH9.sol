// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title WETH9
/// @notice Ether as an ERC-20 token.
/// @dev The ABI that wrapped ether has had since 2017, and the storage layout of the OP Stack's predeploy. An allowance
///      of 2**256 - 1 is not used up.
contract WETH9 {
    /// @notice Name of the token.
    string public constant name = "Wrapped Ether";

    /// @notice Symbol of the token.
    string public constant symbol = "WETH";

    /// @notice Decimals of the token, which are ether's.
    uint8 public constant decimals = 18;

    /// @notice Balance of an account, in wei.
    mapping(address owner => uint256) public balanceOf;

    /// @notice How much of an owner's balance a spender may transfer, in wei.
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    /// @notice `src` allowed `guy` to transfer `wad`.
    event Approval(address indexed src, address indexed guy, uint256 wad);

    /// @notice `wad` went from `src` to `dst`.
    event Transfer(address indexed src, address indexed dst, uint256 wad);

    /// @notice `dst` wrapped `wad`.
    event Deposit(address indexed dst, uint256 wad);

    /// @notice `src` unwrapped `wad`.
    event Withdrawal(address indexed src, uint256 wad);

    error InsufficientBalance(address owner, uint256 balance, uint256 needed);
    error InsufficientAllowance(address owner, address spender, uint256 allowance, uint256 needed);
    error TransferFailed(address receiver, uint256 amount);

    /// @notice Wraps the ether sent.
    receive() external payable {
        deposit();
    }

    /// @notice Wraps the ether sent, whatever the call says.
    fallback() external payable {
        deposit();
    }

    /// @notice Unwraps `wad` of the caller's.
    function withdraw(uint256 wad) external {
        _take(msg.sender, wad);
        emit Withdrawal(msg.sender, wad);
        (bool success,) = msg.sender.call{value: wad}("");
        if (!success) revert TransferFailed(msg.sender, wad);
    }

    /// @notice Allows `guy` to transfer `wad` of the caller's.
    function approve(address guy, uint256 wad) external returns (bool) {
        allowance[msg.sender][guy] = wad;
        emit Approval(msg.sender, guy, wad);
        return true;
    }

    /// @notice Transfers `wad` to `dst`.
    function transfer(address dst, uint256 wad) external returns (bool) {
        return transferFrom(msg.sender, dst, wad);
    }

    /// @notice How much ether is wrapped.
    function totalSupply() external view returns (uint256) {
        return address(this).balance;
    }

    /// @notice Wraps the ether sent.
    function deposit() public payable {
        balanceOf[msg.sender] += msg.value;
        emit Deposit(msg.sender, msg.value);
    }

    /// @notice Transfers `wad` of `src`'s to `dst`, by the caller's allowance.
    function transferFrom(address src, address dst, uint256 wad) public returns (bool) {
        if (src != msg.sender) _useAllowance(src, wad);
        _take(src, wad);
        balanceOf[dst] += wad;
        emit Transfer(src, dst, wad);
        return true;
    }

    function _useAllowance(address src, uint256 wad) private {
        uint256 allowed = allowance[src][msg.sender];
        if (allowed == type(uint256).max) return;
        if (allowed < wad) revert InsufficientAllowance(src, msg.sender, allowed, wad);
        allowance[src][msg.sender] = allowed - wad;
    }

    function _take(address src, uint256 wad) private {
        uint256 balance = balanceOf[src];
        if (balance < wad) revert InsufficientBalance(src, balance, wad);
        balanceOf[src] = balance - wad;
    }
}
