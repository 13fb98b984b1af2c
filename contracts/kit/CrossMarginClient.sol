// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ISlotContext} from "../sequencing/ISlotContext.sol";
import {Change, SignedInstrumentRisk} from "../types/Margin.sol";
import {ICollateralPool, ICrossMarginProtocol} from "./ICollateralPool.sol";

/// @title What a protocol inherits to margin its positions in the pool.
/// @dev Premiums and payoffs are changes of cash in the pool; a protocol never holds tokens.
abstract contract CrossMarginClient is ICrossMarginProtocol, Initializable {
    /// @custom:storage-location erc7201:tandem.storage.CrossMarginClient
    struct ClientLayout {
        address pool;
        address slotContext;
        uint32 protocolId;
    }

    /// @notice A guarded leg ran outside of its bundle.
    error NotInBundle(address sender, bytes32 salt, uint64 slot);
    /// @notice A guarded leg ran after its bundle's last slot.
    error TooLate(uint64 slot, uint64 maxSlot);
    /// @notice The pool alone moves positions between accounts.
    error NotPool(address caller, address pool);

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.CrossMarginClient")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant CLIENT_SLOT =
        0xbb59717a3a82bcd4e4e5619bc08b09671afb3d62a54e1f48038439134a018c00;

    /// @dev A leg with this guard changes state only inside the slot that lists its bundle, so it cannot be sent
    /// alone after the bundle failed (I21). Salt 0 asks for no guard: such a leg can run by itself.
    modifier onlyInBundle(bytes32 salt, uint64 maxSlot) {
        _requireInBundle(salt, maxSlot);
        _;
    }

    /// @inheritdoc ICrossMarginProtocol
    function reassign(
        bytes32 from,
        bytes32 to,
        uint256 instrument,
        int256 size18
    ) external override {
        address expected = _client().pool;
        if (msg.sender != expected) revert NotPool(msg.sender, expected);
        _reassign(from, to, instrument, size18);
    }

    /// @notice The collateral pool on this rollup.
    function pool() public view returns (ICollateralPool) {
        return ICollateralPool(_client().pool);
    }

    /// @notice What the log says about the open slot.
    function slotContext() public view returns (ISlotContext) {
        return ISlotContext(_client().slotContext);
    }

    /// @notice Id under which the pool's registry knows this protocol.
    function protocolId() public view returns (uint32) {
        return _client().protocolId;
    }

    function _initClient(
        address pool_,
        address slotContext_,
        uint32 protocolId_
    ) internal onlyInitializing {
        ClientLayout storage s = _client();
        s.pool = pool_;
        s.slotContext = slotContext_;
        s.protocolId = protocolId_;
    }

    /// @dev Changes portfolios in the pool, all or none; see {ICollateralPool-applyChanges}.
    function _apply(Change[] memory changes, SignedInstrumentRisk[] memory risks) internal {
        pool().applyChanges{value: msg.value}(changes, risks);
    }

    /// @dev Moves contracts between accounts in the protocol's own books: `from` falls by `size18`, `to` grows by
    /// it. See {ICrossMarginProtocol-reassign} for what it must stand.
    function _reassign(
        bytes32 from,
        bytes32 to,
        uint256 instrument,
        int256 size18
    ) internal virtual;

    function _requireInBundle(bytes32 salt, uint64 maxSlot) private view {
        if (salt == 0) return;
        ISlotContext context = slotContext();
        uint64 slot = context.slot();
        if (slot > maxSlot) revert TooLate(slot, maxSlot);
        // The log lists a bundle by who signed its transactions.
        address sender = tx.origin; // solhint-disable-line avoid-tx-origin
        if (!context.isListed(keccak256(abi.encode(sender, salt)))) {
            revert NotInBundle(sender, salt, slot);
        }
    }

    function _client() private pure returns (ClientLayout storage s) {
        assembly {
            s.slot := CLIENT_SLOT
        }
    }
}
