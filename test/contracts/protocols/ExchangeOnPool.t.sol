// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {ICreditBook} from "../../../contracts/hub/ICreditBook.sol";
import {Guard, IOptionsExchange, Order} from "../../../contracts/protocols/IOptionsExchange.sol";
import {OptionsExchange} from "../../../contracts/protocols/OptionsExchange.sol";
import {IProtocolRegistry} from "../../../contracts/spoke/IProtocolRegistry.sol";
import {ISpokeCredit} from "../../../contracts/spoke/ISpokeCredit.sol";
import {MarginAttestation, SignedInstrumentRisk} from "../../../contracts/types/Margin.sol";
import {FakeExpiry} from "../fakes/FakeExpiry.sol";
import {PoolFixture} from "../pool/PoolFixture.sol";

/// @dev The exchange on the real pool of alpha: what it books, the pool books, and the hub learns.
contract ExchangeOnPoolTest is PoolFixture {
    uint32 private constant EXCHANGE_ID = 3;
    uint40 private constant EXPIRY_S = uint40(START_MS / 1_000 + 10 days);
    uint256 private constant TRADERS = 4;

    OptionsExchange private exchange;
    FakeExpiry private expiries;
    uint256 private call;
    uint256 private instrument;
    uint64 private nonce;

    function setUp() public {
        setUpPool();
        expiries = new FakeExpiry();
        instrument = optionOf(EXCHANGE_ID, 2_000e8, EXPIRY_S);
        call = instrument & (2 ** 136 - 1);
        OptionsExchange implementation = new OptionsExchange();
        _deploy(address(implementation));
        exchange.list(call);
        for (uint256 i = 0; i < TRADERS; ++i) {
            fund(alpha, USDC, 50_000e6, _owner(i));
            if (i < TRADERS - 1) lease(alpha, _owner(i), 10_000e18);
        }
    }

    /// @dev The exchange reads its id at initialisation, so the registry hears of its address before.
    function _deploy(address implementation) private {
        IOptionsExchange.Config memory config = IOptionsExchange.Config(
            address(alpha.credit),
            address(alpha.slots),
            address(alpha.registry),
            address(expiries)
        );
        bytes memory init = abi.encodeCall(OptionsExchange.initialize, (config));
        bytes32 salt = keccak256("exchange");
        bytes memory creation = abi.encodePacked(
            type(ERC1967Proxy).creationCode,
            abi.encode(implementation, init)
        );
        bytes32 hash = keccak256(
            abi.encodePacked(hex"ff", address(this), salt, keccak256(creation))
        );
        address predicted = address(uint160(uint256(hash)));
        vm.startPrank(GOVERNANCE);
        alpha.registry.addProtocol(
            IProtocolRegistry.ProtocolConfig(EXCHANGE_ID, predicted, 1e26, 1e26)
        );
        book.addProtocol(EXCHANGE_ID, ALPHA);
        vm.stopPrank();
        exchange = OptionsExchange(address(new ERC1967Proxy{salt: salt}(implementation, init)));
        assertEq(address(exchange), predicted, "predicted address");
    }

    function _key(uint256 i) private pure returns (uint256) {
        return uint256(keccak256(abi.encode("trader", i)));
    }

    function _owner(uint256 i) private pure returns (address) {
        return vm.addr(_key(i));
    }

    function _account(uint256 i) private pure returns (bytes32) {
        return accountOf(_owner(i));
    }

    /// @dev Trader `maker` offers, trader `taker` takes all of it; above zero the maker buys.
    function _fill(uint256 maker, uint256 taker, int256 size18, Guard memory guard) private {
        Order memory order = _order(maker, size18);
        uint256 taken18 = uint256(size18 < 0 ? -size18 : size18);
        bytes memory signature = signed(_key(maker), exchange.orderDigest(order));
        SignedInstrumentRisk[] memory risks = riskOf(instrument);
        vm.prank(_owner(taker), _owner(taker));
        exchange.fill(order, signature, _account(taker), taken18, guard, risks);
    }

    function _order(uint256 maker, int256 size18) private returns (Order memory) {
        return Order(_account(maker), call, size18, MARK18, ++nonce, EXPIRY_S, 0);
    }

    function _alone() private pure returns (Guard memory guard) {}

    function test_an_autonomous_fill_uses_leased_capacity_and_reaches_the_hub() public {
        _fill(0, 1, -10e18, _alone());
        // At the mark only the requirement of 40 a contract is used, on both sides.
        assertEq(alpha.credit.used(_account(0)), 400e18, "the writer's capacity");
        assertEq(alpha.credit.used(_account(1)), 400e18, "the holder's capacity");
        deliverFast(alpha.mailbox);
        assertEq(book.position(_account(1), instrument), 10e18, "the hub knows the position");
        assertEq(ledger.claim(_account(0), USDC), 51_000e18, "and the premium");
    }

    function test_without_capacity_nothing_is_filled() public {
        Order memory order = _order(0, -251e18);
        bytes memory signature = signed(_key(0), exchange.orderDigest(order));
        SignedInstrumentRisk[] memory risks = riskOf(instrument);
        vm.prank(_owner(1), _owner(1));
        vm.expectRevert(
            abi.encodeWithSelector(
                ISpokeCredit.CapacityExceeded.selector,
                _account(0),
                10_040e18,
                10_000e18
            )
        );
        exchange.fill(order, signature, _account(1), 251e18, _alone(), risks);
        assertEq(exchange.openSize(order), 251e18, "the order is as it was");
        assertEq(exchange.sizeOf(_account(0), call), 0, "no size");
    }

    /// @dev Trader 3 leased nothing: the bundle's leg on the hub answers for its margin.
    function test_a_joint_fill_rests_on_the_hub_s_check() public {
        bytes32 account = _account(3);
        Guard memory guard = Guard(keccak256("bundle"), slot + 1, true);
        bytes32[] memory bundles = new bytes32[](1);
        bytes32[] memory joints = new bytes32[](1);
        bundles[0] = keccak256(abi.encode(_owner(3), guard.salt));
        joints[0] = keccak256(abi.encode(_owner(3), guard.salt, account));

        Order memory order = _order(0, -10e18);
        bytes memory signature = signed(_key(0), exchange.orderDigest(order));
        SignedInstrumentRisk[] memory risks = riskOf(instrument);
        openSlot(bundles, new bytes32[](0));
        vm.prank(_owner(3), _owner(3));
        vm.expectPartialRevert(ISpokeCredit.JointNotListed.selector);
        exchange.fill(order, signature, account, 10e18, guard, risks);

        guard.maxSlot = slot + 1;
        openSlot(bundles, joints);
        vm.prank(_owner(3), _owner(3));
        exchange.fill(order, signature, account, 10e18, guard, risks);
        assertEq(alpha.credit.used(account), 0, "no capacity used");
        deliverFast(alpha.mailbox);

        MarginAttestation memory a = attestation(account, -1);
        bytes memory word = sign(a);
        vm.expectRevert(
            abi.encodeWithSelector(ICreditBook.InitialMarginShortfall.selector, account, 1, 7)
        );
        book.checkAfter(account, a, word);
        a.initial18 = 0;
        word = sign(a);
        book.checkAfter(account, a, word);
    }

    function test_an_expired_series_pays_out_in_batches_without_any_lease() public {
        _fill(0, 1, -10e18, _alone());
        deliverFast(alpha.mailbox);
        _fill(0, 2, -6e18, _alone());
        deliverFast(alpha.mailbox);
        _expire(2_150e8);

        exchange.settleAccounts(call, _ascending(_account(0), _account(1)));
        deliverFast(alpha.mailbox);
        assertEq(book.position(_account(0), instrument), -6e18, "a part is left");
        exchange.settleAccounts(call, _ascending(_account(0), _account(2)));
        deliverFast(alpha.mailbox);
        assertEq(ledger.claim(_account(0), USDC), 50_000e18 + 1_600e18 - 2_400e18, "writer");
        assertEq(ledger.claim(_account(1), USDC), 50_000e18 - 1_000e18 + 1_500e18, "holder");
        assertEq(ledger.claim(_account(2), USDC), 50_000e18 - 600e18 + 900e18, "holder");
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(book.positionCount(_account(i)), 0, "closed");
        }
    }

    /// @dev Invariant: after any mix of fills, liquidations and settlements the sizes of the exchange, of the spoke
    /// and of the hub are equal for every account, and sum to zero, as do the changes of cash (V16).
    function testFuzz_three_books_agree(uint256 seed) public {
        for (uint256 i = 0; i < 12; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            uint256 from = word % 3;
            uint256 to = (from + 1 + ((word >> 8) % 2)) % 3;
            if (i == 9) _expire(uint64(bound(word >> 32, 1_000e8, 3_000e8)));
            if ((word >> 16) % 4 == 0) {
                _liquidate(from, to, bound(word >> 24, 1, 1e18));
            } else if (i < 9) {
                int256 size18 = int256(bound(word >> 24, 1, 20e18));
                _fill(from, to, word >> 255 == 0 ? size18 : -size18, _alone());
                deliverFast(alpha.mailbox);
            } else {
                _settle(from, to);
            }
            _agree();
        }
    }

    function _expire(uint64 price8) private {
        ++slot;
        vm.prank(SYSTEM);
        alpha.slots.open(slot, uint64(EXPIRY_S) * 1_000, new bytes32[](0), new bytes32[](0));
        expiries.settle(price8);
        exchange.settleSeries(call);
    }

    function _liquidate(uint256 from, uint256 to, uint256 fraction18) private {
        uint256 sent = hubMailbox.sent();
        vm.prank(LIQUIDATION);
        book.reassign(_account(from), _account(to), fraction18);
        if (hubMailbox.sent() > sent) deliverFast(hubMailbox);
    }

    function _settle(uint256 a, uint256 b) private {
        int256 product = exchange.sizeOf(_account(a), call) * exchange.sizeOf(_account(b), call);
        if (product >= 0) return;
        exchange.settleAccounts(call, _ascending(_account(a), _account(b)));
        deliverFast(alpha.mailbox);
    }

    function _agree() private view {
        int256 sizes18 = 0;
        int256 claims18 = 0;
        for (uint256 i = 0; i < 3; ++i) {
            int256 size18 = exchange.sizeOf(_account(i), call);
            assertEq(alpha.credit.position(_account(i), instrument), size18, "spoke");
            assertEq(book.position(_account(i), instrument), size18, "hub");
            sizes18 += size18;
            claims18 += ledger.claim(_account(i), USDC);
        }
        assertEq(sizes18, 0, "sizes sum to zero");
        assertEq(claims18, 150_000e18, "cash only moves");
    }

    function _ascending(bytes32 a, bytes32 b) private pure returns (bytes32[] memory accounts) {
        accounts = new bytes32[](2);
        (accounts[0], accounts[1]) = a < b ? (a, b) : (b, a);
    }
}
