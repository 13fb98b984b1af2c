// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IHubVault} from "../../../contracts/hub/IHubVault.sol";
import {ICreditBook} from "../../../contracts/hub/ICreditBook.sol";
import {ILedger} from "../../../contracts/hub/ILedger.sol";
import {IMarginVerifier} from "../../../contracts/hub/IMarginVerifier.sol";
import {AccountState} from "../../../contracts/hub/ICreditBook.sol";
import {IMessageEndpoint} from "../../../contracts/messaging/IMessageEndpoint.sol";
import {ISpokeVault} from "../../../contracts/spoke/ISpokeVault.sol";
import {MarginAttestation} from "../../../contracts/types/Margin.sol";
import {FeeToken, TestToken} from "../fakes/OddTokens.sol";
import {PoolFixture} from "./PoolFixture.sol";

/// @dev Deposits, claims, withdrawals, queues.
contract CustodyTest is PoolFixture {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);
    address private constant LP = address(0x11F);

    function setUp() public {
        setUpPool();
    }

    function test_aDepositIsCreditedWhenTheMessageArrivesAndNotBefore() public {
        alpha.usdc.mint(ALICE, 7e6);
        vm.startPrank(ALICE);
        alpha.usdc.approve(address(alpha.vault), 7e6);
        alpha.vault.deposit(USDC, 7e6, accountOf(ALICE));
        vm.stopPrank();
        assertEq(ledger.claim(accountOf(ALICE), USDC), int256(0), "before");
        deliverSigned(alpha.mailbox);
        assertEq(ledger.claim(accountOf(ALICE), USDC), int256(7e18), "after");
        assertEq(hubVault.creditedFrom(ALPHA, USDC), 7e18, "credited");
    }

    function test_aWithdrawalPaysOnAnotherChain() public {
        fund(alpha, USDC, 100e6, ALICE);
        provide(beta, 500e6);
        withdraw(ALICE, 40e18, BETA, BOB);
        assertEq(ledger.claim(accountOf(ALICE), USDC), int256(60e18), "debited first");
        deliverSigned(hubMailbox);
        assertEq(beta.usdc.balanceOf(BOB), 40e6, "paid");
        assertEq(beta.vault.custody(USDC), 460e6, "custody");
        assertEq(hubVault.debitedTo(BETA, USDC), 40e18, "debited");
    }

    function test_V17_paymentsWaitInOrderAndNobodyOvertakes() public {
        fund(alpha, USDC, 100e6, ALICE);
        provide(beta, 5e6);
        withdraw(ALICE, 6e18, BETA, ALICE);
        deliverSigned(hubMailbox);
        withdraw(ALICE, 1e18, BETA, BOB);
        deliverSigned(hubMailbox);
        assertEq(beta.usdc.balanceOf(BOB), 0, "no overtaking");
        assertEq(beta.vault.queuedTotal(USDC), 7e6, "queued");
        assertEq(beta.vault.processQueue(USDC, 10), 0, "nothing fits");
        provide(beta, 1e6);
        assertEq(beta.vault.processQueue(USDC, 10), 1, "one fits");
        assertEq(beta.usdc.balanceOf(ALICE), 6e6, "first in full");
        provide(beta, 9e6);
        assertEq(beta.vault.processQueue(USDC, 10), 1, "then the other");
        assertEq(beta.usdc.balanceOf(BOB), 1e6, "second");
        assertEq(beta.vault.queuedTotal(USDC), 0, "empty");
    }

    function test_aRecipientThatTheTokenRefusesDoesNotStopTheQueue() public {
        fund(alpha, USDC, 100e6, ALICE);
        provide(beta, 50e6);
        beta.usdc.refuse(BOB, true);
        withdraw(ALICE, 3e18, BETA, BOB);
        deliverSigned(hubMailbox);
        assertEq(beta.vault.claimable(USDC, BOB), 3e6, "parked");
        withdraw(ALICE, 48e18, BETA, ALICE);
        deliverSigned(hubMailbox);
        assertEq(beta.vault.queuedTotal(USDC), 48e6, "parked amounts are spoken for");
        vm.prank(BOB);
        beta.vault.claim(USDC, LP);
        assertEq(beta.usdc.balanceOf(LP), 3e6, "claimed elsewhere");
        vm.prank(BOB);
        vm.expectPartialRevert(ISpokeVault.NothingToClaim.selector);
        beta.vault.claim(USDC, LP);
    }

    function test_tokensThatKeepAPartAreRefused() public {
        FeeToken odd = new FeeToken();
        vm.prank(GOVERNANCE);
        alpha.vault.addAsset(ISpokeVault.AssetConfig(9, address(odd), 18, 1e24));
        odd.approve(address(alpha.vault), 100e18);
        vm.expectRevert(abi.encodeWithSelector(ISpokeVault.AmountMismatch.selector, 99e18, 100e18));
        alpha.vault.deposit(9, 100e18, accountOf(ALICE));
    }

    function test_badDepositsAreRefused() public {
        vm.expectPartialRevert(ISpokeVault.UnknownAsset.selector);
        alpha.vault.deposit(77, 1, accountOf(ALICE));
        vm.expectPartialRevert(ISpokeVault.ZeroAmount.selector);
        alpha.vault.deposit(USDC, 0, accountOf(ALICE));
        vm.expectPartialRevert(ISpokeVault.AccountWithoutOwner.selector);
        alpha.vault.deposit(USDC, 1, bytes32(uint256(5)));
        vm.prank(GUARDIAN);
        alpha.vault.setCustodyCap(USDC, 10);
        vm.expectRevert(
            abi.encodeWithSelector(ISpokeVault.CustodyCapExceeded.selector, USDC, 11, 10)
        );
        alpha.vault.deposit(USDC, 11, accountOf(ALICE));
    }

    function test_theGuardianOnlyTightens() public {
        vm.startPrank(GUARDIAN);
        vm.expectPartialRevert(ISpokeVault.CapNotLower.selector);
        alpha.vault.setCustodyCap(USDC, 1e30);
        vm.expectPartialRevert(ICreditBook.CapNotLower.selector);
        book.setSpokeCap(ALPHA, 1e30);
        vm.expectPartialRevert(ICreditBook.CapNotLower.selector);
        book.setCaps(1, 1e30);
        book.setCaps(1, 1);
        vm.stopPrank();
        vm.expectPartialRevert(IMessageEndpoint.Unauthorised.selector);
        book.setCaps(1, 1);
    }

    function test_decimalsMustBeTheTokensOwn() public {
        TestToken odd = new TestToken(19);
        vm.startPrank(GOVERNANCE);
        vm.expectPartialRevert(ISpokeVault.WrongDecimals.selector);
        alpha.vault.addAsset(ISpokeVault.AssetConfig(9, address(odd), 19, 1));
        vm.expectPartialRevert(ISpokeVault.WrongDecimals.selector);
        alpha.vault.addAsset(ISpokeVault.AssetConfig(9, address(alpha.usdc), 7, 1));
    }

    function test_withdrawalsThatBreakARuleAreRefused() public {
        fund(alpha, USDC, 100e6, ALICE);
        bytes32 account = accountOf(ALICE);
        MarginAttestation memory a = attestation(account, 1e30);
        bytes memory signature = sign(a);
        vm.expectPartialRevert(IHubVault.NotAccountOwner.selector);
        hubVault.withdraw(account, USDC, 1e18, ALPHA, ALICE, a, signature);
        vm.startPrank(ALICE);
        vm.expectPartialRevert(IHubVault.ZeroAmount.selector);
        hubVault.withdraw(account, USDC, 0, ALPHA, ALICE, a, signature);
        vm.expectPartialRevert(IHubVault.FractionOfUnit.selector);
        hubVault.withdraw(account, USDC, 1e18 + 1, ALPHA, ALICE, a, signature);
        vm.expectPartialRevert(IHubVault.InvalidRecipient.selector);
        hubVault.withdraw(account, USDC, 1e18, ALPHA, address(0), a, signature);
        vm.expectPartialRevert(IHubVault.InvalidRecipient.selector);
        hubVault.withdraw(account, USDC, 1e18, ALPHA, address(alpha.vault), a, signature);
        vm.expectPartialRevert(ILedger.InsufficientClaim.selector);
        hubVault.withdraw(account, USDC, 101e18, ALPHA, ALICE, a, signature);
        vm.expectPartialRevert(IMarginVerifier.PortfolioChanged.selector);
        hubVault.withdraw(account, USDC, 1e18, ALPHA, ALICE, a, signature);
        vm.expectPartialRevert(IMessageEndpoint.UnknownPeer.selector);
        hubVault.withdraw(account, USDC, 1e18, 77, ALICE, a, signature);
    }

    function test_anAttestationAboutTheDebitedPortfolioMustCoverFreeCredit() public {
        fund(alpha, USDC, 100e6, ALICE);
        lease(alpha, ALICE, 30e18);
        MarginAttestation memory a = afterWithdrawal(ALICE, 80e18, 20e18);
        bytes memory signature = sign(a);
        vm.prank(ALICE);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICreditBook.InitialMarginShortfall.selector,
                accountOf(ALICE),
                10e18,
                uint8(7)
            )
        );
        hubVault.withdraw(accountOf(ALICE), USDC, 80e18, ALPHA, ALICE, a, signature);
        a = afterWithdrawal(ALICE, 70e18, 30e18);
        signature = sign(a);
        vm.prank(ALICE);
        hubVault.withdraw(accountOf(ALICE), USDC, 70e18, ALPHA, ALICE, a, signature);
    }

    function test_anAccountInLiquidationDoesNotWithdraw() public {
        fund(alpha, USDC, 100e6, ALICE);
        vm.prank(LIQUIDATION);
        book.setState(accountOf(ALICE), AccountState.Call);
        MarginAttestation memory a = afterWithdrawal(ALICE, 1e18, 1e30);
        bytes memory signature = sign(a);
        vm.prank(ALICE);
        vm.expectPartialRevert(ICreditBook.StateForbids.selector);
        hubVault.withdraw(accountOf(ALICE), USDC, 1e18, ALPHA, ALICE, a, signature);
    }

    function test_liquidityComesAndGoesWithoutMargin() public {
        provide(alpha, 50e6);
        assertEq(ledger.liquidity(USDC, accountOf(LP)), 50e18, "provided");
        vm.startPrank(LP);
        vm.expectPartialRevert(ILedger.InsufficientLiquidity.selector);
        hubVault.withdrawLiquidity(accountOf(LP), USDC, 51e18, ALPHA, LP);
        hubVault.withdrawLiquidity(accountOf(LP), USDC, 20e18, ALPHA, LP);
        vm.stopPrank();
        deliverSigned(hubMailbox);
        assertEq(alpha.usdc.balanceOf(LP), 20e6, "paid");
        assertEq(ledger.totalLiquidity(USDC), 30e18, "left");
    }

    function test_onlyRegisteredModulesWriteTheLedger() public {
        vm.expectPartialRevert(ILedger.NotWriter.selector);
        ledger.credit(accountOf(ALICE), USDC, 1e18);
        vm.prank(LIQUIDATION);
        vm.expectPartialRevert(ILedger.NotWriter.selector);
        ledger.credit(accountOf(ALICE), USDC, 1e18);
        vm.prank(address(hubVault));
        vm.expectPartialRevert(ILedger.NotWriter.selector);
        ledger.move(USDC, accountOf(ALICE), accountOf(BOB), 1);
    }

    function test_onlyTheNumeraireGoesBelowZero() public {
        fund(alpha, WETH, 1e18, ALICE);
        vm.startPrank(LIQUIDATION);
        ledger.move(USDC, accountOf(ALICE), accountOf(BOB), 5e18);
        assertEq(ledger.claim(accountOf(ALICE), USDC), -5e18, "debt");
        assertEq(ledger.totalClaims(USDC), int256(0), "sum");
        vm.expectPartialRevert(ILedger.InsufficientClaim.selector);
        ledger.move(WETH, accountOf(ALICE), accountOf(BOB), 2e18);
        vm.expectPartialRevert(ILedger.InsufficientClaim.selector);
        ledger.payInsurance(USDC, accountOf(ALICE), 1);
        ledger.payInsurance(USDC, accountOf(BOB), 1e18);
        ledger.payFee(USDC, accountOf(BOB), 1e18);
        ledger.drawInsurance(USDC, accountOf(ALICE), 1e18);
        assertEq(ledger.totalClaims(USDC), -1e18, "the fee left the claims");
        assertEq(ledger.fees(USDC), 1e18, "fees");
        vm.expectPartialRevert(ILedger.InsufficientInsurance.selector);
        ledger.drawInsurance(USDC, accountOf(ALICE), 1);
    }

    function provide(Rollup storage r, uint256 amount) private {
        r.usdc.mint(LP, amount);
        vm.startPrank(LP);
        r.usdc.approve(address(r.vault), amount);
        r.vault.depositLiquidity(USDC, amount, accountOf(LP));
        vm.stopPrank();
        deliverSigned(r.mailbox);
    }

    function withdraw(address owner, uint256 amount18, uint32 chainId, address recipient) private {
        MarginAttestation memory a = afterWithdrawal(owner, amount18, 1e30);
        bytes memory signature = sign(a);
        vm.prank(owner);
        hubVault.withdraw(accountOf(owner), USDC, amount18, chainId, recipient, a, signature);
    }

    /// @dev What the risk signer says of the account as it will be.
    function afterWithdrawal(
        address owner,
        uint256 amount18,
        int256 initial18
    ) private returns (MarginAttestation memory a) {
        uint256 snapshot = vm.snapshotState();
        vm.prank(address(hubVault));
        ledger.debit(accountOf(owner), USDC, amount18);
        a = attestation(accountOf(owner), initial18);
        vm.revertToState(snapshot);
    }
}
