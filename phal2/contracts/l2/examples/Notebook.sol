// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Notebook
/// @notice An ordinary contract: storage, logs, ether, block fields, and each way to fail.
contract Notebook {
    /// @param author Who wrote the page.
    /// @param text   What it says.
    struct Page {
        address author;
        string text;
    }

    /// @notice Longest text, in bytes.
    uint256 public constant MAXIMUM_LENGTH = 1_024;

    Page[] private _pages;

    /// @notice Wei that each account has put in.
    mapping(address account => uint256) public deposited;

    /// @notice A page was written.
    event Written(address indexed author, uint256 indexed number, string text);

    /// @notice Ether was put in.
    event Deposited(address indexed account, uint256 amount);

    error TextTooLong(uint256 length, uint256 maximum);
    error NoSuchPage(uint256 number, uint256 count);

    /// @notice Puts the ether sent into the notebook.
    function deposit() external payable {
        require(msg.value != 0, "no ether sent");
        deposited[msg.sender] += msg.value;
        emit Deposited(msg.sender, msg.value);
    }

    /// @notice Writes a page; reverts with TextTooLong above 1,024 bytes.
    /// @return number The page's number.
    function write(string calldata text) external returns (uint256 number) {
        if (bytes(text).length > MAXIMUM_LENGTH) revert TextTooLong(bytes(text).length, MAXIMUM_LENGTH);
        number = _pages.length;
        _pages.push(Page(msg.sender, text));
        emit Written(msg.sender, number, text);
    }

    /// @notice Text of a page; reverts with NoSuchPage where there is none.
    function read(uint256 number) external view returns (string memory) {
        if (number >= _pages.length) revert NoSuchPage(number, _pages.length);
        return _pages[number].text;
    }

    /// @notice Author and text of a page; panics with code 0x32 where there is none.
    function page(uint256 number) external view returns (Page memory) {
        return _pages[number];
    }

    /// @notice Number of pages.
    function count() external view returns (uint256) {
        return _pages.length;
    }

    /// @notice Fields of the block that the call runs in.
    function blockFields()
        external
        view
        returns (
            uint256 number,
            uint256 timestamp,
            uint256 baseFee,
            address coinbase,
            uint256 prevRandao,
            uint256 gasLimit,
            uint256 chainId
        )
    {
        return (
            block.number,
            block.timestamp,
            block.basefee,
            block.coinbase,
            block.prevrandao,
            block.gaslimit,
            block.chainid
        );
    }

    /// @notice Always reverts with the reason given.
    function failWithReason(string calldata reason) external pure {
        revert(reason);
    }

    /// @notice Always panics with code 0x12, a division by zero.
    function failWithPanic() external pure returns (uint256) {
        uint256 zero = 0;
        return 1 / zero;
    }
}
