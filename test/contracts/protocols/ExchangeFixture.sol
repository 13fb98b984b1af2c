// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {Guard, IOptionsExchange, Order} from "../../../contracts/protocols/IOptionsExchange.sol";
import {OptionsExchange} from "../../../contracts/protocols/OptionsExchange.sol";
import {SignedInstrumentRisk} from "../../../contracts/types/Margin.sol";
import {FakePool, FakeRegistry} from "../fakes/FakePool.sol";
import {FeedFixture} from "../marks/FeedFixture.sol";

/// @dev An exchange on a pool that grants everything, with real marks of one expiry.
abstract contract ExchangeFixture is FeedFixture {
    uint40 internal constant EXPIRY_S = 1_790_003_600;
    uint64 internal constant EXPIRY_MS = 1_790_003_600_000;
    uint64 internal constant STRIKE8 = 2_000e8;
    uint256 internal constant MAKER_KEY = 0xa11ce;
    uint256 internal constant TAKER_KEY = 0xb0b;

    OptionsExchange internal exchange;
    FakePool internal pool;
    uint256 internal call;
    uint256 internal put;
    bytes32 internal maker;
    bytes32 internal taker;
    uint64 internal nonce;

    function deployExchange() internal {
        deployFeeds();
        publish(withExpiry(marksAt(1, NOW_MS, 2_000e8), EXPIRY_S));
        pool = new FakePool();
        IOptionsExchange.Config memory config = IOptionsExchange.Config({
            pool: address(pool),
            slotContext: address(slotContext),
            registry: address(new FakeRegistry()),
            marks: address(feeds)
        });
        exchange = OptionsExchange(
            address(
                new ERC1967Proxy(
                    address(new OptionsExchange()),
                    abi.encodeCall(OptionsExchange.initialize, (config))
                )
            )
        );
        call = riskKey(EXPIRY_S, STRIKE8, 0);
        put = riskKey(EXPIRY_S, STRIKE8, 1);
        maker = accountOf(MAKER_KEY);
        taker = accountOf(TAKER_KEY);
    }

    function riskKey(uint40 expiryS, uint64 strike8, uint8 right) internal pure returns (uint256) {
        return
            (uint256(ETH) << 120) |
            (uint256(1) << 112) |
            (uint256(expiryS) << 72) |
            (uint256(strike8) << 8) |
            right;
    }

    function accountOf(uint256 key) internal pure returns (bytes32) {
        return bytes32(bytes20(vm.addr(key)));
    }

    function owner(bytes32 account) internal pure returns (address) {
        return address(bytes20(account));
    }

    function orderOf(int256 size18, uint256 price18) internal returns (Order memory) {
        return
            Order({
                account: maker,
                riskKey: call,
                size18: size18,
                price18: price18,
                nonce: ++nonce,
                expiryS: EXPIRY_S,
                taker: 0
            });
    }

    function signatureOf(Order memory order, uint256 key) internal view returns (bytes memory) {
        return signed(key, exchange.orderDigest(order));
    }

    function alone() internal pure returns (Guard memory guard) {}

    function noRisks() internal pure returns (SignedInstrumentRisk[] memory) {
        return new SignedInstrumentRisk[](0);
    }

    /// @dev The taker fills `size18` of an order that the maker signed.
    function fill(Order memory order, uint256 size18) internal {
        bytes memory signature = signatureOf(order, MAKER_KEY);
        vm.prank(owner(taker));
        exchange.fill(order, signature, taker, size18, alone(), noRisks());
    }

    /// @dev As {fill}, but expected to revert with `data`.
    function fillReverts(Order memory order, uint256 size18, bytes memory data) internal {
        bytes memory signature = signatureOf(order, MAKER_KEY);
        vm.prank(owner(taker));
        vm.expectRevert(data);
        exchange.fill(order, signature, taker, size18, alone(), noRisks());
    }

    /// @dev Marks of one price through the whole window, and time after the expiry.
    function expireAt(uint64 price8) internal {
        slotContext.set(2, EXPIRY_MS + 1_000);
        for (uint64 i = 0; i < 180; ++i) {
            publish(
                withExpiry(marksAt(2 + i, EXPIRY_MS - 1_800_000 + i * 10_000, price8), EXPIRY_S)
            );
        }
        publish(marksAt(1_000, EXPIRY_MS, price8));
    }
}
