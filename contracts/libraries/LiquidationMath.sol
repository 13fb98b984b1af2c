// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Lines and prices of a liquidation, from equity E and maintenance balance M in USD × 10^18.
/// @dev The requirement is E − M. Each line is compared in whole numbers, so nothing is rounded there:
/// call line E − 1.1(E − M) = (11M − E)/10, buffer BM = E − 1.15(E − M) = (23M − 3E)/20.
library LiquidationMath {
    uint256 internal constant ONE18 = 1e18;
    uint256 internal constant FAST_MS = 60_000;
    uint256 internal constant SLOW_MS = 840_000;
    uint256 internal constant FIRST_PRICE18 = 0.98e18;
    uint256 internal constant KNEE_PRICE18 = 0.8e18;
    uint256 internal constant GRACE_MS_MAX = 60_000;

    /// @dev True when maintenance margin is within a tenth of the requirement.
    function belowCallLine(int256 equity18, int256 maintenance18) internal pure returns (bool) {
        return 11 * maintenance18 < equity18;
    }

    /// @dev True when BM is at least 5 % of the requirement: what ends a margin call.
    function aboveClearLine(int256 equity18, int256 maintenance18) internal pure returns (bool) {
        return 6 * maintenance18 >= equity18;
    }

    /// @dev BM, rounded down: towards a larger shortfall.
    function buffer18Down(int256 equity18, int256 maintenance18) internal pure returns (int256) {
        int256 twentyfold18 = 23 * maintenance18 - 3 * equity18;
        int256 quotient18 = twentyfold18 / 20;
        return twentyfold18 % 20 < 0 ? quotient18 - 1 : quotient18;
    }

    /// @dev Time that a called account has before its sale may start. A price wanders over a distance in a time
    /// that grows with the distance squared, so what is left of M above zero, as part of M at the call line, is
    /// squared: 60 s at the line, none at zero. Rounded down.
    function graceMsDown(int256 equity18, int256 maintenance18) internal pure returns (uint256) {
        if (maintenance18 <= 0) return 0;
        // At the call line M is a tenth of the requirement E − M.
        uint256 left = uint256(10 * maintenance18);
        uint256 line = uint256(equity18 - maintenance18);
        if (left >= line) return GRACE_MS_MAX;
        return Math.mulDiv(Math.mulDiv(GRACE_MS_MAX, left, line), left, line);
    }

    /// @dev Price of a part as a share of its value × 10^18: 0.98 → 0.80 in the first 60 s, → 0 by the fifteenth
    /// minute; never grows with time (V14). Rounded down.
    function price18Down(uint256 elapsedMs) internal pure returns (uint256) {
        if (elapsedMs < FAST_MS) {
            return FIRST_PRICE18 - ((FIRST_PRICE18 - KNEE_PRICE18) * elapsedMs) / FAST_MS;
        }
        uint256 slowMs = elapsedMs - FAST_MS;
        return slowMs >= SLOW_MS ? 0 : (KNEE_PRICE18 * (SLOW_MS - slowMs)) / SLOW_MS;
    }

    /// @dev The part × 10^18 whose sale brings BM back to zero: BM/(BM − d·E), rounded up, for BM < 0 and E > 0.
    function maxFraction18Up(
        int256 buffer18,
        int256 equity18,
        uint256 price18
    ) internal pure returns (uint256) {
        uint256 short18 = uint256(-buffer18);
        uint256 worth18 = Math.mulDiv(uint256(equity18), price18, ONE18);
        return Math.mulDiv(short18, ONE18, short18 + worth18, Math.Rounding.Ceil);
    }

    /// @dev Least that buys a part: f·d·E, rounded up.
    function bid18Up(
        uint256 fraction18,
        int256 equity18,
        uint256 price18
    ) internal pure returns (uint256) {
        uint256 whole18 = Math.mulDiv(uint256(equity18), price18, ONE18, Math.Rounding.Ceil);
        return Math.mulDiv(whole18, fraction18, ONE18, Math.Rounding.Ceil);
    }

    /// @dev What a bidder must own in cash: payment and the part's share of the shortfall, rounded up.
    function cash18Up(
        uint256 paid18,
        uint256 fraction18,
        int256 buffer18
    ) internal pure returns (uint256) {
        return paid18 + Math.mulDiv(uint256(-buffer18), fraction18, ONE18, Math.Rounding.Ceil);
    }

    /// @dev What a bid pays to insurance besides its price: 1 %, rounded up.
    function fee18Up(uint256 bid18) internal pure returns (uint256) {
        return Math.ceilDiv(bid18, 100);
    }
}
