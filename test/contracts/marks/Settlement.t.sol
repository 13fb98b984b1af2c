// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SettlementTally, SettlementWindow} from "../../../contracts/libraries/SettlementWindow.sol";
import {IMarkFeeds, SettlementFix} from "../../../contracts/marks/IMarkFeeds.sol";
import {FeedFixture} from "./FeedFixture.sol";

contract SettlementTest is FeedFixture {
    using SettlementWindow for SettlementTally;

    uint40 private constant EXPIRY_S = 1_790_003_600;
    uint64 private constant EXPIRY_MS = 1_790_003_600_000;
    uint64 private sequence;

    function setUp() public {
        deployFeeds();
        slotContext.set(1, EXPIRY_MS + 60_000);
    }

    function _spotAt(uint64 timestampMs, uint64 spot8) private {
        publish(withExpiry(marksAt(++sequence, timestampMs, spot8), EXPIRY_S));
    }

    /// @dev One mark in each interval from `first` on, worth 1,000 + i dollars.
    function _fill(uint64 first, uint64 count) private {
        for (uint64 i = first; i < first + count; ++i) {
            _spotAt(EXPIRY_MS - 1_800_000 + i * 10_000, (1_000 + i) * 1e8);
        }
    }

    function test_settlement_is_the_mean_of_the_last_half_hour() public {
        _spotAt(EXPIRY_MS - 1_800_001, 9_999e8);
        _fill(0, 180);
        _spotAt(EXPIRY_MS - 1, 9_999e8);
        vm.expectRevert(
            abi.encodeWithSelector(IMarkFeeds.NotExpired.selector, ETH, EXPIRY_S, EXPIRY_MS - 1)
        );
        feeds.settlementPrice8(ETH, EXPIRY_S);

        _spotAt(EXPIRY_MS, 9_999e8);
        // The mean of 1,000 … 1,179; a second mark of an interval, one before and one after do not count.
        assertEq(feeds.settlementPrice8(ETH, EXPIRY_S), 1_089.5e8, "mean");
        _spotAt(EXPIRY_MS + 10_000, 1e8);
        assertEq(feeds.settlementPrice8(ETH, EXPIRY_S), 1_089.5e8, "unchanged");
    }

    function test_settlement_waits_below_nine_tenths_of_the_window() public {
        _fill(19, 161);
        _spotAt(EXPIRY_MS, 1e8);
        assertEq(feeds.settlementIntervals(ETH, EXPIRY_S), 161, "present");
        vm.expectRevert(
            abi.encodeWithSelector(IMarkFeeds.SettlementWaits.selector, ETH, EXPIRY_S, 161, 162)
        );
        feeds.settlementPrice8(ETH, EXPIRY_S);
    }

    function test_nine_tenths_of_the_window_are_enough() public {
        _fill(18, 162);
        _spotAt(EXPIRY_MS, 1e8);
        // The mean of 1,018 … 1,179.
        assertEq(feeds.settlementPrice8(ETH, EXPIRY_S), 1_098.5e8, "mean");
    }

    function test_guardian_and_feeds_fix_what_the_window_could_not_give() public {
        SettlementFix memory settlement = SettlementFix(ETH, EXPIRY_S, 1_234e8);
        bytes[] memory signatures = signaturesOf(settlement);
        _spotAt(EXPIRY_MS - 1, 1e8);

        vm.startPrank(GUARDIAN);
        vm.expectPartialRevert(IMarkFeeds.NotExpired.selector);
        feeds.fixSettlement(settlement, signatures);
        vm.stopPrank();

        _spotAt(EXPIRY_MS, 1e8);
        vm.expectRevert(
            abi.encodeWithSelector(IMarkFeeds.Unauthorised.selector, address(this), GUARDIAN)
        );
        feeds.fixSettlement(settlement, signatures);

        vm.startPrank(GUARDIAN);
        settlement.price8 = 1_235e8;
        vm.expectRevert();
        feeds.fixSettlement(settlement, signatures);
        settlement.price8 = 1_234e8;
        feeds.fixSettlement(settlement, signatures);
        assertEq(feeds.settlementPrice8(ETH, EXPIRY_S), 1_234e8, "fixed");

        settlement.price8 = 1e8;
        signatures = signaturesOf(settlement);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMarkFeeds.AlreadySettled.selector,
                ETH,
                EXPIRY_S,
                uint64(1_234e8)
            )
        );
        feeds.fixSettlement(settlement, signatures);
    }

    /// @dev The packed tally equals an obvious one for any marks in any order.
    function testFuzz_packed_tally_equals_a_plain_one(uint256 seed) public pure {
        SettlementTally tally;
        bool[180] memory seen;
        (uint256 sum, uint256 count) = (0, 0);
        for (uint256 i = 0; i < 60; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            uint64 timestampMs = uint64(EXPIRY_MS - 1_900_000 + (word % 2_000_000));
            // Largest values too, so that the sum cannot run into the bits.
            uint64 spot8 = uint64(word >> 64) | (word >> 255 == 1 ? type(uint64).max : 0);
            tally = tally.add(EXPIRY_S, timestampMs, spot8);
            if (timestampMs >= EXPIRY_MS || timestampMs < EXPIRY_MS - 1_800_000) continue;
            uint256 interval = (timestampMs - (EXPIRY_MS - 1_800_000)) / 10_000;
            if (seen[interval]) continue;
            (seen[interval], sum, count) = (true, sum + spot8, count + 1);
        }
        assertEq(tally.present(), count, "present");
        if (count > 0) assertEq(tally.mean8Down(), sum / count, "mean");
    }
}
