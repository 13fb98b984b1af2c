// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {AccountIds} from "../libraries/Ids.sol";
import {OrderHash} from "../libraries/OrderHash.sol";
import {IOptionsExchange, Order} from "./IOptionsExchange.sol";

/// @title Orders that live off chain: what of each was filled, and which are cancelled.
/// @dev Invariant: an order is never filled beyond its size, nor after it was cancelled.
abstract contract SignedOrders is IOptionsExchange {
    using AccountIds for bytes32;

    uint256 private constant CANCELLED = type(uint256).max;

    /// @custom:storage-location erc7201:tandem.storage.SignedOrders
    struct OrdersLayout {
        mapping(bytes32 orderHash => uint256) filled18;
        mapping(bytes32 account => uint64) minimumNonce;
    }

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.SignedOrders")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant ORDERS_SLOT =
        0x0e9f74c4b4b4bda767ba391de74fb4fa8b452e6c44f5ea382201b3cd9832cc00;

    /// @inheritdoc IOptionsExchange
    function cancel(Order calldata order) external {
        _requireOwner(order.account);
        bytes32 hash = orderDigest(order);
        _orders().filled18[hash] = CANCELLED;
        emit OrderCancellation(hash, order.account);
    }

    /// @inheritdoc IOptionsExchange
    function cancelBelow(bytes32 account, uint64 minimum) external {
        _requireOwner(account);
        uint64 current = _orders().minimumNonce[account];
        if (minimum <= current) revert NonceCancelled(minimum, current);
        _orders().minimumNonce[account] = minimum;
        emit NonceCancellation(account, minimum);
    }

    /// @inheritdoc IOptionsExchange
    function openSize(Order calldata order) external view returns (uint256) {
        uint256 filled18 = _orders().filled18[orderDigest(order)];
        bool cancelled =
            filled18 == CANCELLED || order.nonce < _orders().minimumNonce[order.account];
        return cancelled ? 0 : _magnitude(order.size18) - filled18;
    }

    /// @inheritdoc IOptionsExchange
    function orderDigest(Order calldata order) public view returns (bytes32) {
        return OrderHash.digest(order, block.chainid, address(this));
    }

    /// @dev Checks an order and its signature against a taker, and counts the fill; gives the order's digest.
    function _takeOrder(
        Order calldata order,
        bytes calldata signature,
        bytes32 taker,
        uint256 size18
    ) internal returns (bytes32 hash) {
        if (size18 == 0) revert ZeroSize();
        if (taker == order.account) revert SelfTrade(taker);
        if (order.taker != 0 && order.taker != taker) revert NotTheTaker(taker, order.taker);
        if (order.price18 > type(uint128).max) revert PriceOutOfRange(order.price18);
        uint256 nowS = _nowS();
        if (nowS > order.expiryS) revert OrderExpired(order.expiryS, nowS);
        uint64 minimum = _orders().minimumNonce[order.account];
        if (order.nonce < minimum) revert NonceCancelled(order.nonce, minimum);

        hash = orderDigest(order);
        uint256 filled18 = _orders().filled18[hash];
        if (filled18 == CANCELLED) revert OrderCancelled(hash);
        uint256 open18 = _magnitude(order.size18) - filled18;
        if (size18 > open18) revert Overfilled(hash, size18, open18);
        address owner = order.account.ownerOf();
        address signer = ECDSA.recoverCalldata(hash, signature);
        if (signer != owner) revert BadOrderSignature(signer, owner);
        _orders().filled18[hash] = filled18 + size18;
    }

    /// @dev For whom a call counts: see {Acting}.
    function _caller() internal view virtual returns (address);

    /// @dev Seconds since 1970 by which orders expire.
    function _nowS() internal view virtual returns (uint256);

    function _requireOwner(bytes32 account) internal view {
        address caller = _caller();
        if (caller != account.ownerOf()) revert NotAccountOwner(caller, account);
    }

    /// @dev Wraps for the one value without a positive counterpart, which then is 2^255.
    function _magnitude(int256 size18) private pure returns (uint256) {
        unchecked {
            return uint256(size18 < 0 ? -size18 : size18);
        }
    }

    function _orders() private pure returns (OrdersLayout storage s) {
        assembly ("memory-safe") {
            s.slot := ORDERS_SLOT
        }
    }
}
