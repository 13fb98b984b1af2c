// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LiquidationMath} from "../../../contracts/libraries/LiquidationMath.sol";
import {TestBase} from "../TestBase.sol";

contract LiquidationMathTest is TestBase {
    /// @dev Rows of equity, maintenance, seconds, buffer, price, largest fraction, bid for all of it. The unit tests
    /// of the SDK read these lines too, so both engines answer for the same figures.
    function test_contract_and_sdk_agree_to_the_last_unit() public pure {
        _row(
            100000000000000000000000,
            -3000000000000000000000,
            0,
            -18450000000000000000000,
            980000000000000000,
            158437097466723916,
            15526835551738943768000
        );
        _row(
            100000000000000000000007,
            -3000000000000000000001,
            59,
            -18450000000000000000003,
            803000000000000000,
            186835443037974684,
            15002886075949367125202
        );
        _row(
            1234567890123456789,
            -987654321098765432,
            60,
            -1320987652782098766,
            800000000000000000,
            572192515286911274,
            565128405073756678
        );
        _row(
            5000000000000000000000000,
            -1000000000000000000000000,
            301,
            -1900000000000000000000000,
            570476190476190476,
            399799599198396794,
            1140380761523046092981144
        );
        _row(
            77000000000000000000,
            -500000000000000000,
            899,
            -12125000000000000000,
            952380952380952,
            993988249760896300,
            72892471649132367
        );
        _row(
            77000000000000000000,
            -500000000000000000,
            900,
            -12125000000000000000,
            0,
            1000000000000000000,
            0
        );
    }

    function _row(
        int256 equity18,
        int256 maintenance18,
        uint256 seconds_,
        int256 buffer18,
        uint256 price18,
        uint256 fraction18,
        uint256 bid18
    ) private pure {
        assertEq(LiquidationMath.buffer18Down(equity18, maintenance18), buffer18, "buffer");
        assertEq(LiquidationMath.price18Down(seconds_ * 1_000), price18, "price");
        uint256 largest18 = LiquidationMath.maxFraction18Up(buffer18, equity18, price18);
        assertEq(largest18, fraction18, "fraction");
        assertEq(LiquidationMath.bid18Up(largest18, equity18, price18), bid18, "bid");
    }

    function test_call_and_clear_lines() public pure {
        // Requirement 1,000: the call line is M = 100, the clear line BM = M − 150 = 50.
        assertTrue(!LiquidationMath.belowCallLine(1_100e18, 100e18), "at the call line");
        assertTrue(LiquidationMath.belowCallLine(1_100e18 - 1, 100e18 - 1), "below it");
        assertTrue(LiquidationMath.aboveClearLine(1_200e18, 200e18), "at the clear line");
        assertTrue(!LiquidationMath.aboveClearLine(1_200e18 - 1, 200e18 - 1), "below it");
    }

    function test_grace_shrinks_with_the_square_of_what_is_left() public pure {
        assertEq(LiquidationMath.graceMsDown(1_100e18, 100e18), 60_000, "at the line");
        assertEq(LiquidationMath.graceMsDown(1_050e18, 50e18), 15_000, "half way");
        assertEq(LiquidationMath.graceMsDown(1_000e18, 0), 0, "at zero");
        assertEq(LiquidationMath.graceMsDown(900e18, -100e18), 0, "below zero");
    }

    /// @dev V13 for any account and moment: the largest part brings BM to zero, any part leaves no more shortfall
    /// than it took.
    function testFuzz_V13_a_bid_heals_in_proportion(
        uint256 equity,
        uint256 requirement,
        uint256 elapsedMs,
        uint256 part
    ) public pure {
        int256 equity18 = int256(bound(equity, 1, 1e30));
        int256 maintenance18 = equity18 - int256(bound(requirement, uint256(equity18) + 1, 2e30));
        int256 buffer18 = LiquidationMath.buffer18Down(equity18, maintenance18);
        uint256 price18 = LiquidationMath.price18Down(bound(elapsedMs, 0, 1_000_000));
        uint256 largest18 = LiquidationMath.maxFraction18Up(buffer18, equity18, price18);
        assertTrue(largest18 > 0 && largest18 <= 1e18, "0 < f_max <= 1");

        // A wei of rounding, and one for each 10^18 wei that a step of the fraction is worth.
        int256 slack18 = 2 + (equity18 - buffer18) / 1e18;
        int256 after18 = _bufferAfter(buffer18, equity18, price18, largest18);
        assertTrue(after18 >= -1 && after18 <= slack18, "BM is zero after the largest part");

        uint256 fraction18 = bound(part, 1, largest18);
        after18 = _bufferAfter(buffer18, equity18, price18, fraction18);
        assertTrue(after18 >= _kept(buffer18, fraction18), "BM >= BM before * (1 - f)");
        assertTrue(after18 <= slack18, "BM does not pass zero");
    }

    /// @dev V14: never negative, never above value, never growing.
    function testFuzz_V14_price_only_falls(
        uint256 earlier,
        uint256 later,
        uint256 equity
    ) public pure {
        earlier = bound(earlier, 0, 2_000_000);
        later = bound(later, earlier, 2_000_001);
        int256 equity18 = int256(bound(equity, 1, 1e30));
        uint256 first18 = LiquidationMath.price18Down(earlier);
        uint256 second18 = LiquidationMath.price18Down(later);
        assertTrue(second18 <= first18 && first18 <= 0.98e18, "falls from 0.98");
        assertTrue(
            LiquidationMath.bid18Up(1e18, equity18, first18) <= uint256(equity18),
            "<= value"
        );
        // Quoted earlier is enough later, and not too large.
        assertTrue(
            LiquidationMath.maxFraction18Up(-1e24, equity18, first18) <=
                LiquidationMath.maxFraction18Up(-1e24, equity18, second18),
            "the largest part only grows"
        );
    }

    /// @dev Requirement and shortfall shrink by the part sold; the bid is cash, which counts in full.
    function _bufferAfter(
        int256 buffer18,
        int256 equity18,
        uint256 price18,
        uint256 fraction18
    ) private pure returns (int256) {
        uint256 bid18 = LiquidationMath.bid18Up(fraction18, equity18, price18);
        return _kept(buffer18, fraction18) + int256(bid18);
    }

    function _kept(int256 buffer18, uint256 fraction18) private pure returns (int256) {
        return buffer18 + ((-buffer18) * int256(fraction18)) / 1e18;
    }
}
