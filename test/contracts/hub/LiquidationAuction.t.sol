// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {AccountState, ICreditBook} from "../../../contracts/hub/ICreditBook.sol";
import {ILiquidationAuction} from "../../../contracts/hub/ILiquidationAuction.sol";
import {LiquidationAuction} from "../../../contracts/hub/LiquidationAuction.sol";
import {IMarginVerifier} from "../../../contracts/hub/IMarginVerifier.sol";
import {IMessageEndpoint} from "../../../contracts/messaging/IMessageEndpoint.sol";
import {MarginAttestation} from "../../../contracts/types/Margin.sol";
import {AuctionFixture} from "./AuctionFixture.sol";

// The rule takes the auction's function `call` for a low-level call.
// solhint-disable no-unchecked-calls

contract LiquidationAuctionTest is AuctionFixture {
    function setUp() public {
        setUpAuction();
    }

    function _state() private view returns (uint256) {
        return uint256(book.state(debtor));
    }

    function _callNow() private {
        MarginAttestation memory a = attested(debtor);
        auction.call(debtor, a, sign(a));
    }

    // Margin call: requirement 6,000, call line M = 600, clear line M = 1,200.

    function test_only_an_account_below_its_call_line_is_called() public {
        setMaintenance(600e18);
        MarginAttestation memory a = attested(debtor);
        vm.expectRevert(
            abi.encodeWithSelector(
                ILiquidationAuction.NotBelowCallLine.selector,
                debtor,
                a.equity18,
                a.maintenance18
            )
        );
        auction.call(debtor, a, sign(a));

        setMaintenance(300e18);
        _callNow();
        assertEq(_state(), uint256(AccountState.Call), "called");
        // Half of the way from the line to zero is left: a quarter of the minute.
        assertEq(auction.clocks(debtor).graceUntilMs, hubSlots.timestampMs() + 15_000, "grace");
        a = attested(debtor);
        vm.expectRevert(
            abi.encodeWithSelector(
                ILiquidationAuction.WrongState.selector,
                debtor,
                AccountState.Call
            )
        );
        auction.call(debtor, a, sign(a));
    }

    function test_a_called_account_gets_no_credit() public {
        setMaintenance(300e18);
        _callNow();
        MarginAttestation memory a = attestation(debtor, 1e30);
        bytes memory signature = sign(a);
        vm.prank(DEBTOR);
        vm.expectRevert(
            abi.encodeWithSelector(ICreditBook.StateForbids.selector, debtor, AccountState.Call)
        );
        book.grant(debtor, ALPHA, 1e18, leaseEnd(), a, signature);
    }

    function test_a_call_ends_only_well_above_its_line() public {
        setMaintenance(300e18);
        _callNow();
        setMaintenance(1_200e18 - 50);
        MarginAttestation memory a = attested(debtor);
        vm.expectPartialRevert(ILiquidationAuction.NotClear.selector);
        auction.clear(debtor, a, sign(a));

        setMaintenance(1_200e18);
        a = attested(debtor);
        auction.clear(debtor, a, sign(a));
        // I = M − 1,500 does not cover what the account leased and did not use.
        assertEq(_state(), uint256(AccountState.Restricted), "restricted");

        a.initial18 = int256(book.reserved(debtor));
        auction.clear(debtor, a, sign(a));
        assertEq(_state(), uint256(AccountState.Healthy), "healthy");
    }

    function test_a_healthy_account_is_restricted_only_when_short() public {
        MarginAttestation memory a = attested(debtor);
        a.initial18 = int256(book.reserved(debtor));
        vm.expectPartialRevert(ILiquidationAuction.NotShort.selector);
        auction.restrict(debtor, a, sign(a));
        a.initial18 -= 1;
        auction.restrict(debtor, a, sign(a));
        assertEq(_state(), uint256(AccountState.Restricted), "restricted");
        vm.expectPartialRevert(ILiquidationAuction.NotClear.selector);
        auction.clear(debtor, a, sign(a));
    }

    function test_nobody_acts_on_an_unsigned_or_old_word() public {
        setMaintenance(300e18);
        MarginAttestation memory a = attested(debtor);
        bytes memory forged = sign(a, 0xBAD);
        vm.expectPartialRevert(IMarginVerifier.BadRiskSignature.selector);
        auction.call(debtor, a, forged);
        fund(alpha, USDC, 1e6, DEBTOR);
        bytes memory old = sign(a);
        vm.expectPartialRevert(IMarginVerifier.PortfolioChanged.selector);
        auction.call(debtor, a, old);
    }

    // Start.

    function test_a_sale_starts_below_zero_and_not_within_the_grace() public {
        setMaintenance(0);
        MarginAttestation memory a = attested(debtor);
        vm.expectRevert(
            abi.encodeWithSelector(
                ILiquidationAuction.MaintenanceHolds.selector,
                debtor,
                a.maintenance18
            )
        );
        auction.start(debtor, a, sign(a));

        setMaintenance(300e18);
        _callNow();
        uint64 graceUntilMs = auction.clocks(debtor).graceUntilMs;
        setMaintenance(-100e18);
        a = attested(debtor);
        pass(14_999);
        vm.expectRevert(
            abi.encodeWithSelector(
                ILiquidationAuction.GraceRuns.selector,
                debtor,
                graceUntilMs - 1,
                graceUntilMs
            )
        );
        auction.start(debtor, a, sign(a));
        pass(1);
        startAuction();
        assertEq(_state(), uint256(AccountState.Auction), "for sale");
    }

    function test_an_account_that_fell_through_its_line_is_for_sale_at_once() public {
        setMaintenance(-1e18);
        startAuction();
        assertEq(auction.price18(debtor), 0.98e18, "first price");
        pass(30_000);
        assertEq(auction.price18(debtor), 0.89e18, "half a minute");
        pass(30_000);
        assertEq(auction.price18(debtor), 0.8e18, "a minute");
        pass(420_000);
        assertEq(auction.price18(debtor), 0.4e18, "eight minutes");
        pass(420_000);
        assertEq(auction.price18(debtor), 0, "a quarter of an hour");
    }

    function test_an_account_without_value_is_not_for_sale() public {
        // E = M + 6,000.
        setMaintenance(-6_000e18);
        MarginAttestation memory a = attested(debtor);
        vm.expectRevert(
            abi.encodeWithSelector(ILiquidationAuction.Insolvent.selector, debtor, int256(0))
        );
        auction.start(debtor, a, sign(a));
    }

    function test_a_sale_resumes_within_the_hour_and_restarts_after_it() public {
        setMaintenance(-100e18);
        startAuction();
        pass(30_000);
        setMaintenance(2_000e18);
        MarginAttestation memory a = attested(debtor);
        auction.finish(debtor, a, sign(a));

        setMaintenance(-100e18);
        pass(3_599_999);
        uint256 snapshot = vm.snapshotState();
        startAuction();
        assertEq(auction.price18(debtor), 0.89e18, "goes on where it stood");
        vm.revertToState(snapshot);
        pass(1);
        startAuction();
        assertEq(auction.price18(debtor), 0.98e18, "starts anew");
    }

    // Bids.

    function test_a_bid_moves_the_part_everywhere_and_heals_the_account() public {
        setMaintenance(-1_000e18);
        startAuction();
        pass(60_000);
        ILiquidationAuction.Quote memory q = quoteOf(0);
        q = quoteOf(q.maxFraction18);
        int256 cash = ledger.claim(bidder, USDC);
        int256 all = ledger.totalClaims(USDC) + int256(ledger.insurance(USDC));
        int256 debtorCash = ledger.claim(debtor, USDC);
        placeBid(q.maxFraction18, q.bid18);

        int256 moved18 = (-100e18 * int256(q.maxFraction18)) / 1e18;
        assertEq(book.position(bidder, onAlpha), moved18, "the part on the hub");
        assertEq(book.position(debtor, onAlpha), -100e18 - moved18, "the rest on the hub");
        int256 movedCash18 = (debtorCash * int256(q.maxFraction18)) / 1e18;
        assertEq(
            ledger.claim(bidder, USDC),
            cash + movedCash18 - int256(q.bid18) - int256(q.fee18),
            "bid and fee paid, cash of the part received"
        );
        assertEq(ledger.insurance(USDC), q.fee18, "a hundredth to insurance");
        assertEq(
            ledger.totalClaims(USDC) + int256(ledger.insurance(USDC)),
            all,
            "nothing made or lost"
        );

        deliverSigned(hubMailbox.outbox(hubMailbox.sent() - 2));
        deliverSigned(hubMailbox.outbox(hubMailbox.sent() - 1));
        assertEq(alpha.credit.position(bidder, onAlpha), moved18, "the part on alpha");
        assertEq(alpha.protocol.sizeOf(bidder, onAlpha), moved18, "the part in the protocol");
        assertEq(
            beta.credit.position(debtor, onBeta),
            book.position(debtor, onBeta),
            "the rest on beta"
        );

        assertTrue(buffer(debtor) >= -200_000 && buffer(debtor) < 200_000, "BM is zero");
        MarginAttestation memory a = attested(debtor);
        auction.finish(debtor, a, sign(a));
        assertTrue(_state() != uint256(AccountState.Auction), "no longer for sale");
    }

    function test_a_preview_is_what_a_bid_leaves() public {
        setMaintenance(-1_000e18);
        startAuction();
        ILiquidationAuction.Quote memory q = quoteOf(0.2e18);
        (bool success, bytes memory output) = address(auction).call(
            abi.encodeCall(auction.previewBid, (debtor, 0.2e18, bidder, q.bid18))
        );
        assertTrue(!success, "a preview always reverts");
        assertEq(bytes32(bytes4(output)), ILiquidationAuction.BidPreview.selector, "by name");
        assertEq(book.position(bidder, onAlpha), 0, "and changes nothing");

        placeBid(0.2e18, q.bid18);
        (
            uint256[] memory instruments,
            int256[] memory sizes18,
            uint16[] memory assets,
            int256[] memory claims18
        ) = book.portfolio(bidder);
        assertEq(
            keccak256(output),
            keccak256(
                abi.encodeWithSelector(
                    ILiquidationAuction.BidPreview.selector,
                    instruments,
                    sizes18,
                    assets,
                    claims18
                )
            ),
            "the portfolio after"
        );
    }

    function test_a_bid_is_between_a_tenth_and_the_whole_of_what_is_needed() public {
        setMaintenance(-1_000e18);
        startAuction();
        uint256 largest18 = quoteOf(0).maxFraction18;
        _refused(
            largest18 + 1,
            1e24,
            abi.encodeWithSelector(
                ILiquidationAuction.FractionTooLarge.selector,
                largest18 + 1,
                largest18
            )
        );
        uint256 smallest18 = (largest18 + 9) / 10;
        _refused(
            smallest18 - 1,
            1e24,
            abi.encodeWithSelector(
                ILiquidationAuction.FractionTooSmall.selector,
                smallest18 - 1,
                smallest18
            )
        );
        uint256 bid18 = quoteOf(smallest18).bid18;
        _refused(
            smallest18,
            bid18 - 1,
            abi.encodeWithSelector(ILiquidationAuction.BidTooLow.selector, bid18 - 1, bid18)
        );
        placeBid(smallest18, bid18);
        assertEq(_state(), uint256(AccountState.Auction), "the sale goes on");
    }

    function test_a_quote_stays_good_while_the_price_falls() public {
        setMaintenance(-1_000e18);
        startAuction();
        ILiquidationAuction.Quote memory q = quoteOf(quoteOf(0).maxFraction18);
        pass(45_000);
        placeBid(q.maxFraction18, q.bid18);
    }

    function test_a_bidder_must_hold_what_it_buys() public {
        setMaintenance(-1_000e18);
        startAuction();
        ILiquidationAuction.Quote memory q = quoteOf(0.2e18);
        MarginAttestation memory a = attested(debtor);
        MarginAttestation memory b = attestedAfter(0.2e18, q.bid18);
        b.initial18 = -1;
        bytes memory signature = sign(a);
        bytes memory signatureB = sign(b);
        vm.prank(BIDDER);
        vm.expectRevert(
            abi.encodeWithSelector(ICreditBook.InitialMarginShortfall.selector, bidder, 1, 7)
        );
        auction.bid(debtor, 0.2e18, bidder, q.bid18, a, signature, b, signatureB);

        b = attested(bidder);
        signatureB = sign(b);
        vm.prank(BIDDER);
        vm.expectPartialRevert(IMarginVerifier.PortfolioChanged.selector);
        auction.bid(debtor, 0.2e18, bidder, q.bid18, a, signature, b, signatureB);
    }

    function test_a_bidder_needs_the_cash() public {
        setMaintenance(-1_000e18);
        startAuction();
        bytes32 poor = accountOf(address(0x9009));
        MarginAttestation memory a = attested(debtor);
        bytes memory signature = sign(a);
        uint256 fraction18 = 0.2e18;
        ILiquidationAuction.Quote memory q = quoteOf(fraction18);
        vm.prank(address(0x9009));
        vm.expectRevert(
            abi.encodeWithSelector(
                ILiquidationAuction.BidderCashShort.selector,
                poor,
                int256(0),
                q.cash18
            )
        );
        auction.bid(debtor, fraction18, poor, q.bid18, a, signature, a, signature);
    }

    function test_nobody_bids_for_others_or_for_themselves_or_without_a_sale() public {
        setMaintenance(-1_000e18);
        _refused(
            0.2e18,
            1,
            abi.encodeWithSelector(
                ILiquidationAuction.WrongState.selector,
                debtor,
                AccountState.Healthy
            )
        );
        startAuction();
        MarginAttestation memory a = attested(debtor);
        bytes memory s = sign(a);
        vm.expectRevert(
            abi.encodeWithSelector(
                ILiquidationAuction.NotAccountOwner.selector,
                address(this),
                bidder
            )
        );
        auction.bid(debtor, 0.2e18, bidder, 1e24, a, s, a, s);
        vm.prank(DEBTOR);
        vm.expectRevert(
            abi.encodeWithSelector(ILiquidationAuction.BidderIsAccount.selector, debtor)
        );
        auction.bid(debtor, 0.2e18, debtor, 1e24, a, s, a, s);
    }

    function test_one_attestation_serves_one_bid() public {
        setMaintenance(-1_000e18);
        startAuction();
        uint256 fraction18 = quoteOf(0).minFraction18;
        uint256 bid18 = quoteOf(fraction18).bid18;
        MarginAttestation memory a = attested(debtor);
        placeBid(fraction18, bid18);
        bytes memory signature = sign(a);
        vm.prank(BIDDER);
        vm.expectPartialRevert(IMarginVerifier.PortfolioChanged.selector);
        auction.bid(debtor, fraction18, bidder, bid18, a, signature, a, signature);
    }

    function test_a_sale_ends_only_when_the_buffer_is_whole() public {
        setMaintenance(-1_000e18);
        startAuction();
        MarginAttestation memory a = attested(debtor);
        vm.expectPartialRevert(ILiquidationAuction.StillShort.selector);
        auction.finish(debtor, a, sign(a));
        // BM = M − 900.
        setMaintenance(900e18);
        a = attested(debtor);
        bytes memory signature = sign(a);
        vm.prank(BIDDER);
        vm.expectPartialRevert(ILiquidationAuction.NothingToSell.selector);
        auction.bid(debtor, 0.2e18, bidder, 1e24, a, signature, a, signature);
        auction.finish(debtor, a, sign(a));
        assertEq(_state(), uint256(AccountState.Restricted), "restricted");
    }

    function test_a_bidder_may_pay_for_the_messages() public {
        hubMailbox.setFee(10);
        vm.deal(BIDDER, 20);
        setMaintenance(-1_000e18);
        startAuction();
        ILiquidationAuction.Quote memory q = quoteOf(0.2e18);
        MarginAttestation memory a = attested(debtor);
        vm.deal(address(book), 20);
        MarginAttestation memory b = attestedAfter(0.2e18, q.bid18);
        vm.deal(address(book), 0);
        (bytes memory s, bytes memory t) = (sign(a), sign(b));
        vm.prank(BIDDER);
        vm.expectPartialRevert(IMessageEndpoint.MessageFeeUnpaid.selector);
        auction.bid(debtor, 0.2e18, bidder, q.bid18, a, s, b, t);
        vm.prank(BIDDER);
        auction.bid{value: 20}(debtor, 0.2e18, bidder, q.bid18, a, s, b, t);
        assertEq(address(auction).balance, 0, "nothing stays");
    }

    /// @dev V13 on the real books: for any shortfall, moment and part, BM after ≥ BM before · (1 − f), and contracts
    /// and claims of debtor, bidder and insurance sum to what they were.
    function testFuzz_V13_books_balance_and_the_account_heals(
        uint256 short,
        uint256 elapsed,
        uint256 part
    ) public {
        setMaintenance(-int256(bound(short, 1e15, 5_999e18)));
        startAuction();
        pass(uint64(bound(elapsed, 1, 1_000_000)));
        ILiquidationAuction.Quote memory q = quoteOf(0);
        uint256 fraction18 = bound(part, q.minFraction18, q.maxFraction18);
        q = quoteOf(fraction18);
        int256 before18 = buffer(debtor);
        int256 sum18 = _cash();
        int256 contracts18 = _contracts();
        placeBid(fraction18, q.bid18);

        int256 kept18 = before18 - (before18 * int256(fraction18)) / 1e18;
        assertTrue(buffer(debtor) >= kept18 - 10, "BM after >= BM before * (1 - f)");
        assertEq(_cash(), sum18, "cash");
        assertEq(_contracts(), contracts18, "contracts");
    }

    function _cash() private view returns (int256) {
        return
            ledger.claim(debtor, USDC) +
            ledger.claim(bidder, USDC) +
            int256(ledger.insurance(USDC));
    }

    function _contracts() private view returns (int256) {
        return
            book.position(debtor, onAlpha) +
            book.position(bidder, onAlpha) +
            1e6 * (book.position(debtor, onBeta) + book.position(bidder, onBeta));
    }

    function _refused(uint256 fraction18, uint256 bid18, bytes memory reason) private {
        MarginAttestation memory a = attested(debtor);
        bytes memory s = sign(a);
        vm.prank(BIDDER);
        vm.expectRevert(reason);
        auction.bid(debtor, fraction18, bidder, bid18, a, s, a, s);
    }

    function test_nobody_initialises_twice() public {
        ILiquidationAuction.Config memory config;
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        auction.initialize(config);
        LiquidationAuction implementation = new LiquidationAuction();
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        implementation.initialize(config);
    }
}
