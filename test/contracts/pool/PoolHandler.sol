// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccountState} from "../../../contracts/hub/ICreditBook.sol";
import {MessageHeader, MessageLib} from "../../../contracts/libraries/MessageLib.sol";
import {Change, MarginAttestation, SignedInstrumentRisk} from "../../../contracts/types/Margin.sol";
import {MessageClass, MessageType, PaymentBody} from "../../../contracts/types/Messages.sol";
import {EarlyMessages} from "../../../contracts/messaging/EarlyMessages.sol";
import {TestToken} from "../fakes/OddTokens.sol";
import {HostileWire} from "./HostileWire.sol";

/// @dev Users, liquidators and thieves who do anything at any time. The market stands still: every option is worth
/// 100, and long or short needs 40 beyond its value. No action reverts; what the pool refuses just does not happen.
contract PoolHandler is HostileWire {
    uint256 public constant ACTORS = 4;
    uint256 public constant OPTIONS = 3;
    uint256 private constant LOT18 = 1e14;
    bytes32 private constant SALT = keccak256("salt");
    address private constant LP = address(0x11F);

    /// @dev Payments that were ever held.
    uint256 private held;

    /// @dev Successes by action: an invariant says nothing when nothing happens.
    mapping(bytes32 action => uint256) public done;

    /// @dev Everybody starts with money on both rollups and capacity on both, so that most actions can succeed.
    constructor() {
        setUpPool();
        for (uint256 i = 0; i < ACTORS; ++i) {
            fund(alpha, USDC, 40_000e6, ownerAt(i));
            fund(beta, WETH, 10e18, ownerAt(i));
            lease(alpha, ownerAt(i), 10_000e18);
            lease(beta, ownerAt(i), 10_000e18);
        }
        forgetWire();
    }

    function ownerAt(uint256 i) public pure returns (address) {
        return address(uint160(0xA000 + (i % ACTORS)));
    }

    function accountAt(uint256 i) public pure returns (bytes32) {
        return accountOf(ownerAt(i));
    }

    function instrumentAt(bool onAlpha, uint256 i) public pure returns (uint256) {
        return optionOf(onAlpha ? 1 : 2, uint64(1e8 * (1 + (i % OPTIONS))));
    }

    function deposit(uint256 actor, bool onAlpha, bool usdc, uint256 amount) external {
        Rollup storage r = _rollup(onAlpha);
        amount = usdc ? bound(amount, 1, 5_000e6) : bound(amount, 1, 2e18);
        _approve(r, usdc, ownerAt(actor), amount);
        vm.prank(ownerAt(actor));
        r.vault.deposit(usdc ? USDC : WETH, amount, accountAt(actor));
        _finish("deposit", true);
    }

    function provide(bool onAlpha, bool usdc, uint256 amount) external {
        Rollup storage r = _rollup(onAlpha);
        amount = usdc ? bound(amount, 1, 5_000e6) : bound(amount, 1, 2e18);
        _approve(r, usdc, LP, amount);
        vm.prank(LP);
        r.vault.depositLiquidity(usdc ? USDC : WETH, amount, accountOf(LP));
        _finish("provide", true);
    }

    function deliver(uint256 index, bool withSignatures) external {
        if (wire.length == 0) return;
        _finish("deliver", bring(index, withSignatures));
    }

    /// @dev The newest message that did not arrive yet, so that conversations get somewhere.
    function deliverNext(bool withSignatures) external {
        for (uint256 i = wire.length; i > 0 && i + 16 > wire.length; --i) {
            if (applied[keccak256(wire[i - 1])]) continue;
            _finish("deliver", bring(i - 1, withSignatures));
            return;
        }
    }

    function withdraw(
        uint256 actor,
        bool onAlpha,
        bool usdc,
        uint256 amount,
        uint256 recipient
    ) external {
        int256 claim18 = ledger.claim(accountAt(actor), usdc ? USDC : WETH);
        if (claim18 <= 0) return;
        amount = bound(amount, 1, uint256(claim18) / 4 + 1);
        if (usdc) amount = (amount / 1e12) * 1e12;
        if (amount == 0) return;
        try this.withdrawNow(actor, onAlpha, usdc, amount, ownerAt(recipient)) {
            _finish("withdraw", true);
        } catch {
            _finish("withdraw", false);
        }
    }

    function withdrawNow(
        uint256 actor,
        bool onAlpha,
        bool usdc,
        uint256 amount18,
        address recipient
    ) external {
        bytes32 account = accountAt(actor);
        uint16 asset = usdc ? USDC : WETH;
        uint256 snapshot = vm.snapshotState();
        vm.prank(address(hubVault));
        ledger.debit(account, asset, amount18);
        MarginAttestation memory a = attestation(account, initialOf(account));
        vm.revertToState(snapshot);
        bytes memory signature = sign(a);
        vm.prank(ownerAt(actor));
        bytes32 messageId = hubVault.withdraw(
            account,
            asset,
            amount18,
            onAlpha ? ALPHA : BETA,
            recipient,
            a,
            signature
        );
        if (messageId == 0) ++held;
        else left(hubEarly.accepted());
    }

    /// @dev Validators sign some of what the hub or a rollup took on the sequencer's word.
    function confirmEarly(uint256 chain, uint256 word) external {
        EarlyMessages early =
            chain % 3 == 0 ? hubEarly : (chain % 3 == 1 ? alpha.early : beta.early);
        _finish("confirm", confirmSome(early, word) > 0);
    }

    function release(uint256 place) external {
        if (held == 0) return;
        place %= held;
        uint64 until = hubVault.heldPayment(place).until;
        try hubVault.release(place) {
            left(until);
            _finish("release", true);
        } catch {
            _finish("release", false);
        }
    }

    function withdrawLiquidity(bool onAlpha, bool usdc, uint256 amount) external {
        uint16 asset = usdc ? USDC : WETH;
        uint256 had18 = ledger.liquidity(asset, accountOf(LP));
        if (had18 < 1e12) return;
        amount = (bound(amount, 1e12, had18) / 1e12) * 1e12;
        vm.prank(LP);
        hubVault.withdrawLiquidity(accountOf(LP), asset, amount, onAlpha ? ALPHA : BETA, LP);
        _finish("withdrawLiquidity", true);
    }

    function grant(uint256 actor, bool onAlpha, uint256 amount) external {
        bytes32 account = accountAt(actor);
        recover(actor);
        // Every third time all that collateral allows, whatever margin says.
        uint256 credit18 = book.creditOf(account);
        uint256 collateral18 = verifier.haircutCollateral(account);
        bool greedy = amount % 3 == 0 && collateral18 > credit18;
        amount = greedy ? collateral18 - credit18 : bound(amount, 1e18, 20_000e18);
        MarginAttestation memory a = attestation(account, initialOf(account));
        bytes memory signature = sign(a);
        uint40 endS = uint40(hubSlots.timestampMs() / 1000 + 12 hours);
        vm.prank(ownerAt(actor));
        try book.grant(account, onAlpha ? ALPHA : BETA, amount, endS, a, signature) {
            _finish("grant", true);
        } catch {
            _finish("grant", false);
        }
    }

    function giveBack(uint256 actor, bool onAlpha, uint256 amount, bool usedPart) external {
        Rollup storage r = _rollup(onAlpha);
        bytes32 account = accountAt(actor);
        uint256 most18 = usedPart ? r.credit.used(account) : r.credit.available(account);
        if (most18 == 0) return;
        amount = bound(amount, 1, (most18 + 7) / 8);
        vm.prank(ownerAt(actor));
        if (usedPart) r.credit.retire(account, amount);
        else r.credit.giveBack(account, amount);
        _finish(usedPart ? bytes32("retire") : bytes32("giveBack"), true);
    }

    function recall(uint256 actor, bool onAlpha, uint256 amount) external {
        vm.prank(ownerAt(actor));
        book.recall(accountAt(actor), onAlpha ? ALPHA : BETA, bound(amount, 1, 1_000e18));
        _finish("recall", true);
    }

    function trade(
        uint256 buyer,
        uint256 seller,
        bool onAlpha,
        uint256 option,
        uint256 lots,
        uint256 price
    ) external {
        Rollup storage r = _rollup(onAlpha);
        uint256 instrument = instrumentAt(onAlpha, option);
        Change[] memory changes = _tradeOf(buyer, seller, instrument, lots, price, 0);
        try r.protocol.change(changes, riskOf(instrument), 0, 0) {
            _finish("trade", true);
        } catch {
            _finish("trade", false);
        }
    }

    /// @dev A faulty protocol makes cash out of nothing.
    function tradeUnbalanced(
        uint256 buyer,
        uint256 seller,
        bool onAlpha,
        uint256 option,
        uint256 extra
    ) external {
        Rollup storage r = _rollup(onAlpha);
        uint256 instrument = instrumentAt(onAlpha, option);
        Change[] memory changes = _tradeOf(buyer, seller, instrument, 1, 100, 0);
        changes[1].cash18 += int256(bound(extra, 1, 1e18));
        try r.protocol.change(changes, riskOf(instrument), 0, 0) {
            _finish("unbalanced", true);
        } catch {
            _finish("unbalanced", false);
        }
    }

    /// @dev A whole bundle: opened, traded, reported in the slot, checked on the hub, or nothing of it.
    function tradeJointly(
        uint256 buyer,
        uint256 seller,
        bool onAlpha,
        uint256 option,
        uint256 lots,
        uint256 price
    ) external {
        uint256 instrument = instrumentAt(onAlpha, option);
        Change[] memory changes = _tradeOf(buyer, seller, instrument, lots, price, SALT);
        if (changes[0].account == changes[1].account) return;
        if (price & 1 == 1) _swapSides(changes);
        _openListed(ownerAt(buyer));
        try this.bundle(ownerAt(buyer), onAlpha, changes, riskOf(instrument)) {
            _finish("tradeJointly", true);
        } catch {
            _finish("tradeJointly", false);
        }
    }

    function bundle(
        address buyer,
        bool onAlpha,
        Change[] calldata changes,
        SignedInstrumentRisk[] calldata risks
    ) external {
        Rollup storage r = _rollup(onAlpha);
        vm.prank(buyer, buyer);
        r.protocol.change(changes, risks, SALT, slot);
        uint256 sent = wire.length;
        collect();
        require(wire.length == sent + 1 && bring(sent, false), "report");
        bytes32 account = accountOf(buyer);
        MarginAttestation memory a = attestation(account, initialOf(account));
        book.checkAfter(account, a, sign(a));
    }

    /// @dev Someone sends a leg of a bundle that the slot does not list.
    function tradeJointlyAlone(
        uint256 buyer,
        uint256 seller,
        bool onAlpha,
        uint256 option
    ) external {
        Rollup storage r = _rollup(onAlpha);
        uint256 instrument = instrumentAt(onAlpha, option);
        Change[] memory changes = _tradeOf(buyer, seller, instrument, 1, 100, SALT);
        openSlot();
        SignedInstrumentRisk[] memory risks = riskOf(instrument);
        vm.prank(ownerAt(buyer), ownerAt(buyer));
        try r.protocol.change(changes, risks, 0, 0) {
            _finish("legAlone", true);
        } catch {
            _finish("legAlone", false);
        }
    }

    function liquidate(uint256 from, uint256 to, uint256 percent) external {
        if (accountAt(from) == accountAt(to)) return;
        try this.liquidateNow(accountAt(from), accountAt(to), bound(percent, 1, 30) * 1e16) {
            if (percent & 1 == 0) recover(from);
            _finish("liquidate", true);
        } catch {
            _finish("liquidate", false);
        }
    }

    function liquidateNow(bytes32 from, bytes32 to, uint256 fraction18) external {
        vm.startPrank(LIQUIDATION);
        book.setState(from, AccountState.Auction);
        book.reassign(from, to, fraction18);
        vm.stopPrank();
        MarginAttestation memory a = attestation(to, initialOf(to));
        book.checkAfter(to, a, sign(a));
    }

    /// @dev Back to health once initial margin covers free credit.
    function recover(uint256 actor) public {
        bytes32 account = accountAt(actor);
        if (initialOf(account) < int256(book.reserved(account))) return;
        if (reportsInFlight[account] == 0) raced[account] = false;
        vm.prank(LIQUIDATION);
        book.setState(account, AccountState.Healthy);
    }

    function processQueue(bool onAlpha, bool usdc) external {
        _finish("pay", _rollup(onAlpha).vault.processQueue(usdc ? USDC : WETH, 3) > 0);
    }

    function refuseRecipient(uint256 actor, bool onAlpha, bool refused) external {
        _rollup(onAlpha).usdc.refuse(ownerAt(actor), refused);
    }

    function claim(uint256 actor, bool onAlpha) external {
        Rollup storage r = _rollup(onAlpha);
        if (r.vault.claimable(USDC, ownerAt(actor)) == 0) return;
        vm.prank(ownerAt(actor));
        r.vault.claim(USDC, LP);
        _finish("claim", true);
    }

    /// @dev A thief with the system key makes up a payment.
    function forgePayment(bool onAlpha, uint64 nonce, uint256 amount) external {
        Rollup storage r = _rollup(onAlpha);
        bytes memory body = MessageLib.encode(
            MessageHeader(MessageType.Payment, MessageClass.Withdrawal, nonce, bytes8(LOG_ID)),
            abi.encode(PaymentBody(USDC, bound(amount, 1, 1000) * 1e18, ownerAt(0)))
        );
        wire.push(
            hubMailbox.encode(
                0,
                HUB,
                asRouter(address(hubVault)),
                r.chainId,
                asRouter(address(r.vault)),
                body
            )
        );
        bring(wire.length - 1, false);
        wire.pop();
    }

    function passTime(uint256 minutesPassed) external {
        vm.startPrank(SYSTEM);
        uint64 nowMs = hubSlots.timestampMs() + uint64(bound(minutesPassed, 1, 600)) * 60_000;
        ++slot;
        bytes32[] memory none = new bytes32[](0);
        hubSlots.open(slot, nowMs, none, none);
        alpha.slots.open(slot, nowMs, none, none);
        beta.slots.open(slot, nowMs, none, none);
        vm.stopPrank();
        marks.set(ETH, SPOT8, nowMs);
    }

    /// @dev Initial margin of the portfolio on the hub's books: claims at their price, options at 100 less 40.
    function initialOf(bytes32 account) public view returns (int256 initial18) {
        (uint256[] memory instruments, int256[] memory sizes18, , ) = book.portfolio(account);
        initial18 = ledger.claim(account, USDC) + ledger.claim(account, WETH) * 1800;
        for (uint256 i = 0; i < instruments.length; ++i) {
            initial18 += _worth18(sizes18[i]);
        }
    }

    /// @dev Initial margin less free credit once every Report on its way is in. Before that the hub may know of a
    /// purchase that closed a sale it does not know of.
    function spareOnceReported(bytes32 account) external view returns (int256 spare18) {
        spare18 = ledger.claim(account, USDC) + ledger.claim(account, WETH) * 1800;
        spare18 += reportedCash18[account];
        for (uint256 i = 0; i < 2 * OPTIONS; ++i) {
            uint256 instrument = instrumentAt(i < OPTIONS, i);
            int256 reported18 = reportedSize18[account][instrument];
            spare18 += _worth18(book.position(account, instrument) + reported18);
        }
        spare18 -= int256(book.reserved(account)) - int256(reportedUse18[account]);
    }

    function vaultTotals(
        bool onAlpha,
        uint16 asset
    )
        external
        view
        returns (uint256 custody, uint256 balance, uint256 unpaid, uint256 deposited, uint256 paid)
    {
        Rollup storage r = _rollup(onAlpha);
        custody = r.vault.custody(asset);
        balance = r.vault.balance(asset);
        unpaid = r.vault.queuedTotal(asset) + r.vault.claimableTotal(asset);
        deposited = r.vault.depositedTotal(asset);
        paid = r.vault.paidTotal(asset);
    }

    function spokeLease(
        uint256 actor,
        bool onAlpha
    ) external view returns (uint256 leased18, uint256 used18) {
        Rollup storage r = _rollup(onAlpha);
        return (r.credit.leased(accountAt(actor)), r.credit.used(accountAt(actor)));
    }

    function positionsOf(
        uint256 actor,
        bool onAlpha,
        uint256 option
    ) external view returns (int256 onHub, int256 onSpoke, int256 inProtocol, int256 inFlight) {
        Rollup storage r = _rollup(onAlpha);
        (bytes32 account, uint256 instrument) = (accountAt(actor), instrumentAt(onAlpha, option));
        onHub = book.position(account, instrument);
        onSpoke = r.credit.position(account, instrument);
        inProtocol = r.protocol.sizeOf(account, instrument);
        inFlight = sizeInFlight[account][instrument];
    }

    function pool() external view returns (address, address, address) {
        return (address(ledger), address(hubVault), address(book));
    }

    function _tradeOf(
        uint256 buyer,
        uint256 seller,
        uint256 instrument,
        uint256 lots,
        uint256 price,
        bytes32 salt
    ) private pure returns (Change[] memory) {
        uint256 size18 = bound(lots, 1, 500_000) * LOT18;
        uint256 price18 = bound(price, 80, 120) * 1e18;
        return trade(accountAt(buyer), accountAt(seller), instrument, size18, price18, salt);
    }

    /// @dev The first account sells to the second.
    function _swapSides(Change[] memory changes) private pure {
        for (uint256 i = 0; i < changes.length; ++i) {
            changes[i].size18 = -changes[i].size18;
            changes[i].cash18 = -changes[i].cash18;
        }
    }

    function _openListed(address sender) private {
        bytes32[] memory bundles = new bytes32[](1);
        bundles[0] = keccak256(abi.encode(sender, SALT));
        bytes32[] memory joints = new bytes32[](1);
        joints[0] = keccak256(abi.encode(sender, SALT, accountOf(sender)));
        openSlot(bundles, joints);
    }

    function _worth18(int256 size18) private pure returns (int256) {
        return size18 * 100 - (size18 < 0 ? -size18 : size18) * 40;
    }

    function _approve(Rollup storage r, bool usdc, address owner, uint256 amount) private {
        TestToken token = usdc ? r.usdc : r.weth;
        token.mint(owner, amount);
        vm.prank(owner);
        token.approve(address(r.vault), amount);
    }

    function _finish(bytes32 action, bool success) private {
        if (success) ++done[action];
        collect();
    }

    function _rollup(bool onAlpha) internal view returns (Rollup storage) {
        return onAlpha ? alpha : beta;
    }
}
