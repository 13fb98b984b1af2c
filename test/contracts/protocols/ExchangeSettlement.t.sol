// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CrossMarginClient} from "../../../contracts/kit/CrossMarginClient.sol";
import {PackedSizes, SizePair} from "../../../contracts/libraries/PackedSizes.sol";
import {SettlementCash} from "../../../contracts/libraries/SettlementCash.sol";
import {IMarkFeeds} from "../../../contracts/marks/IMarkFeeds.sol";
import {IOptionsExchange} from "../../../contracts/protocols/IOptionsExchange.sol";
import {ExchangeFixture} from "./ExchangeFixture.sol";

contract ExchangeSettlementTest is ExchangeFixture {
    using PackedSizes for SizePair;

    function setUp() public {
        deployExchange();
        exchange.list(call);
        exchange.list(put);
    }

    function _both() private view returns (bytes32[] memory accounts) {
        accounts = new bytes32[](2);
        (accounts[0], accounts[1]) = maker < taker ? (maker, taker) : (taker, maker);
    }

    function test_a_call_pays_what_the_mean_is_above_its_strike() public {
        fill(orderOf(-2e18, 50e18), 2e18);
        vm.expectPartialRevert(IOptionsExchange.NotExpired.selector);
        exchange.settleSeries(call);
        slotContext.set(2, EXPIRY_MS);
        vm.expectPartialRevert(IMarkFeeds.NotExpired.selector);
        exchange.settleSeries(call);
        expireAt(2_100.5e8);
        exchange.settleSeries(call);
        exchange.settleSeries(put);
        assertEq(exchange.series(call).payoff18, 100.5e18, "call");
        assertEq(exchange.series(put).payoff18, 0, "put");

        exchange.settleAccounts(call, _both());
        assertEq(pool.cash(taker), -100e18 + 201e18, "the holder got twice 100.5");
        assertEq(pool.cash(maker), 100e18 - 201e18, "the writer paid it");
        assertEq(exchange.sizeOf(taker, call), 0, "closed");
        assertEq(pool.position(maker, exchange.instrumentOf(call)), 0, "closed in the pool");
        assertEq(pool.risksGiven(), 0, "no risks are needed");
    }

    function test_a_put_pays_what_the_mean_is_below_its_strike() public {
        expireAt(1_950.25e8);
        exchange.settleSeries(put);
        assertEq(exchange.series(put).payoff18, 49.75e18, "put");
    }

    function test_a_series_settles_once_and_accounts_after_it() public {
        fill(orderOf(-2e18, 50e18), 2e18);
        expireAt(2_100e8);
        vm.expectRevert(abi.encodeWithSelector(IOptionsExchange.NotSettled.selector, call));
        exchange.settleAccounts(call, _both());
        exchange.settleSeries(call);
        vm.expectRevert(abi.encodeWithSelector(IOptionsExchange.AlreadySettled.selector, call));
        exchange.settleSeries(call);
        exchange.settleAccounts(call, _both());
        vm.expectRevert(abi.encodeWithSelector(IOptionsExchange.NothingToSettle.selector, call));
        exchange.settleAccounts(call, _both());
    }

    function test_an_account_cannot_be_listed_twice() public {
        fill(orderOf(-2e18, 50e18), 2e18);
        expireAt(2_100e8);
        exchange.settleSeries(call);
        bytes32[] memory twice = new bytes32[](3);
        (twice[0], twice[1], twice[2]) = (_both()[0], _both()[0], _both()[1]);
        vm.expectRevert(
            abi.encodeWithSelector(
                IOptionsExchange.AccountsNotAscending.selector,
                twice[0],
                twice[0]
            )
        );
        exchange.settleAccounts(call, twice);
    }

    function test_a_liquidation_moves_sizes_and_the_rest_still_settles() public {
        fill(orderOf(-2e18, 50e18), 2e18);
        bytes32 buyer = bytes32(uint256(0xffff) << 240);
        uint256 instrument = exchange.instrumentOf(call);
        vm.expectRevert(
            abi.encodeWithSelector(CrossMarginClient.NotPool.selector, address(this), address(pool))
        );
        exchange.reassign(maker, buyer, instrument, -1e18);

        pool.reassign(exchange, maker, buyer, instrument, -0.75e18);
        assertEq(exchange.sizeOf(maker, call), -1.25e18, "what stayed");
        assertEq(exchange.sizeOf(buyer, call), -0.75e18, "what moved");

        expireAt(2_100e8);
        exchange.settleSeries(call);
        exchange.settleAccounts(call, _both());
        assertEq(exchange.sizeOf(taker, call), 0.75e18, "settled as far as the writers listed go");
        // A reassignment may come after expiry and settlement, when the position is gone.
        pool.reassign(exchange, maker, buyer, instrument, -0.25e18);
        assertEq(exchange.sizeOf(maker, call), 0.25e18, "flipped");
        bytes32[] memory all = new bytes32[](3);
        (all[0], all[1], all[2]) = (_both()[0], _both()[1], buyer);
        exchange.settleAccounts(call, all);
        assertEq(exchange.sizeOf(maker, call), 0, "maker");
        assertEq(exchange.sizeOf(taker, call), 0, "taker");
        assertEq(exchange.sizeOf(buyer, call), 0, "buyer");
        assertEq(pool.cash(maker) + pool.cash(taker) + pool.cash(buyer), 0, "nothing made or lost");
    }

    /// @dev V16 on the protocol's side: any set of accounts settles to a sum of zero, each account to within a unit
    /// of its own product, and a balanced set settles whole.
    function testFuzz_V16_settlement_sums_to_zero(
        uint256 seed,
        uint256 payoff,
        bool balanced
    ) public pure {
        uint256 payoff18 = bound(payoff, 0, 1e28);
        uint256 count = bound(seed, 2, 64);
        int256[] memory sizes18 = new int256[](count);
        int256 sum18 = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            sizes18[i] = int256(word >> 160) * (word & 1 == 0 ? int256(1) : int256(-1));
            if (balanced && i == count - 1) sizes18[i] = -sum18;
            sum18 += sizes18[i];
        }
        (int256[] memory closed18, int256[] memory cash18) = SettlementCash.pair(sizes18, payoff18);
        (int256 closed, int256 cash) = (0, 0);
        for (uint256 i = 0; i < count; ++i) {
            closed += closed18[i];
            cash += cash18[i];
            int256 left18 = sizes18[i] + closed18[i];
            bool shrinks =
                sizes18[i] >= 0
                    ? left18 >= 0 && left18 <= sizes18[i]
                    : left18 <= 0 && left18 >= sizes18[i];
            assertTrue(shrinks, "a size only gets smaller");
            if (balanced) assertEq(left18, 0, "a balanced set settles whole");
            int256 off = cash18[i] * 1e18 + closed18[i] * int256(payoff18);
            assertTrue(off > -1e18 && off < 1e18, "within one unit of the product");
        }
        assertEq(closed, 0, "contracts");
        assertEq(cash, 0, "cash");
    }

    /// @dev Two sizes in one word never touch each other.
    function testFuzz_packed_sizes_are_independent(
        int128 even,
        int128 odd,
        int128 next,
        uint32 i
    ) public pure {
        uint32 index = i & ~uint32(1);
        SizePair pair;
        pair = pair.withSize(index, even).withSize(index + 1, odd);
        assertEq(pair.sizeAt(index), even, "even");
        assertEq(pair.sizeAt(index + 1), odd, "odd");
        pair = pair.withSize(index, next);
        assertEq(pair.sizeAt(index), next, "even again");
        assertEq(pair.sizeAt(index + 1), odd, "odd still");
    }
}
