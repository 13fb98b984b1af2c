// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Pairs holders of one series with its writers, so that every settlement sums to zero.
library SettlementCash {
    /// @dev For signed sizes of a set of accounts, how much of each is closed and what cash each gets at
    /// `payoff18` USD × 10^18 a contract. The larger side is closed in the order given, as far as the smaller side
    /// goes. Both sides cut the same sum at each account, so the cash adds up exactly; an account is less than one
    /// 10^-18 USD away from its own product.
    /// @return closed18 What each size changes by: opposite in sign, never larger.
    /// @return cash18 What each account gets; longs receive, shorts pay.
    function pair(
        int256[] memory sizes18,
        uint256 payoff18
    ) internal pure returns (int256[] memory closed18, int256[] memory cash18) {
        (uint256 long18, uint256 short18) = (0, 0);
        for (uint256 i = 0; i < sizes18.length; ++i) {
            if (sizes18[i] > 0) long18 += uint256(sizes18[i]);
            else short18 += uint256(-sizes18[i]);
        }
        uint256 matched18 = Math.min(long18, short18);
        closed18 = new int256[](sizes18.length);
        cash18 = new int256[](sizes18.length);
        (long18, short18) = (0, 0);
        for (uint256 i = 0; i < sizes18.length; ++i) {
            uint256 cash;
            if (sizes18[i] > 0) {
                uint256 take18 = Math.min(uint256(sizes18[i]), matched18 - long18);
                (cash, long18) = _cut(long18, take18, payoff18);
                (closed18[i], cash18[i]) = (-int256(take18), int256(cash));
            } else {
                uint256 take18 = Math.min(uint256(-sizes18[i]), matched18 - short18);
                (cash, short18) = _cut(short18, take18, payoff18);
                (closed18[i], cash18[i]) = (int256(take18), -int256(cash));
            }
        }
    }

    /// @dev The piece of one side's cash between two running sizes, each rounded down.
    function _cut(
        uint256 before18,
        uint256 take18,
        uint256 payoff18
    ) private pure returns (uint256 cash18, uint256 after18) {
        after18 = before18 + take18;
        cash18 = Math.mulDiv(after18, payoff18, 1e18) - Math.mulDiv(before18, payoff18, 1e18);
    }
}
