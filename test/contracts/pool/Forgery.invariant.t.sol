// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageHeader, MessageLib} from "../../../contracts/libraries/MessageLib.sol";
import {EarlyMessages} from "../../../contracts/messaging/EarlyMessages.sol";
import {
    GrantBody,
    MessageClass,
    MessageType,
    ReportLine
} from "../../../contracts/types/Messages.sol";
import {TestBase} from "../TestBase.sol";
import {PoolHandler} from "./PoolHandler.sol";

/// @dev The pool with a thief at the system key: he delivers reports and grants that nobody sent, and tries to leave
/// with what they gave him. Caps are small, so that they are often reached.
contract ForgeryHandler is PoolHandler {
    uint64 public constant SMALL_CAP6 = 20_000e6;

    /// @dev USD × 10^18 that lies gave the thief, by the chain that took them.
    mapping(uint32 chainId => uint256) public forged18;
    /// @dev A paused route took something in its slot.
    bool public tookWhilePaused;
    bytes[] private lies;
    uint64 private lieCount;

    constructor() {
        vm.startPrank(GUARDIAN);
        hubEarly.setFastCap(ALPHA, address(0), SMALL_CAP6);
        hubEarly.setFastCap(BETA, address(0), SMALL_CAP6);
        alpha.early.setFastCap(HUB, address(0), SMALL_CAP6);
        beta.early.setFastCap(HUB, address(0), SMALL_CAP6);
        vm.stopPrank();
    }

    /// @dev Cash of another actor's for the thief, who is the first of them.
    function forgeReport(bool onAlpha, uint256 victim, uint256 cash, uint32 ahead) external {
        uint256 cash18 = bound(cash, 1e18, 15_000e18);
        ReportLine[] memory lines = new ReportLine[](2);
        uint256 option = instrumentAt(onAlpha, 0);
        lines[0] = ReportLine(accountAt(0), option, 0, int256(cash18), 0);
        lines[1] = ReportLine(accountAt(1 + (victim % 3)), option, 0, -int256(cash18), 0);
        Rollup storage r = _rollup(onAlpha);
        bytes memory message = hubMailbox.encode(
            r.mailbox.nonce() + (ahead % 64),
            r.chainId,
            asRouter(address(r.credit)),
            HUB,
            asRouter(address(book)),
            _body(MessageType.Report, abi.encode(lines))
        );
        bool paused = hubEarly.isPaused(r.chainId);
        uint64 place = hubEarly.accepted();
        vm.prank(SYSTEM);
        try hubSlots.deliver(address(hubMailbox), message) {
            if (paused) tookWhilePaused = true;
            if (place < firstForged) firstForged = place;
            _lied(HUB, message, cash18);
        } catch {}
    }

    /// @dev Capacity for the thief that the hub never leased.
    function forgeGrant(bool onAlpha, uint256 amount, uint32 ahead) external {
        uint256 amount18 = bound(amount, 1e18, 15_000e18);
        Rollup storage r = _rollup(onAlpha);
        bytes memory message = hubMailbox.encode(
            hubMailbox.nonce() + (ahead % 64),
            HUB,
            asRouter(address(book)),
            r.chainId,
            asRouter(address(r.credit)),
            _body(
                MessageType.Grant,
                abi.encode(GrantBody(accountAt(0), amount18, type(uint40).max))
            )
        );
        bool paused = r.early.isPaused(HUB);
        vm.prank(SYSTEM);
        try r.slots.deliver(address(r.mailbox), message) {
            if (paused) tookWhilePaused = true;
            _lied(r.chainId, message, amount18);
        } catch {}
    }

    /// @dev Somebody shows a lie and the checkpoint with what was really sent there.
    function expose(uint256 which) external {
        if (lies.length == 0) return;
        bytes memory lie = lies[which % lies.length];
        (uint32 origin, uint32 nonce) = _placeOf(lie);
        Parcel memory p = open(lie);
        EarlyMessages early =
            p.destination == HUB ? hubEarly : (p.destination == ALPHA ? alpha.early : beta.early);
        early.proveForged(lie, checkpointOf(origin, nonce, keccak256("sent")));
        require(early.isPaused(origin), "paused");
        ++exposed;
    }

    uint256 public exposed;

    function route(
        uint256 place
    ) external view returns (uint32 destination, uint64 cap6, uint64 unconfirmed6) {
        if (place < 2) {
            (cap6, unconfirmed6) = hubEarly.fastCap(place == 0 ? ALPHA : BETA, address(0));
            return (HUB, cap6, unconfirmed6);
        }
        Rollup storage r = _rollup(place == 2);
        (cap6, unconfirmed6) = r.early.fastCap(HUB, address(0));
        return (r.chainId, cap6, unconfirmed6);
    }

    function _lied(uint32 chainId, bytes memory message, uint256 value18) private {
        forged18[chainId] += value18;
        lies.push(message);
        collect();
    }

    function _body(MessageType kind, bytes memory body) private returns (bytes memory) {
        uint64 nonce = 1_000_000 + lieCount++;
        return
            MessageLib.encode(
                MessageHeader(kind, MessageClass.Credit, nonce, bytes8(LOG_ID)),
                body
            );
    }
}

