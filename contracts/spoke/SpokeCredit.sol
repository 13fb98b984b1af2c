// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Acting} from "../libraries/Acting.sol";
import {ICollateralPool, ICrossMarginProtocol} from "../kit/ICollateralPool.sol";
import {AccountIds, InstrumentIds} from "../libraries/Ids.sol";
import {PositionSet, Positions} from "../libraries/PositionSet.sol";
import {StandAlone} from "../libraries/StandAlone.sol";
import {Change, SignedInstrumentRisk} from "../types/Margin.sol";
import {
    GrantBody,
    MessageType,
    ReassignBody,
    RecallBody,
    ReportLine,
    ReturnBody
} from "../types/Messages.sol";
import {IProtocolRegistry} from "./IProtocolRegistry.sol";
import {ISpokeCredit} from "./ISpokeCredit.sol";
import {SpokeRules} from "./SpokeRules.sol";

/// @title Capacity that the hub leased to accounts on this rollup, and what they did with it.
/// @dev Invariant V4: leased + Grants on their way + Returns on their way = the credit book's number: each side
/// changes its own number before it sends.
/// @dev Invariant V5: `used <= leased`, after every call.
/// @dev Invariant V16: the cash of every Report sums to zero.
contract SpokeCredit is SpokeRules {
    using PositionSet for Positions;

    /// @dev USD × 10^18.
    struct Lease {
        uint128 leased18;
        uint128 used18;
        uint40 expiryS;
    }

    /// @custom:storage-location erc7201:tandem.storage.SpokeCredit
    struct Layout {
        mapping(bytes32 account => Lease) leases;
        mapping(bytes32 account => Positions) positions;
    }

    uint256 private constant CHANGES_MAX = 64;
    uint256 private constant POSITIONS_MAX = 128;
    /// @dev |size| and |cash| of one change stay below 2^100.
    int256 private constant AMOUNT_MAX18 = 2 ** 100;

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.SpokeCredit")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0x7dba0b4c0ac74cf8045bbb232ec7987d7cacb666bbd5dc4d1dacb38da8f20e00;

    constructor() {
        _disableInitializers();
    }

    /// @notice Names the hub, the slot context, the registry, marks and the risk signer.
    function initialize(Config calldata config) external initializer {
        _initEndpoint(config.endpoint);
        _initRules(config);
    }

    /// @inheritdoc ICollateralPool
    function applyChanges(
        Change[] calldata changes,
        SignedInstrumentRisk[] calldata risks
    ) external payable override nonReentrant {
        uint32 protocolId = IProtocolRegistry(_rules().registry).protocolIdOf(msg.sender);
        if (protocolId == 0) revert NotProtocol(msg.sender);
        if (changes.length == 0) revert NoChanges();
        if (changes.length > CHANGES_MAX) revert TooManyChanges(changes.length, CHANGES_MAX);
        _requireRisks(risks);

        ReportLine[] memory lines = new ReportLine[](changes.length);
        int256 cashSum18;
        uint256 cashMoved18;
        uint256 usedSum18;
        for (uint256 i = 0; i < changes.length; ++i) {
            Change calldata change = changes[i];
            uint256 used18 = _applyChange(protocolId, change, risks);
            lines[i] = ReportLine(
                change.account,
                change.instrument,
                change.size18,
                change.cash18,
                used18
            );
            cashSum18 += change.cash18;
            if (change.cash18 > 0) cashMoved18 += uint256(change.cash18);
            usedSum18 += used18;
        }
        if (cashSum18 != 0) revert CashNotBalanced(cashSum18);
        _count(protocolId, usedSum18, cashMoved18);

        bytes32 messageId = _send(_rules().hubChainId, MessageType.Report, abi.encode(lines));
        emit Reported(protocolId, messageId, lines.length);
    }

    /// @inheritdoc ISpokeCredit
    function giveBack(
        bytes32 account,
        uint256 amount18
    ) external payable override nonReentrant refundsFee returns (bytes32) {
        _requireMayReturn(account, amount18);
        Lease storage lease = _layout().leases[account];
        uint256 free18 = _free(lease);
        if (amount18 > free18) revert CapacityExceeded(account, amount18, free18);
        return _return(account, lease, amount18, 0);
    }

    /// @inheritdoc ISpokeCredit
    function retire(
        bytes32 account,
        uint256 amount18
    ) external payable override nonReentrant refundsFee returns (bytes32) {
        _requireMayReturn(account, amount18);
        Lease storage lease = _layout().leases[account];
        if (amount18 > lease.used18) revert CapacityExceeded(account, amount18, lease.used18);
        return _return(account, lease, amount18, amount18);
    }

    /// @inheritdoc ICollateralPool
    function leased(bytes32 account) external view override returns (uint256) {
        return _layout().leases[account].leased18;
    }

    /// @inheritdoc ICollateralPool
    function used(bytes32 account) external view override returns (uint256) {
        return _layout().leases[account].used18;
    }

    /// @inheritdoc ICollateralPool
    function leaseExpiryS(bytes32 account) external view override returns (uint40) {
        return _layout().leases[account].expiryS;
    }

    /// @inheritdoc ISpokeCredit
    function available(bytes32 account) external view override returns (uint256) {
        return _free(_layout().leases[account]);
    }

    /// @inheritdoc ICollateralPool
    function position(bytes32 account, uint256 instrument) external view override returns (int256) {
        return _layout().positions[account].sizeOf(instrument);
    }

    /// @inheritdoc ISpokeCredit
    function instrumentsOf(bytes32 account) external view override returns (uint256[] memory) {
        return _layout().positions[account].instruments;
    }

    function _apply(uint32 origin, MessageType messageType, bytes calldata body) internal override {
        if (origin != _rules().hubChainId) revert UnexpectedType(uint8(messageType), origin);
        if (messageType == MessageType.Grant) {
            _applyGrant(abi.decode(body, (GrantBody)));
        } else if (messageType == MessageType.Recall) {
            _applyRecall(abi.decode(body, (RecallBody)));
        } else if (messageType == MessageType.Reassign) {
            _applyReassign(abi.decode(body, (ReassignBody)));
        } else {
            revert UnexpectedType(uint8(messageType), origin);
        }
    }

    /// @return used18 Leased capacity that the change used.
    function _applyChange(
        uint32 protocolId,
        Change calldata change,
        SignedInstrumentRisk[] calldata risks
    ) private returns (uint256 used18) {
        _requireShape(protocolId, change);
        Positions storage positions = _layout().positions[change.account];
        int256 before18 = positions.sizeOf(change.instrument);
        if (change.jointSalt != 0) {
            _requireJoint(change);
        } else if (!_isSettlement(change, before18)) {
            used18 = _use(change, before18, risks);
        }

        (int256 size18, bool fits) = positions.change(change.instrument, change.size18);
        if (!fits) revert PositionOutOfRange(change.account, change.instrument, size18);
        uint256 count = positions.instruments.length;
        if (before18 == 0 && count > POSITIONS_MAX) {
            revert TooManyPositions(change.account, count, POSITIONS_MAX);
        }
        emit Changed(
            change.account,
            change.instrument,
            change.size18,
            change.cash18,
            used18,
            change.jointSalt
        );
    }

    /// @dev Takes capacity for a change that no margin check on the hub covers (V5).
    function _use(
        Change calldata change,
        int256 before18,
        SignedInstrumentRisk[] calldata risks
    ) private returns (uint256 needed18) {
        Lease storage lease = _layout().leases[change.account];
        bool reducing = StandAlone.isReducing(before18, change.size18, change.cash18);
        if (!reducing && _nowS() >= lease.expiryS) {
            revert LeaseExpired(change.account, lease.expiryS);
        }
        if (change.size18 == 0) {
            needed18 = change.cash18 < 0 ? uint256(-change.cash18) : 0;
        } else {
            needed18 = StandAlone.neededUp(
                before18,
                change.size18,
                change.cash18,
                _riskOf(change.instrument, risks)
            );
        }
        uint256 free18 = _free(lease);
        if (needed18 > free18) revert CapacityExceeded(change.account, needed18, free18);
        lease.used18 += uint128(needed18);
    }

    function _applyGrant(GrantBody memory grant) private {
        Lease storage lease = _layout().leases[grant.account];
        lease.leased18 += uint128(grant.amount18);
        if (grant.expiryS > lease.expiryS) lease.expiryS = grant.expiryS;
        emit Leased(grant.account, grant.amount18, lease.leased18, lease.expiryS);
    }

    function _applyRecall(RecallBody memory recall) private {
        Lease storage lease = _layout().leases[recall.account];
        uint256 free18 = _free(lease);
        uint256 amount18 = recall.amount18 < free18 ? recall.amount18 : free18;
        if (amount18 > 0) _return(recall.account, lease, amount18, 0);
    }

    /// @dev Differences only, so it does not matter what the account did since the hub decided.
    function _applyReassign(ReassignBody memory r) private {
        for (uint256 i = 0; i < r.lines.length; ++i) {
            (uint256 instrument, int256 size18) = (r.lines[i].instrument, r.lines[i].size18);
            _changePosition(r.from, instrument, -size18);
            _changePosition(r.to, instrument, size18);
            uint32 protocolId = InstrumentIds.protocolOf(instrument);
            address protocol = IProtocolRegistry(_rules().registry)
                .protocolConfig(protocolId)
                .protocol;
            if (protocol == address(0)) revert UnknownProtocol(protocolId);
            emit Reassigned(r.from, r.to, instrument, size18);
            ICrossMarginProtocol(protocol).reassign(r.from, r.to, instrument, size18);
        }
    }

    function _changePosition(bytes32 account, uint256 instrument, int256 change18) private {
        (int256 size18, bool fits) = _layout().positions[account].change(instrument, change18);
        if (!fits) revert PositionOutOfRange(account, instrument, size18);
    }

    /// @dev The spoke's number falls before the message leaves (V4).
    function _return(
        bytes32 account,
        Lease storage lease,
        uint256 leased18,
        uint256 used18
    ) private returns (bytes32 messageId) {
        lease.leased18 -= uint128(leased18);
        lease.used18 -= uint128(used18);
        messageId = _send(
            _rules().hubChainId,
            MessageType.Return,
            abi.encode(ReturnBody(account, leased18, used18))
        );
        emit Returned(account, leased18, used18, messageId);
    }

    function _requireMayReturn(bytes32 account, uint256 amount18) private view {
        if (amount18 == 0) revert ZeroAmount();
        address caller = Acting.caller(_rules().slotContext);
        if (caller == AccountIds.ownerOf(account)) return;
        if (_nowS() < _layout().leases[account].expiryS) {
            revert NotAccountOwner(caller, account);
        }
    }

    function _requireShape(uint32 protocolId, Change calldata change) private pure {
        if (InstrumentIds.protocolOf(change.instrument) != protocolId) {
            revert ForeignInstrument(change.instrument, protocolId);
        }
        if (AccountIds.ownerOf(change.account) == address(0)) {
            revert AccountWithoutOwner(change.account);
        }
        _requireAmount(change.size18);
        _requireAmount(change.cash18);
    }

    function _requireAmount(int256 amount18) private pure {
        if (amount18 >= AMOUNT_MAX18 || amount18 <= -AMOUNT_MAX18) {
            revert AmountOutOfRange(amount18, AMOUNT_MAX18);
        }
    }

    /// @dev The log lists a bundle by who signed its transactions, whatever contracts the leg went through.
    function _requireJoint(Change calldata change) private view {
        address sender = tx.origin; // solhint-disable-line avoid-tx-origin
        if (AccountIds.ownerOf(change.account) != sender) {
            revert NotAccountOwner(sender, change.account);
        }
        bytes32 key = keccak256(abi.encode(sender, change.jointSalt, change.account));
        if (!_slotContext().isJoint(key)) {
            revert JointNotListed(sender, change.jointSalt, change.account);
        }
    }

    /// @dev An expired option that gets smaller pays what it is worth: that changes no margin and needs no capacity.
    function _isSettlement(Change calldata change, int256 before18) private view returns (bool) {
        return
            change.size18 != 0 &&
            StandAlone.isReducing(before18, change.size18, change.cash18) &&
            InstrumentIds.isExpiredOption(change.instrument, _nowS());
    }

    function _free(Lease storage lease) private view returns (uint256) {
        return uint256(lease.leased18) - lease.used18;
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
