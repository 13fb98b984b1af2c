// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InstrumentRisk} from "../types/Margin.sol";

/// @title What a change of one position needs when a spoke margins it by itself.
/// @dev The stand-alone requirements are subadditive, so a portfolio that starts covered stays covered when every
/// change uses at least `neededUp` of its credit.
library StandAlone {
    uint256 private constant ONE18 = 1e18;

    /// @dev Capacity that a change uses, USD × 10^18, rounded up: requirement − size × mark − cash, at least 0.
    /// Buying back a short has no requirement; selling always has the short one, because what is sold may have
    /// covered something on another rollup.
    /// @param position18 Size before the change.
    /// @param size18 The change; |size18| < 2^100.
    function neededUp(
        int256 position18,
        int256 size18,
        int256 cash18,
        InstrumentRisk calldata risk
    ) internal pure returns (uint256) {
        uint256 requirement18 =
            size18 < 0
                ? _mulUp(uint256(-size18), risk.shortRequirement18)
                : _mulUp(_openedLong(position18, size18), risk.longRequirement18);
        int256 value18 =
            size18 < 0
                ? -int256(_mulUp(uint256(-size18), risk.mark18))
                : int256((uint256(size18) * risk.mark18) / ONE18);
        int256 needed = int256(requirement18) - value18 - cash18;
        return needed > 0 ? uint256(needed) : 0;
    }

    /// @dev Says whether a change leaves no more risk on either side: smaller, never across zero, never paying
    /// cash for nothing.
    function isReducing(
        int256 position18,
        int256 size18,
        int256 cash18
    ) internal pure returns (bool) {
        if (size18 == 0) return cash18 >= 0;
        int256 after18 = position18 + size18;
        return position18 > 0 ? size18 < 0 && after18 >= 0 : size18 > 0 && after18 <= 0;
    }

    function _openedLong(int256 position18, int256 bought18) private pure returns (uint256) {
        if (position18 >= 0) return uint256(bought18);
        int256 opened18 = bought18 + position18;
        return opened18 > 0 ? uint256(opened18) : 0;
    }

    function _mulUp(uint256 size18, uint256 price18) private pure returns (uint256) {
        return (size18 * price18 + (ONE18 - 1)) / ONE18;
    }
}