/// @dev What holds although the thief does what he likes with the system key.
contract ForgeryInvariants is TestBase {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    ForgeryHandler private handler;

    function setUp() public {
        handler = new ForgeryHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory selectors) {
        selectors = new FuzzSelector[](1);
        bytes4[] memory s = new bytes4[](10);
        s[0] = ForgeryHandler.forgeReport.selector;
        s[1] = ForgeryHandler.forgeGrant.selector;
        s[2] = ForgeryHandler.expose.selector;
        s[3] = PoolHandler.withdraw.selector;
        s[4] = PoolHandler.release.selector;
        s[5] = PoolHandler.confirmEarly.selector;
        s[6] = PoolHandler.trade.selector;
        s[7] = PoolHandler.deliverNext.selector;
        s[8] = PoolHandler.giveBack.selector;
        s[9] = PoolHandler.processQueue.selector;
        selectors[0] = FuzzSelector(address(handler), s);
    }

    function test_theThiefGetsSomewhereAndIsFound() public {
        for (uint256 i = 0; i < 200; ++i) {
            uint256 w = uint256(keccak256(abi.encode("theft", i)));
            bool a = w & 1 == 0;
            uint256 x = w >> 8;
            if (i % 5 == 0 && i < 150) handler.forgeReport(a, x, x >> 8, uint32(x));
            else if (i % 5 == 1) handler.forgeGrant(a, x, uint32(x));
            else if (i % 5 == 2) handler.withdraw(x & 3, a, true, x, 0);
            else if (i % 5 == 3) handler.confirmEarly(x, x >> 4);
            else handler.release(x);
            if (i == 180) handler.expose(x);
            _requireAll();
        }
        assertTrue(handler.forged18(901) > 0 && handler.forged18(902) > 0, "lies were taken");
        assertTrue(handler.exposed() > 0, "found");
        assertTrue(handler.done("withdraw") > 0, "and tried to leave");
    }

    function invariant_V25_unconfirmedEarlyValueStaysWithinTheCap() public view {
        for (uint256 i = 0; i < 4; ++i) {
            (, uint64 cap6, uint64 unconfirmed6) = handler.route(i);
            assertTrue(unconfirmed6 <= cap6, "above the cap");
        }
    }

    function invariant_V25_noPaymentLeavesOnALie() public view {
        assertTrue(!handler.exitOnForged(), "exit on a forged message");
    }

    function invariant_I22_whatLiesGaveStaysWithinTheCaps() public view {
        uint256 cap18 = uint256(handler.SMALL_CAP6()) * 1e12;
        assertTrue(handler.forged18(901) <= 2 * cap18, "hub");
        assertTrue(handler.forged18(902) <= cap18, "alpha");
        assertTrue(handler.forged18(903) <= cap18, "beta");
    }

    function invariant_I22_aPausedRouteTakesNothingInTheSlot() public view {
        assertTrue(!handler.tookWhilePaused(), "took while paused");
    }

    function _requireAll() private view {
        invariant_V25_unconfirmedEarlyValueStaysWithinTheCap();
        invariant_V25_noPaymentLeavesOnALie();
        invariant_I22_whatLiesGaveStaysWithinTheCaps();
        invariant_I22_aPausedRouteTakesNothingInTheSlot();
    }
}
