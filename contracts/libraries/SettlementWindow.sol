// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Spot marks of one expiry's last 1,800 s: bit i says that interval i has its mark, the rest is their sum.
/// Layout from the low end: present u180, sum of USD × 10^8 u72 (180 × 2^64 < 2^72), 4 bits empty.
type SettlementTally is uint256;

using SettlementWindow for SettlementTally global;

/// @title The settlement mean: 180 intervals of 10 s, of each the first accepted mark.
library SettlementWindow {
    uint256 internal constant WINDOW_MS = 1_800_000;
    uint256 internal constant INTERVAL_MS = 10_000;
    uint256 internal constant INTERVALS = WINDOW_MS / INTERVAL_MS;
    /// @dev 90 % of the intervals: with fewer, settlement waits.
    uint256 internal constant NEEDED = 162;
    uint256 private constant PRESENT_MASK = (1 << INTERVALS) - 1;

    /// @dev Counts a mark whose time lies in [expiry − 1,800 s, expiry), if it is the first of its interval.
    function add(
        SettlementTally tally,
        uint40 expiryS,
        uint64 timestampMs,
        uint64 spot8
    ) internal pure returns (SettlementTally) {
        uint256 endMs = uint256(expiryS) * 1_000;
        if (timestampMs >= endMs || timestampMs + WINDOW_MS < endMs) return tally;
        uint256 bit = 1 << ((timestampMs + WINDOW_MS - endMs) / INTERVAL_MS);
        uint256 word = SettlementTally.unwrap(tally);
        if (word & bit != 0) return tally;
        return SettlementTally.wrap((word | bit) + (uint256(spot8) << INTERVALS));
    }

    /// @dev A full window of one price.
    function filled(uint64 price8) internal pure returns (SettlementTally) {
        return SettlementTally.wrap(PRESENT_MASK | ((uint256(price8) * INTERVALS) << INTERVALS));
    }

    /// @dev Intervals that have a mark, 0 to 180.
    function present(SettlementTally tally) internal pure returns (uint256 count) {
        uint256 word = SettlementTally.unwrap(tally) & PRESENT_MASK;
        for (; word != 0; word &= word - 1) {
            ++count;
        }
    }

    /// @dev Mean over the intervals present, USD × 10^8, rounded down; at least one must be present.
    function mean8Down(SettlementTally tally) internal pure returns (uint64) {
        // A mean of uint64 values fits uint64.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64((SettlementTally.unwrap(tally) >> INTERVALS) / present(tally));
    }
}
