// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title An option series out of its risk key: underlying u16 ‖ kind u8 ‖ expiry u40 ‖ strike u64 ‖ right u8.
library OptionSeries {
    uint256 internal constant KEY_BITS = 136;
    uint256 private constant STRIKE_OFFSET = 8;
    uint256 private constant EXPIRY_OFFSET = 72;
    uint256 private constant KIND_OFFSET = 112;
    uint256 private constant UNDERLYING_OFFSET = 120;
    uint8 private constant KIND_OPTION = 1;
    uint8 private constant RIGHT_PUT = 1;
    /// @dev From 10^-8 USD to 10^-18 USD.
    uint256 private constant SCALE = 1e10;

    /// @dev The parts of an option's key; strike in USD × 10^8.
    struct Parts {
        uint16 underlying;
        uint40 expiryS;
        uint64 strike8;
        bool put;
    }

    /// @dev True for a key of 136 bits that names an option with a strike above zero.
    function isOption(uint256 riskKey) internal pure returns (bool) {
        return
            riskKey >> KEY_BITS == 0 &&
            uint8(riskKey >> KIND_OFFSET) == KIND_OPTION &&
            uint8(riskKey) <= RIGHT_PUT &&
            uint64(riskKey >> STRIKE_OFFSET) != 0;
    }

    /// @dev Takes a key apart that {isOption} holds for.
    function parts(uint256 riskKey) internal pure returns (Parts memory) {
        return
            Parts({
                underlying: uint16(riskKey >> UNDERLYING_OFFSET),
                expiryS: uint40(riskKey >> EXPIRY_OFFSET),
                strike8: uint64(riskKey >> STRIKE_OFFSET),
                put: uint8(riskKey) == RIGHT_PUT
            });
    }

    /// @dev What one contract pays at a settlement price in USD × 10^8; USD × 10^18, exact.
    function payoff18(Parts memory series, uint64 price8) internal pure returns (uint128) {
        (uint64 high8, uint64 low8) = series.put
            ? (series.strike8, price8)
            : (price8, series.strike8);
        // Below 2^64 × 10^10.
        return high8 > low8 ? uint128((high8 - low8) * SCALE) : 0;
    }
}
