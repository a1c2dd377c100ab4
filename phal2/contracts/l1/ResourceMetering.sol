// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice The state of the market for L2 gas.
/// @param prevBaseFee   Price of L2 gas in wei at the latest purchase.
/// @param prevBoughtGas L2 gas bought in the block of the latest purchase.
/// @param prevBlockNum  Number of that L1 block.
struct ResourceParams {
    uint128 prevBaseFee;
    uint64 prevBoughtGas;
    uint64 prevBlockNum;
}

/// @notice The rules of the market for L2 gas.
/// @param maxResourceLimit            Most L2 gas that deposits can buy in an L1 block.
/// @param elasticityMultiplier        The limit divided by this is the target, at which the price stays.
/// @param baseFeeMaxChangeDenominator The price changes by at most 1/this a block while usage is up to twice the target.
/// @param minimumBaseFee              Least price in wei.
/// @param systemTxMaxGas              L2 gas kept for the L1 attributes transaction.
/// @param maximumBaseFee              Highest price in wei.
struct ResourceConfig {
    uint32 maxResourceLimit;
    uint8 elasticityMultiplier;
    uint8 baseFeeMaxChangeDenominator;
    uint32 minimumBaseFee;
    uint32 systemTxMaxGas;
    uint128 maximumBaseFee;
}

/// @title ResourceMetering
/// @notice Sells L2 gas to deposits for L1 gas that is burned, at a price that follows demand as the base fee of
///         EIP-1559 does (OP Stack "Guaranteed Gas Fee Market").
abstract contract ResourceMetering {
    /// @notice The price when the market opens: 1 gwei.
    uint128 private constant INITIAL_BASE_FEE = 1 gwei;

    /// @notice The L1 base fee that is reckoned with at least, so that low fees do not make a deposit burn without end.
    uint256 private constant LEAST_L1_BASE_FEE = 1 gwei;

    uint256 private constant WAD = 1e18;

    /// @dev The BLAKE2 precompile of EIP-152. It takes all the gas it is given where its input is not of 213 bytes.
    uint256 private constant GAS_SINK = 0x09;

    /// @notice The state of the market for L2 gas.
    ResourceParams public params;

    /// @notice The deposits of this block ask for more than an L2 block has.
    error OutOfGas();

    /// @notice Burns L1 gas for `amount` of L2 gas, less what the function itself used.
    modifier metered(uint64 amount) {
        uint256 initialGas = gasleft();
        _;
        _buyGas(amount, initialGas);
    }

    /// @dev The rules of the market.
    function _resourceConfig() internal view virtual returns (ResourceConfig memory);

    /// @dev Opens the market where it is not open yet.
    function _initializeResourceMetering() internal {
        if (params.prevBlockNum == 0) {
            params = ResourceParams(INITIAL_BASE_FEE, 0, uint64(block.number));
        }
    }

    function _buyGas(uint64 amount, uint256 initialGas) private {
        ResourceConfig memory config = _resourceConfig();
        ResourceParams memory market = params;
        if (block.number > market.prevBlockNum) {
            market.prevBaseFee = _nextBaseFee(market, config);
            market.prevBoughtGas = 0;
            market.prevBlockNum = uint64(block.number);
        }
        if (uint256(market.prevBoughtGas) + amount > config.maxResourceLimit) revert OutOfGas();
        market.prevBoughtGas += amount;
        params = market;

        uint256 l1BaseFee = block.basefee > LEAST_L1_BASE_FEE ? block.basefee : LEAST_L1_BASE_FEE;
        uint256 cost = uint256(amount) * market.prevBaseFee / l1BaseFee;
        uint256 used = initialGas - gasleft();
        if (cost > used) _burnGas(cost - used);
    }

    /// @dev The price after the block of the latest purchase and all the empty blocks since.
    function _nextBaseFee(ResourceParams memory market, ResourceConfig memory config) private view returns (uint128) {
        uint256 target = config.maxResourceLimit / config.elasticityMultiplier;
        uint256 denominator = config.baseFeeMaxChangeDenominator;
        uint256 fee = market.prevBaseFee;
        if (market.prevBoughtGas > target) {
            fee += fee * (market.prevBoughtGas - target) / (target * denominator);
        } else {
            fee -= fee * (target - market.prevBoughtGas) / (target * denominator);
        }
        fee = _clamp(fee, config);
        uint256 emptyBlocks = block.number - market.prevBlockNum - 1;
        if (emptyBlocks > 0) {
            fee = _clamp(fee * _power(WAD - WAD / denominator, emptyBlocks) / WAD, config);
        }
        return uint128(fee);
    }

    function _clamp(uint256 fee, ResourceConfig memory config) private pure returns (uint256) {
        if (fee < config.minimumBaseFee) return config.minimumBaseFee;
        return fee > config.maximumBaseFee ? config.maximumBaseFee : fee;
    }

    /// @dev `base`, below one, to the power of `exponent`, both base and result in units of 10**-18.
    function _power(uint256 base, uint256 exponent) private pure returns (uint256 result) {
        result = WAD;
        while (exponent > 0 && result > 0) {
            if (exponent & 1 == 1) result = result * base / WAD;
            base = base * base / WAD;
            exponent >>= 1;
        }
    }

    /// @dev Uses up at least `amount` of gas in a few calls, where a loop would keep every node busy as long as work
    ///      for that gas does. Where the transaction has less, it runs out.
    function _burnGas(uint256 amount) private view {
        uint256 start = gasleft();
        uint256 burned = 0;
        while (burned < amount) {
            assembly ("memory-safe") {
                pop(staticcall(sub(amount, burned), GAS_SINK, 0, 0, 0, 0))
            }
            burned = start - gasleft();
        }
    }
}
