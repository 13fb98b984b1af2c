// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccountState, CreditBook} from "../../../contracts/hub/CreditBook.sol";
import {HubVault} from "../../../contracts/hub/HubVault.sol";
import {Ledger} from "../../../contracts/hub/Ledger.sol";
import {TestBase} from "../TestBase.sol";
import {PoolHandler} from "./PoolHandler.sol";

/// @dev What holds after every step of any schedule of users, thieves and a hostile network.
contract PoolInvariants is TestBase {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    uint32 private constant ALPHA = 902;
    uint32 private constant BETA = 903;
    int256 private constant DUST18 = 1_000;

    PoolHandler private handler;
    Ledger private ledger;
    HubVault private hubVault;
    CreditBook private book;

    function setUp() public {
        handler = new PoolHandler();
        (address l, address v, address b) = handler.pool();
        (ledger, hubVault, book) = (Ledger(l), HubVault(payable(v)), CreditBook(payable(b)));
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory selectors) {
        selectors = new FuzzSelector[](1);
        bytes4[] memory s = new bytes4[](22);
        s[0] = PoolHandler.deposit.selector;
        s[1] = PoolHandler.provide.selector;
        s[2] = PoolHandler.deliver.selector;
        s[3] = PoolHandler.deliverNext.selector;
        s[4] = PoolHandler.withdraw.selector;
        s[5] = PoolHandler.withdrawLiquidity.selector;
        s[6] = PoolHandler.grant.selector;
        s[7] = PoolHandler.giveBack.selector;
        s[8] = PoolHandler.recall.selector;
        s[9] = PoolHandler.trade.selector;
        s[10] = PoolHandler.tradeJointly.selector;
        s[11] = PoolHandler.tradeJointlyAlone.selector;
        s[12] = PoolHandler.liquidate.selector;
        s[13] = PoolHandler.recover.selector;
        s[14] = PoolHandler.processQueue.selector;
        s[15] = PoolHandler.refuseRecipient.selector;
        s[16] = PoolHandler.claim.selector;
        s[17] = PoolHandler.forgePayment.selector;
        s[18] = PoolHandler.passTime.selector;
        s[19] = PoolHandler.tradeUnbalanced.selector;
        s[20] = PoolHandler.confirmEarly.selector;
        s[21] = PoolHandler.release.selector;
        selectors[0] = FuzzSelector(address(handler), s);
    }

    /// @dev The invariants would say nothing about a handler to whom everything is refused.
    function test_everyActionSucceedsSoonerOrLater() public {
        for (uint256 i = 0; i < 1_000; ++i) {
            uint256 word = uint256(keccak256(abi.encode("step", i)));
            _act(word % 64, word >> 8);
            if (i % 10 == 9) _requireAll();
        }
        bytes32[16] memory actions = [
            bytes32("deposit"),
            "provide",
            "deliver",
            "withdraw",
            "withdrawLiquidity",
            "grant",
            "giveBack",
            "retire",
            "recall",
            "trade",
            "tradeJointly",
            "liquidate",
            "pay",
            "claim",
            "confirm",
            "release"
        ];
        for (uint256 i = 0; i < actions.length; ++i) {
            assertTrue(handler.done(actions[i]) > 0, string(abi.encodePacked(actions[i])));
        }
    }

    function invariant_V1_theBalanceSheetAddsUpToTheLastUnit() public view {
        _balanceSheet(1, 1e12);
        _balanceSheet(2, 1);
    }

    function invariant_V2_initialMarginCoversFreeCredit() public view {
        for (uint256 i = 0; i < handler.ACTORS(); ++i) {
            bytes32 account = handler.accountAt(i);
            if (book.state(account) != AccountState.Healthy || handler.raced(account)) continue;
            int256 spare18 = handler.spareOnceReported(account);
            assertTrue(spare18 + DUST18 >= 0, "initial margin below free credit");
        }
    }

    function invariant_V4_leasedPlusOnTheWayIsTheHubsCredit() public view {
        for (uint256 i = 0; i < handler.ACTORS(); ++i) {
            _credit(i, true, ALPHA);
            _credit(i, false, BETA);
        }
    }

    function invariant_V5_usedNeverExceedsLeased() public view {
        for (uint256 i = 0; i < handler.ACTORS(); ++i) {
            for (uint256 side = 0; side < 2; ++side) {
                (uint256 leased18, uint256 used18) = handler.spokeLease(i, side == 0);
                assertTrue(used18 <= leased18, "used above leased");
            }
        }
    }

    function invariant_V7_noMessageTakesEffectTwice() public view {
        assertTrue(!handler.appliedTwice(), "applied twice");
    }

    function invariant_V16_reportsMoveCashAndMakeNone() public view {
        assertTrue(!handler.reportUnbalanced(), "report");
        int256 sum18 = ledger.claim(bytes32(bytes20(address(0x11F))), 1);
        for (uint256 i = 0; i < handler.ACTORS(); ++i) {
            sum18 += ledger.claim(handler.accountAt(i), 1);
        }
        assertEq(sum18, ledger.totalClaims(1), "total of claims");
    }

    function invariant_V25_noExitOnAnUnconfirmedMessage() public view {
        assertTrue(!handler.vaultTookUnsigned(), "unsigned");
        for (uint256 side = 0; side < 2; ++side) {
            (, , uint256 unpaid, , uint256 paid) = handler.vaultTotals(side == 0, 1);
            uint256 taken18 = handler.paymentsTaken(side == 0 ? ALPHA : BETA, 1);
            assertEq((paid + unpaid) * 1e12, taken18, "every payment was signed");
        }
    }

    function invariant_I21_noLegOfAnUnlistedBundleRuns() public view {
        assertEq(handler.done("legAlone"), 0, "leg alone");
    }

    function invariant_hubSpokeAndProtocolAgreeOncePostIsIn() public view {
        for (uint256 i = 0; i < handler.ACTORS(); ++i) {
            for (uint256 option = 0; option < handler.OPTIONS(); ++option) {
                for (uint256 side = 0; side < 2; ++side) {
                    (int256 onHub, int256 onSpoke, int256 inProtocol, int256 inFlight) = handler
                        .positionsOf(i, side == 0, option);
                    assertEq(onSpoke, inProtocol, "spoke and protocol");
                    assertEq(onHub + inFlight, onSpoke, "hub and spoke");
                }
            }
        }
    }

    function _requireAll() private view {
        invariant_V1_theBalanceSheetAddsUpToTheLastUnit();
        invariant_V2_initialMarginCoversFreeCredit();
        invariant_V4_leasedPlusOnTheWayIsTheHubsCredit();
        invariant_V5_usedNeverExceedsLeased();
        invariant_V7_noMessageTakesEffectTwice();
        invariant_V16_reportsMoveCashAndMakeNone();
        invariant_V25_noExitOnAnUnconfirmedMessage();
        invariant_I21_noLegOfAnUnlistedBundleRuns();
        invariant_hubSpokeAndProtocolAgreeOncePostIsIn();
    }

    function _act(uint256 action, uint256 w) private {
        (bool a, bool b) = (w & 1 == 0, w & 2 == 0);
        (uint256 i, uint256 j, uint256 x) = ((w >> 2) & 7, (w >> 5) & 7, w >> 8);
        if (action == 0) handler.deposit(i, a, b, x);
        else if (action == 1) handler.provide(a, b, x);
        else if (action == 2) handler.deliver(x, a);
        else if (action == 3) handler.withdraw(i, a, b, x, j);
        else if (action == 4) handler.withdrawLiquidity(a, b, x);
        else if (action == 5) handler.grant(i, a, x);
        else if (action == 6) handler.giveBack(i, a, x, b);
        else if (action == 7) handler.recall(i, a, x);
        else if (action == 8) handler.forgePayment(a, uint64(x % 4), x);
        else if (action == 9) handler.tradeUnbalanced(i, j, a, x, x >> 8);
        else if (action == 10) handler.liquidate(i, j, x);
        else if (action == 11) handler.recover(i);
        else if (action == 12) handler.processQueue(a, b);
        else if (action == 13) handler.refuseRecipient(i, a, b);
        else if (action == 14) handler.claim(i, a);
        else if (action == 15) handler.grant(i, a, x);
        else if (action == 16) handler.tradeJointlyAlone(i, j, a, x);
        else if (action < 22) handler.trade(i, j, a, x, x >> 8, x >> 32);
        else if (action < 25) handler.tradeJointly(i, j, a, x, x >> 8, x >> 32);
        else if (action < 29) handler.withdraw(i, a, b, x, j);
        else if (action < 31) handler.processQueue(a, b);
        else if (action < 38) handler.release(x);
        else if (action < 50) handler.confirmEarly(i, x);
        else handler.deliverNext(a);
    }

    function _balanceSheet(uint16 asset, uint256 unit) private view {
        int256 left18;
        int256 right18 =
            ledger.totalClaims(asset) +
                int256(ledger.totalLiquidity(asset) + ledger.insurance(asset) + ledger.fees(asset));
        for (uint256 side = 0; side < 2; ++side) {
            uint32 chainId = side == 0 ? ALPHA : BETA;
            (uint256 custody, uint256 balance, , uint256 deposited, uint256 paid) = handler
                .vaultTotals(side == 0, asset);
            assertEq(balance, custody, "tokens and books");
            left18 += int256(balance * unit);
            right18 += int256(deposited * unit) - int256(hubVault.creditedFrom(chainId, asset));
            right18 += int256(hubVault.debitedTo(chainId, asset)) - int256(paid * unit);
        }
        assertEq(left18, right18, "balance sheet");
    }

    function _credit(uint256 actor, bool onAlpha, uint32 chainId) private view {
        bytes32 account = handler.accountAt(actor);
        (uint256 leased18, ) = handler.spokeLease(actor, onAlpha);
        assertEq(
            leased18 + handler.creditInFlight(account, chainId),
            book.credit(account, chainId),
            "credit"
        );
    }
}
