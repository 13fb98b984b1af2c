// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILedger} from "../../../contracts/hub/ILedger.sol";
import {ILiquidationAuction} from "../../../contracts/hub/ILiquidationAuction.sol";
import {LiquidationAuction} from "../../../contracts/hub/LiquidationAuction.sol";
import {Change, MarginAttestation} from "../../../contracts/types/Margin.sol";
import {PoolFixture} from "../pool/PoolFixture.sol";

/// @dev A debtor short 100 contracts on alpha and long 50 on beta, margined by a linear model: equity is cash plus
/// size × mark, the requirement is 40 USD a contract.
abstract contract AuctionFixture is PoolFixture {
    address internal constant DEBTOR = address(0xDEB7);
    address internal constant BIDDER = address(0xB1DDE6);
    address internal constant WRITER = address(0xABE);

    LiquidationAuction internal auction;
    bytes32 internal debtor;
    bytes32 internal bidder;
    uint256 internal onAlpha;
    uint256 internal onBeta;
    uint256 internal mark18;

    function setUpAuction() internal {
        setUpPool();
        auction = LiquidationAuction(proxied(address(new LiquidationAuction())));
        auction.initialize(
            ILiquidationAuction.Config(address(book), address(ledger), address(hubSlots))
        );
        vm.startPrank(GOVERNANCE);
        book.setLiquidation(address(auction));
        ledger.setWriter(ILedger.Writer(address(auction), false, true));
        vm.stopPrank();

        debtor = accountOf(DEBTOR);
        bidder = accountOf(BIDDER);
        onAlpha = optionOf(1, 2_000e8);
        onBeta = optionOf(2, 2_200e8);
        mark18 = MARK18;
        fund(alpha, USDC, 30_000e6, DEBTOR);
        fund(alpha, USDC, 1_000_000e6, WRITER);
        fund(beta, USDC, 500_000e6, BIDDER);
        lease(alpha, DEBTOR, 20_000e18);
        lease(beta, DEBTOR, 10_000e18);
        lease(alpha, WRITER, 100_000e18);
        lease(beta, WRITER, 100_000e18);
        _trade(alpha, accountOf(WRITER), debtor, onAlpha, 100e18);
        _trade(beta, debtor, accountOf(WRITER), onBeta, 50e18);
    }

    /// @dev Cash 30,000 + 10,000 − 5,000, positions −50 × mark, requirement 150 × 40.
    function _trade(
        Rollup storage r,
        bytes32 buyer,
        bytes32 seller,
        uint256 instrument,
        uint256 size18
    ) private {
        Change[] memory changes = trade(buyer, seller, instrument, size18, MARK18, 0);
        r.protocol.change(changes, riskOf(instrument), 0, 0);
        deliverSigned(r.mailbox);
    }

    /// @dev Equity and requirement of an account's portfolio at the fixture's mark.
    function margin(bytes32 account) internal view returns (int256 equity18, int256 required18) {
        (, int256[] memory sizes18, uint16[] memory assets, int256[] memory claims18) = book
            .portfolio(account);
        for (uint256 i = 0; i < assets.length; ++i) {
            if (assets[i] == USDC) equity18 = claims18[i];
        }
        for (uint256 i = 0; i < sizes18.length; ++i) {
            equity18 += (sizes18[i] * int256(mark18)) / 1e18;
            int256 magnitude18 = sizes18[i] < 0 ? -sizes18[i] : sizes18[i];
            required18 += (magnitude18 * int256(REQUIREMENT18)) / 1e18;
        }
    }

    /// @dev BM by the plain formula, rounded towards zero.
    function buffer(bytes32 account) internal view returns (int256) {
        (int256 equity18, int256 required18) = margin(account);
        return equity18 - required18 - (required18 * 15) / 100;
    }

    /// @dev An attestation by the linear model; the initial requirement is a quarter above maintenance.
    function attested(bytes32 account) internal view returns (MarginAttestation memory a) {
        (int256 equity18, int256 required18) = margin(account);
        a = attestation(account, equity18 - (required18 * 5) / 4);
        a.maintenance18 = equity18 - required18;
        a.equity18 = equity18;
    }

    /// @dev Sets the mark at which the debtor's maintenance balance is `maintenance18`.
    function setMaintenance(int256 maintenance18) internal {
        // M = 35,000 − 50 × mark − 6,000 (cash and sizes of {setUpAuction}).
        mark18 = uint256((29_000e18 - maintenance18) / 50);
    }

    /// @dev Opens the next slot `ms` after the last.
    function pass(uint64 ms) internal {
        uint64 nowMs = hubSlots.timestampMs() + ms;
        bytes32[] memory none = new bytes32[](0);
        ++slot;
        vm.prank(SYSTEM);
        hubSlots.open(slot, nowMs, none, none);
    }

    function startAuction() internal {
        MarginAttestation memory a = attested(debtor);
        auction.start(debtor, a, sign(a));
    }

    /// @dev The bidder's attestation about its portfolio after a bid, as a client makes it.
    function attestedAfter(
        uint256 fraction18,
        uint256 bid18
    ) internal returns (MarginAttestation memory a) {
        uint256 snapshot = vm.snapshotState();
        vm.startPrank(address(auction));
        book.reassign(debtor, bidder, fraction18);
        if (bid18 > 0) {
            ledger.move(USDC, bidder, debtor, int256(bid18));
            ledger.payInsurance(USDC, bidder, (bid18 + 99) / 100);
        }
        vm.stopPrank();
        a = attested(bidder);
        vm.revertToState(snapshot);
    }

    function placeBid(uint256 fraction18, uint256 bid18) internal {
        MarginAttestation memory a = attested(debtor);
        MarginAttestation memory b = attestedAfter(fraction18, bid18);
        vm.prank(BIDDER);
        auction.bid(debtor, fraction18, bidder, bid18, a, sign(a), b, sign(b));
    }

    function quoteOf(uint256 fraction18) internal view returns (ILiquidationAuction.Quote memory) {
        (int256 equity18, int256 required18) = margin(debtor);
        return auction.quote(debtor, fraction18, equity18, equity18 - required18);
    }
}
