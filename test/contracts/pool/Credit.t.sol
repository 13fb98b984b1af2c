// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccountState, ICreditBook} from "../../../contracts/hub/ICreditBook.sol";
import {IMarginVerifier} from "../../../contracts/hub/IMarginVerifier.sol";
import {CrossMarginClient} from "../../../contracts/kit/CrossMarginClient.sol";
import {ISpokeCredit} from "../../../contracts/spoke/ISpokeCredit.sol";
import {Change, MarginAttestation, SignedInstrumentRisk} from "../../../contracts/types/Margin.sol";
import {PoolFixture} from "./PoolFixture.sol";

/// @dev Leases, both ways of taking risk, and what the hub learns of it.
contract CreditTest is PoolFixture {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);
    bytes32 private constant SALT = keccak256("salt");
    uint256 private option;
    SignedInstrumentRisk[] private noRisks;

    function setUp() public {
        setUpPool();
        option = optionOf(1, 3000e8);
        fund(alpha, USDC, 10_000e6, ALICE);
        fund(alpha, USDC, 10_000e6, BOB);
    }

    function test_aGrantReservesOnTheHubFirstAndServesWhenItArrives() public {
        MarginAttestation memory a = attestation(accountOf(ALICE), 500e18);
        vm.prank(ALICE);
        book.grant(accountOf(ALICE), ALPHA, 500e18, leaseEnd(), a, sign(a));
        assertEq(book.reserved(accountOf(ALICE)), 500e18, "reserved at once");
        assertEq(alpha.credit.leased(accountOf(ALICE)), 0, "not there yet");
        deliverSigned(hubMailbox);
        assertEq(alpha.credit.leased(accountOf(ALICE)), 500e18, "leased");
        assertEq(alpha.credit.leaseExpiryS(accountOf(ALICE)), leaseEnd(), "expiry");
    }

    function test_V2_initialMarginCoversAllFreeCreditAndTheNewOne() public {
        lease(alpha, ALICE, 300e18);
        MarginAttestation memory a = attestation(accountOf(ALICE), 499e18);
        bytes memory signature = sign(a);
        vm.prank(ALICE);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICreditBook.InitialMarginShortfall.selector,
                accountOf(ALICE),
                1e18,
                uint8(7)
            )
        );
        book.grant(accountOf(ALICE), BETA, 200e18, leaseEnd(), a, signature);
    }

    function test_V6_noGrantGoesAboveACap() public {
        vm.prank(GOVERNANCE);
        book.setCaps(400e18, 600e18);
        expectGrantRefused(ALICE, ALPHA, 401e18, ICreditBook.AccountCapExceeded.selector);
        lease(alpha, BOB, 400e18);
        expectGrantRefused(ALICE, ALPHA, 201e18, ICreditBook.TotalCapExceeded.selector);
        vm.prank(GUARDIAN);
        book.setSpokeCap(ALPHA, 450e18);
        expectGrantRefused(ALICE, ALPHA, 51e18, ICreditBook.SpokeCapExceeded.selector);
        lease(alpha, ALICE, 50e18);
        assertEq(book.creditOnSpoke(ALPHA), 450e18, "spoke");
        assertEq(book.creditTotal(), 450e18, "total");
    }

    function test_creditNeverExceedsCollateralAfterHaircuts() public {
        expectGrantRefused(ALICE, ALPHA, 10_001e18, ICreditBook.CollateralShortfall.selector);
        fund(alpha, WETH, 1e18, ALICE);
        assertEq(verifier.haircutCollateral(accountOf(ALICE)), 11_800e18, "2,000 less 10 %");
        lease(alpha, ALICE, 11_800e18);
        expectGrantRefused(ALICE, ALPHA, 1, ICreditBook.CollateralShortfall.selector);
    }

    function test_aStalePriceBacksNothing() public {
        fund(alpha, WETH, 1e18, ALICE);
        vm.prank(SYSTEM);
        hubSlots.open(slot + 1, START_MS + 60_001, new bytes32[](0), new bytes32[](0));
        assertEq(verifier.haircutCollateral(accountOf(ALICE)), 10_000e18, "cash alone");
    }

    function test_attestationsThatAreNotGoodAreRefused() public {
        bytes32 account = accountOf(ALICE);
        MarginAttestation memory a = attestation(account, 1e30);
        a.account = accountOf(BOB);
        expectCheckRefused(a, RISK_KEY, IMarginVerifier.WrongAccount.selector);
        a = attestation(account, 1e30);
        expectCheckRefused(a, 0xBAD, IMarginVerifier.BadRiskSignature.selector);
        a.validUntilSlot = slot - 1;
        expectCheckRefused(a, RISK_KEY, IMarginVerifier.AttestationExpired.selector);
        a = attestation(account, 1e30);
        a.paramsVersion = 0;
        expectCheckRefused(a, RISK_KEY, IMarginVerifier.ParametersStale.selector);
        a = attestation(account, 1e30);
        a.positionsHash = keccak256("other");
        expectCheckRefused(a, RISK_KEY, IMarginVerifier.PortfolioChanged.selector);
        a = attestation(account, 1e30);
        for (uint256 i = 0; i < 3; ++i) {
            marks.set(ETH, SPOT8, START_MS);
        }
        expectCheckRefused(a, RISK_KEY, IMarginVerifier.AttestationStale.selector);
        a.marksSeq = 2;
        book.checkAfter(account, a, sign(a));
    }

    function test_onlyTheOwnerGrantsAndOnlyForALimitedTime() public {
        MarginAttestation memory a = attestation(accountOf(ALICE), 1e30);
        bytes memory signature = sign(a);
        vm.expectPartialRevert(ICreditBook.NotAccountOwner.selector);
        book.grant(accountOf(ALICE), ALPHA, 1e18, leaseEnd(), a, signature);
        vm.startPrank(ALICE);
        vm.expectPartialRevert(ICreditBook.LeaseInPast.selector);
        book.grant(accountOf(ALICE), ALPHA, 1e18, uint40(START_MS / 1000), a, signature);
        vm.expectPartialRevert(ICreditBook.LeaseTooLong.selector);
        book.grant(accountOf(ALICE), ALPHA, 1e18, uint40(START_MS / 1000 + 31 days), a, signature);
        vm.expectPartialRevert(ICreditBook.ZeroAmount.selector);
        book.grant(accountOf(ALICE), ALPHA, 0, leaseEnd(), a, signature);
    }

    function test_autonomousTradesUseCapacityByTheirStandAloneRequirement() public {
        lease(alpha, ALICE, 100e18);
        lease(alpha, BOB, 100e18);
        // Bought at 101 while the mark is 100: requirement 40 and a loss of 1 against the mark.
        run(trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 101e18, 0));
        assertEq(alpha.credit.used(accountOf(ALICE)), 41e18, "buyer: 40 + 1");
        assertEq(alpha.credit.used(accountOf(BOB)), 39e18, "seller: 40 - 1");
        deliverFast(alpha.mailbox);
        assertEq(book.usedCredit(accountOf(ALICE), ALPHA), int256(41e18), "the hub knows");
        assertEq(book.reserved(accountOf(ALICE)), 59e18, "free credit");
        assertEq(book.position(accountOf(BOB), option), -1e18, "position");
        assertEq(ledger.claim(accountOf(ALICE), USDC), 9_899e18, "premium left");
        assertEq(ledger.claim(accountOf(BOB), USDC), 10_101e18, "premium came");
    }

    function test_V5_noTradeUsesMoreThanTheLease() public {
        lease(alpha, ALICE, 39e18);
        lease(alpha, BOB, 100e18);
        expectChangeRefused(
            trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, 0),
            abi.encodeWithSelector(
                ISpokeCredit.CapacityExceeded.selector,
                accountOf(ALICE),
                40e18,
                39e18
            )
        );
    }

    function test_buyingBackAShortNeedsOnlyItsLossAgainstTheMark() public {
        lease(alpha, ALICE, 50e18);
        lease(alpha, BOB, 50e18);
        run(trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, 0));
        // Bob has 10 left. Closing at 103 costs 3; opening would need 40.
        run(trade(accountOf(BOB), accountOf(ALICE), option, 1e18 / 5, 103e18, 0), ALICE);
        assertEq(alpha.credit.used(accountOf(BOB)), 40e18 + 6e17, "loss of 0.6");
    }

    function test_afterTheLeaseOnlyReductionsAreTaken() public {
        lease(alpha, ALICE, 200e18);
        lease(alpha, BOB, 200e18);
        run(trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, 0));
        uint64 endMs = uint64(leaseEnd()) * 1000;
        vm.prank(SYSTEM);
        alpha.slots.open(++slot, endMs, new bytes32[](0), new bytes32[](0));
        expectChangeRefused(
            trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, 0),
            ISpokeCredit.LeaseExpired.selector
        );
        run(trade(accountOf(BOB), accountOf(ALICE), option, 1e18, 100e18, 0));
        assertEq(alpha.credit.position(accountOf(BOB), option), int256(0), "closed");
        // Across zero is no reduction.
        expectChangeRefused(
            trade(accountOf(BOB), accountOf(ALICE), option, 1e18, 100e18, 0),
            ISpokeCredit.LeaseExpired.selector
        );
    }

    function test_V16_cashThatDoesNotSumToZeroIsRefused() public {
        lease(alpha, ALICE, 100e18);
        lease(alpha, BOB, 100e18);
        Change[] memory changes = trade(accountOf(ALICE), accountOf(BOB), option, 1e17, 100e18, 0);
        changes[1].cash18 += 1;
        expectChangeRefused(
            changes,
            abi.encodeWithSelector(ISpokeCredit.CashNotBalanced.selector, int256(1))
        );
    }

    function test_onlyRegisteredProtocolsAndTheirOwnInstruments() public {
        Change[] memory changes = trade(accountOf(ALICE), accountOf(BOB), option, 1, 0, 0);
        vm.expectPartialRevert(ISpokeCredit.NotProtocol.selector);
        alpha.credit.applyChanges(changes, noRisks);
        changes[0].instrument = optionOf(2, 3000e8);
        expectChangeRefused(changes, ISpokeCredit.ForeignInstrument.selector);
    }

    function test_risksThatAreNotGoodAreRefused() public {
        lease(alpha, ALICE, 100e18);
        lease(alpha, BOB, 100e18);
        Change[] memory changes = trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, 0);
        vm.expectPartialRevert(ISpokeCredit.RiskMissing.selector);
        alpha.protocol.change(changes, noRisks, 0, 0);
        SignedInstrumentRisk[] memory risks = riskOf(option);
        risks[0].risk.longRequirement18 = 0;
        vm.expectPartialRevert(ISpokeCredit.BadRiskSignature.selector);
        alpha.protocol.change(changes, risks, 0, 0);
        risks = riskOf(option);
        risks[0].risk.validUntilSlot = slot - 1;
        risks[0].signature = sign(risks[0].risk, RISK_KEY);
        vm.expectPartialRevert(ISpokeCredit.RiskExpired.selector);
        alpha.protocol.change(changes, risks, 0, 0);
        risks = riskOf(option);
        for (uint256 i = 0; i < 3; ++i) {
            marks.set(ETH, SPOT8, START_MS);
        }
        vm.expectPartialRevert(ISpokeCredit.RiskStale.selector);
        alpha.protocol.change(changes, risks, 0, 0);
    }

    function test_aJointTradeNeedsNoCapacityButItsBundle() public {
        lease(alpha, BOB, 100e18);
        list(ALICE);
        run(trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, SALT), ALICE);
        assertEq(alpha.credit.used(accountOf(ALICE)), 0, "no capacity");
        deliverFast(alpha.mailbox);
        MarginAttestation memory a = attestation(accountOf(ALICE), -1);
        bytes memory signature = sign(a);
        vm.expectPartialRevert(ICreditBook.InitialMarginShortfall.selector);
        book.checkAfter(accountOf(ALICE), a, signature);
        a = attestation(accountOf(ALICE), 0);
        book.checkAfter(accountOf(ALICE), a, sign(a));
    }

    function test_I21_aJointChangeWithoutItsListingIsRefused() public {
        lease(alpha, BOB, 100e18);
        Change[] memory changes = trade(
            accountOf(ALICE),
            accountOf(BOB),
            option,
            1e18,
            100e18,
            SALT
        );
        SignedInstrumentRisk[] memory risks = riskOf(option);
        vm.prank(ALICE, ALICE);
        vm.expectPartialRevert(ISpokeCredit.JointNotListed.selector);
        alpha.protocol.change(changes, risks, 0, 0);
        list(ALICE);
        openSlot();
        vm.prank(ALICE, ALICE);
        vm.expectPartialRevert(ISpokeCredit.JointNotListed.selector);
        alpha.protocol.change(changes, risks, 0, 0);
    }

    function test_nobodyIsJointForAnothersAccount() public {
        list(BOB);
        Change[] memory changes = trade(
            accountOf(ALICE),
            accountOf(BOB),
            option,
            1e18,
            100e18,
            SALT
        );
        SignedInstrumentRisk[] memory risks = riskOf(option);
        vm.prank(BOB, BOB);
        vm.expectPartialRevert(ISpokeCredit.NotAccountOwner.selector);
        alpha.protocol.change(changes, risks, 0, 0);
    }

    function test_I21_aGuardedLegAloneOrLateIsRefused() public {
        lease(alpha, ALICE, 100e18);
        lease(alpha, BOB, 100e18);
        Change[] memory changes = trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, 0);
        SignedInstrumentRisk[] memory risks = riskOf(option);
        vm.prank(ALICE, ALICE);
        vm.expectPartialRevert(CrossMarginClient.NotInBundle.selector);
        alpha.protocol.change(changes, risks, SALT, slot);
        list(ALICE);
        vm.prank(BOB, BOB);
        vm.expectPartialRevert(CrossMarginClient.NotInBundle.selector);
        alpha.protocol.change(changes, risks, SALT, slot);
        vm.prank(ALICE, ALICE);
        vm.expectPartialRevert(CrossMarginClient.TooLate.selector);
        alpha.protocol.change(changes, risks, SALT, slot - 1);
        vm.prank(ALICE, ALICE);
        alpha.protocol.change(changes, risks, SALT, slot);
    }

    function test_freeCapacityComesBackAndUsedCapacityDoesNot() public {
        lease(alpha, ALICE, 100e18);
        lease(alpha, BOB, 100e18);
        run(trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, 0));
        vm.expectPartialRevert(ISpokeCredit.NotAccountOwner.selector);
        alpha.credit.giveBack(accountOf(ALICE), 1);
        vm.startPrank(ALICE);
        vm.expectPartialRevert(ISpokeCredit.CapacityExceeded.selector);
        alpha.credit.giveBack(accountOf(ALICE), 60e18 + 1);
        alpha.credit.giveBack(accountOf(ALICE), 60e18);
        vm.stopPrank();
        deliverFast(alpha.mailbox);
        assertEq(book.credit(accountOf(ALICE), ALPHA), 40e18, "the used part stays");
        // The Report comes after the Return: nothing is lost by it.
        deliverSigned(alpha.mailbox.outbox(alpha.mailbox.sent() - 2));
        assertEq(book.reserved(accountOf(ALICE)), 0, "all known");
    }

    function test_usedCapacityRetiresAndMakesRoomUnderTheCaps() public {
        lease(alpha, ALICE, 100e18);
        lease(alpha, BOB, 100e18);
        run(trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, 0));
        vm.prank(ALICE);
        alpha.credit.retire(accountOf(ALICE), 40e18);
        assertEq(alpha.credit.available(accountOf(ALICE)), 60e18, "free stays");
        deliverFast(alpha.mailbox);
        assertEq(book.usedCredit(accountOf(ALICE), ALPHA), -40e18, "its Report is late");
        assertEq(book.reserved(accountOf(ALICE)), 100e18, "still covered in full");
        deliverSigned(alpha.mailbox.outbox(alpha.mailbox.sent() - 2));
        assertEq(book.credit(accountOf(ALICE), ALPHA), 60e18, "room");
        assertEq(book.reserved(accountOf(ALICE)), 60e18, "free credit");
    }

    function test_aRecallTakesWhatIsFreeAndNoMore() public {
        lease(alpha, ALICE, 100e18);
        lease(alpha, BOB, 100e18);
        run(trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, 0));
        deliverFast(alpha.mailbox);
        vm.expectPartialRevert(ICreditBook.NotAccountOwner.selector);
        book.recall(accountOf(ALICE), ALPHA, 1e30);
        vm.prank(LIQUIDATION);
        book.setState(accountOf(ALICE), AccountState.Restricted);
        book.recall(accountOf(ALICE), ALPHA, 1e30);
        deliverFast(hubMailbox);
        deliverFast(alpha.mailbox);
        assertEq(alpha.credit.available(accountOf(ALICE)), 0, "nothing free");
        assertEq(book.reserved(accountOf(ALICE)), 0, "nothing reserved");
    }

    function test_anExpiredOptionSettlesWithoutCapacity() public {
        uint40 expiryS = uint40(START_MS / 1000 + 1);
        option = optionOf(1, 3000e8, expiryS);
        lease(alpha, ALICE, 40e18);
        lease(alpha, BOB, 40e18);
        run(trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, 0));
        Change[] memory changes = trade(accountOf(BOB), accountOf(ALICE), option, 1e18, 500e18, 0);
        vm.expectPartialRevert(ISpokeCredit.RiskMissing.selector);
        alpha.protocol.change(changes, noRisks, 0, 0);
        vm.prank(SYSTEM);
        alpha.slots.open(++slot, uint64(expiryS) * 1000, new bytes32[](0), new bytes32[](0));
        (changes[0].size18, changes[1].size18) = (4e17, -4e17);
        alpha.protocol.change(changes, noRisks, 0, 0);
        (changes[0].size18, changes[1].size18) = (6e17, -6e17);
        alpha.protocol.change(changes, noRisks, 0, 0);
        assertEq(alpha.credit.position(accountOf(BOB), option), int256(0), "closed");
        assertEq(alpha.credit.used(accountOf(BOB)), 40e18, "no more capacity");
        (changes[0].size18, changes[1].size18) = (5, -5);
        vm.expectPartialRevert(ISpokeCredit.RiskMissing.selector);
        alpha.protocol.change(changes, noRisks, 0, 0);
    }

    function test_cashAloneNeedsCapacityOfThePayer() public {
        lease(alpha, BOB, 40e18);
        Change[] memory changes = trade(accountOf(BOB), accountOf(ALICE), option, 0, 0, 0);
        (changes[0].cash18, changes[1].cash18) = (-40e18, 40e18);
        alpha.protocol.change(changes, noRisks, 0, 0);
        assertEq(alpha.credit.used(accountOf(BOB)), 40e18, "payer");
        assertEq(alpha.credit.used(accountOf(ALICE)), 0, "payee");
        (changes[0].cash18, changes[1].cash18) = (-1, 1);
        vm.expectPartialRevert(ISpokeCredit.CapacityExceeded.selector);
        alpha.protocol.change(changes, noRisks, 0, 0);
    }

    function test_aFaultyProtocolIsHeldByItsDailyCaps() public {
        lease(alpha, ALICE, 100e18);
        lease(alpha, BOB, 100e18);
        vm.prank(GUARDIAN);
        alpha.registry.setCaps(1, 79e18, 1e26);
        expectChangeRefused(
            trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, 0),
            ISpokeCredit.ProtocolCapExceeded.selector
        );
        vm.prank(GOVERNANCE);
        alpha.registry.setCaps(1, 80e18, 99e18);
        expectChangeRefused(
            trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, 0),
            ISpokeCredit.ProtocolCapExceeded.selector
        );
        vm.prank(GOVERNANCE);
        alpha.registry.setCaps(1, 80e18, 100e18);
        run(trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, 0));
    }

    function test_aLiquidationMovesAFractionOfEverythingOnEveryChain() public {
        uint256 onBeta = optionOf(2, 2500e8);
        fund(alpha, WETH, 3e18 + 1, ALICE);
        lease(alpha, ALICE, 100e18);
        lease(alpha, BOB, 200e18);
        lease(beta, ALICE, 100e18);
        lease(beta, BOB, 200e18);
        run(trade(accountOf(ALICE), accountOf(BOB), option, 1e18 + 1, 100e18, 0));
        deliverFast(alpha.mailbox);
        beta.protocol.change(
            trade(accountOf(BOB), accountOf(ALICE), onBeta, 2e18, 100e18, 0),
            riskOf(onBeta),
            0,
            0
        );
        deliverFast(beta.mailbox);
        vm.expectPartialRevert(bytes4(keccak256("Unauthorised(address,address)")));
        book.reassign(accountOf(ALICE), accountOf(BOB), 5e17);
        vm.prank(LIQUIDATION);
        book.reassign(accountOf(ALICE), accountOf(BOB), 5e17);
        assertEq(book.position(accountOf(ALICE), option), 5e17 + 1, "rounded towards zero");
        assertEq(book.position(accountOf(BOB), onBeta), int256(1e18), "short moved");
        assertEq(ledger.claim(accountOf(BOB), WETH), int256(15e17), "collateral moved");
        deliverFast(hubMailbox);
        deliverSigned(hubMailbox.outbox(hubMailbox.sent() - 2));
        assertEq(alpha.credit.position(accountOf(ALICE), option), 5e17 + 1, "alpha agrees");
        assertEq(alpha.protocol.sizeOf(accountOf(ALICE), option), 5e17 + 1, "protocol agrees");
        assertEq(beta.protocol.sizeOf(accountOf(BOB), onBeta), int256(1e18), "beta agrees");
    }

    function test_thePortfolioIsListedInOneOrder() public {
        lease(alpha, ALICE, 1000e18);
        lease(alpha, BOB, 1000e18);
        uint64[3] memory strikes = [uint64(3e8), 1e8, 2e8];
        for (uint256 i = 0; i < 3; ++i) {
            option = optionOf(1, strikes[i]);
            run(trade(accountOf(ALICE), accountOf(BOB), option, 1e18, 100e18, 0));
            deliverFast(alpha.mailbox);
        }
        fund(alpha, WETH, 1e18, ALICE);
        (
            uint256[] memory instruments,
            int256[] memory sizes18,
            uint16[] memory assets,
            int256[] memory claims18
        ) = book.portfolio(accountOf(ALICE));
        assertEq(instruments.length, 3, "positions");
        assertTrue(instruments[0] < instruments[1] && instruments[1] < instruments[2], "order");
        assertTrue(assets[0] == USDC && assets[1] == WETH, "assets ascending");
        assertEq(
            book.positionsHash(accountOf(ALICE)),
            keccak256(abi.encode(accountOf(ALICE), instruments, sizes18, assets, claims18)),
            "hash"
        );
    }

    function list(address sender) private {
        bytes32[] memory bundles = new bytes32[](1);
        bundles[0] = keccak256(abi.encode(sender, SALT));
        bytes32[] memory joints = new bytes32[](1);
        joints[0] = keccak256(abi.encode(sender, SALT, accountOf(sender)));
        openSlot(bundles, joints);
    }

    function run(Change[] memory changes) private {
        alpha.protocol.change(changes, riskOf(changes[0].instrument), 0, 0);
    }

    function run(Change[] memory changes, address origin) private {
        SignedInstrumentRisk[] memory risks = riskOf(changes[0].instrument);
        vm.prank(origin, origin);
        alpha.protocol.change(changes, risks, 0, 0);
    }

    function expectChangeRefused(Change[] memory changes, bytes4 selector) private {
        SignedInstrumentRisk[] memory risks = riskOf(changes[0].instrument);
        vm.expectPartialRevert(selector);
        alpha.protocol.change(changes, risks, 0, 0);
    }

    function expectChangeRefused(Change[] memory changes, bytes memory expected) private {
        SignedInstrumentRisk[] memory risks = riskOf(changes[0].instrument);
        vm.expectRevert(expected);
        alpha.protocol.change(changes, risks, 0, 0);
    }

    function expectGrantRefused(
        address owner,
        uint32 chainId,
        uint256 amount18,
        bytes4 selector
    ) private {
        MarginAttestation memory a = attestation(accountOf(owner), 1e30);
        bytes memory signature = sign(a);
        vm.prank(owner);
        vm.expectPartialRevert(selector);
        book.grant(accountOf(owner), chainId, amount18, leaseEnd(), a, signature);
    }

    function expectCheckRefused(MarginAttestation memory a, uint256 key, bytes4 selector) private {
        bytes memory signature = sign(a, key);
        vm.expectPartialRevert(selector);
        book.checkAfter(accountOf(ALICE), a, signature);
    }
}
