// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {CrossMarginClient} from "../../../contracts/kit/CrossMarginClient.sol";
import {OrderHash} from "../../../contracts/libraries/OrderHash.sol";
import {Guard, IOptionsExchange, Order} from "../../../contracts/protocols/IOptionsExchange.sol";
import {OptionsExchange} from "../../../contracts/protocols/OptionsExchange.sol";
import {Change} from "../../../contracts/types/Margin.sol";
import {ExchangeFixture} from "./ExchangeFixture.sol";

contract OptionsExchangeTest is ExchangeFixture {
    function setUp() public {
        deployExchange();
        exchange.list(call);
    }

    function digest(
        Order calldata order,
        uint256 chainId,
        address at_
    ) external pure returns (bytes32) {
        return OrderHash.digest(order, chainId, at_);
    }

    /// @dev The digest was computed with viem from `sdk/protocol/orders.ts` over the same values.
    function test_digest_equals_the_one_the_sdk_signs() public view {
        Order memory order = Order({
            account: bytes32(bytes20(0x1111111111111111111111111111111111111111)) |
                bytes32(uint256(3)),
            riskKey: put,
            size18: -2.5e18,
            price18: 45.67e18,
            nonce: 9,
            expiryS: 1_790_000_500,
            taker: bytes32(bytes20(0x2222222222222222222222222222222222222222))
        });
        assertEq(
            this.digest(order, 902, address(0xe8c4a)),
            0x1ada81544cf7cb831984a0c0536a32df4afbb8087a6aab5be514fb71063df084,
            "digest"
        );
    }

    function test_a_fill_moves_contracts_and_premium_between_two_accounts() public {
        Order memory sale = orderOf(-2e18, 50e18);
        fill(sale, 0.5e18);
        assertEq(exchange.sizeOf(maker, call), -0.5e18, "maker");
        assertEq(exchange.sizeOf(taker, call), 0.5e18, "taker");
        assertEq(exchange.openSize(sale), 1.5e18, "open");

        assertEq(pool.count(), 2, "changes");
        Change memory made = pool.change(0);
        Change memory took = pool.change(1);
        assertEq(made.account, maker, "maker first");
        assertEq(made.instrument, (uint256(7) << 136) | call, "instrument");
        assertEq(made.cash18, 25e18, "the seller gets the premium");
        assertEq(made.size18, -0.5e18, "the seller's size");
        assertEq(took.cash18, -25e18, "the buyer pays it");
        assertEq(took.size18, 0.5e18, "the buyer's size");
        assertEq(made.jointSalt | took.jointSalt, 0, "autonomous");
        fill(sale, 1.5e18);
        fillReverts(
            sale,
            1,
            abi.encodeWithSelector(
                IOptionsExchange.Overfilled.selector,
                exchange.orderDigest(sale),
                1,
                0
            )
        );
    }

    function test_premium_is_rounded_in_favour_of_who_offered() public {
        fill(orderOf(-1e18, 1), 0.5e18);
        assertEq(pool.change(0).cash18, 1, "a seller gets a unit for half of one");
        fill(orderOf(1e18, 1), 0.5e18);
        assertEq(pool.change(0).cash18, 0, "a buyer pays none");
    }

    function test_only_the_owner_of_the_order_makes_it() public {
        Order memory order = orderOf(1e18, 50e18);
        bytes memory forged = signatureOf(order, TAKER_KEY);
        vm.prank(owner(taker));
        vm.expectRevert(
            abi.encodeWithSelector(
                IOptionsExchange.BadOrderSignature.selector,
                owner(taker),
                owner(maker)
            )
        );
        exchange.fill(order, forged, taker, 1e18, alone(), noRisks());
    }

    function test_only_the_owner_takes_for_an_account() public {
        Order memory order = orderOf(1e18, 50e18);
        bytes memory signature = signatureOf(order, MAKER_KEY);
        vm.expectRevert(
            abi.encodeWithSelector(IOptionsExchange.NotAccountOwner.selector, address(this), taker)
        );
        exchange.fill(order, signature, taker, 1e18, alone(), noRisks());
    }

    function test_an_order_for_one_taker_is_for_no_other() public {
        Order memory order = orderOf(1e18, 50e18);
        order.taker = bytes32(uint256(5));
        fillReverts(
            order,
            1e18,
            abi.encodeWithSelector(IOptionsExchange.NotTheTaker.selector, taker, order.taker)
        );
        order.taker = taker;
        fill(order, 1e18);
    }

    function test_what_cannot_be_filled_is_refused_by_name() public {
        Order memory order = orderOf(1e18, 50e18);
        fillReverts(order, 0, abi.encodeWithSelector(IOptionsExchange.ZeroSize.selector));
        order.price18 = uint256(type(uint128).max) + 1;
        fillReverts(
            order,
            1,
            abi.encodeWithSelector(IOptionsExchange.PriceOutOfRange.selector, order.price18)
        );
        order.price18 = 1;
        order.expiryS = uint40(NOW_MS / 1_000 - 1);
        fillReverts(
            order,
            1,
            abi.encodeWithSelector(
                IOptionsExchange.OrderExpired.selector,
                order.expiryS,
                NOW_MS / 1_000
            )
        );
        order.expiryS = EXPIRY_S;
        order.riskKey = put;
        fillReverts(order, 1, abi.encodeWithSelector(IOptionsExchange.NotListed.selector, put));
        order.riskKey = call;
        order.account = taker;
        fillReverts(order, 1, abi.encodeWithSelector(IOptionsExchange.SelfTrade.selector, taker));
        order.account = maker;
        slotContext.set(9, EXPIRY_MS);
        fillReverts(
            order,
            1,
            abi.encodeWithSelector(
                IOptionsExchange.SeriesExpired.selector,
                call,
                EXPIRY_S,
                EXPIRY_S
            )
        );
    }

    function test_a_cancelled_order_stays_cancelled() public {
        Order memory order = orderOf(1e18, 50e18);
        fill(order, 0.5e18);
        vm.expectRevert(
            abi.encodeWithSelector(IOptionsExchange.NotAccountOwner.selector, address(this), maker)
        );
        exchange.cancel(order);
        vm.prank(owner(maker));
        exchange.cancel(order);
        assertEq(exchange.openSize(order), 0, "open");
        fillReverts(
            order,
            1,
            abi.encodeWithSelector(
                IOptionsExchange.OrderCancelled.selector,
                exchange.orderDigest(order)
            )
        );
    }

    function test_cancelling_below_a_nonce_cancels_all_before_it() public {
        Order memory first = orderOf(1e18, 50e18);
        Order memory second = orderOf(1e18, 50e18);
        vm.prank(owner(maker));
        exchange.cancelBelow(maker, second.nonce);
        assertEq(exchange.openSize(first), 0, "open");
        fillReverts(
            first,
            1,
            abi.encodeWithSelector(IOptionsExchange.NonceCancelled.selector, 1, 2)
        );
        fill(second, 1e18);
        vm.prank(owner(maker));
        vm.expectRevert(abi.encodeWithSelector(IOptionsExchange.NonceCancelled.selector, 2, 2));
        exchange.cancelBelow(maker, 2);
    }

    /// @dev I21: a leg of a bundle does nothing by itself.
    function test_a_guarded_fill_happens_only_inside_its_bundle() public {
        Order memory order = orderOf(1e18, 50e18);
        bytes memory signature = signatureOf(order, MAKER_KEY);
        Guard memory guard = Guard({salt: keccak256("bundle"), maxSlot: 5, joint: true});
        address sender = owner(taker);

        vm.prank(sender, sender);
        vm.expectRevert(
            abi.encodeWithSelector(
                CrossMarginClient.NotInBundle.selector,
                sender,
                guard.salt,
                uint64(1)
            )
        );
        exchange.fill(order, signature, taker, 1e18, guard, noRisks());

        slotContext.list(keccak256(abi.encode(sender, guard.salt)));
        slotContext.set(6, NOW_MS);
        vm.prank(sender, sender);
        vm.expectRevert(abi.encodeWithSelector(CrossMarginClient.TooLate.selector, 6, 5));
        exchange.fill(order, signature, taker, 1e18, guard, noRisks());

        slotContext.set(5, NOW_MS);
        vm.prank(sender, sender);
        exchange.fill(order, signature, taker, 1e18, guard, noRisks());
        assertEq(pool.change(0).jointSalt, 0, "the maker is autonomous");
        assertEq(pool.change(1).jointSalt, guard.salt, "the taker is joint");
    }

    function test_joint_margin_needs_a_bundle() public {
        Order memory order = orderOf(1e18, 50e18);
        bytes memory signature = signatureOf(order, MAKER_KEY);
        Guard memory guard;
        guard.joint = true;
        vm.prank(owner(taker));
        vm.expectRevert(IOptionsExchange.JointWithoutBundle.selector);
        exchange.fill(order, signature, taker, 1e18, guard, noRisks());
    }

    function test_only_series_with_marks_are_listed() public {
        vm.expectRevert(abi.encodeWithSelector(IOptionsExchange.AlreadyListed.selector, call));
        exchange.list(call);

        uint256 later = riskKey(EXPIRY_S + 1, STRIKE8, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IOptionsExchange.NoMarks.selector, ETH, EXPIRY_S + 1)
        );
        exchange.list(later);

        uint64[2] memory far = [uint64(2_000e8 * 32 + 1), uint64(2_000e8 / 32 - 1)];
        for (uint256 i = 0; i < 2; ++i) {
            uint256 key = riskKey(EXPIRY_S, far[i], 0);
            vm.expectRevert(
                abi.encodeWithSelector(
                    IOptionsExchange.StrikeTooFar.selector,
                    far[i],
                    uint64(2_000e8)
                )
            );
            exchange.list(key);
        }
        uint256[4] memory wrong = [
            riskKey(EXPIRY_S, STRIKE8, 2),
            riskKey(EXPIRY_S, 0, 0),
            call ^ (uint256(3) << 112),
            call | (uint256(1) << 136)
        ];
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IOptionsExchange.NotAnOption.selector, wrong[i])
            );
            exchange.list(wrong[i]);
        }
        slotContext.set(9, EXPIRY_MS);
        vm.expectRevert(
            abi.encodeWithSelector(IOptionsExchange.SeriesExpired.selector, put, EXPIRY_S, EXPIRY_S)
        );
        exchange.list(put);
    }

    function test_nobody_initialises_twice() public {
        IOptionsExchange.Config memory config;
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        exchange.initialize(config);
        OptionsExchange implementation = new OptionsExchange();
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        implementation.initialize(config);
    }
}
