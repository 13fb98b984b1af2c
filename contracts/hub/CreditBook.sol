// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Acting} from "../libraries/Acting.sol";
import {AccountIds, InstrumentIds} from "../libraries/Ids.sol";
import {MarginAttestation} from "../types/Margin.sol";
import {
    GrantBody,
    MessageType,
    ReassignBody,
    ReassignLine,
    RecallBody,
    ReportLine,
    ReturnBody
} from "../types/Messages.sol";
import {AccountState, ICreditBook} from "./ICreditBook.sol";
import {CreditRules} from "./CreditRules.sol";

/// @title Portfolios as the hub knows them, and the risk capacity that it leased to spokes.
/// @dev Invariant V2: after every grant and check, I(known portfolio) ≥ Σ (credit − used) ≥ 0.
/// @dev Invariant V4: credit on the hub = leased on the spoke + Grants and Returns on their way: each side changes
/// its own number before it sends.
/// @dev Invariant V6: no grant raises credit above a cap.
contract CreditBook is CreditRules {
    /// @dev `credit18 − used18` is free credit, never negative.
    struct Lease {
        uint128 credit18;
        int128 used18;
        uint40 expiryS;
    }

    /// @custom:storage-location erc7201:tandem.storage.CreditBook
    struct Layout {
        uint256 creditTotal18;
        mapping(bytes32 account => mapping(uint32 chainId => Lease)) leases;
        mapping(bytes32 account => uint256) credit18;
        mapping(bytes32 account => uint256) reserved18;
        mapping(uint32 chainId => uint256) spokeCredit18;
    }

    uint256 private constant ONE18 = 1e18;

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.CreditBook")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0xd551e5873d109cb52b09f69d660dcdc0020ce626990cd7a07ebbd63d758b6500;

    constructor() {
        _disableInitializers();
    }

    /// @notice Names the ledger, the verifier, rules, caps and the homes of protocols.
    function initialize(Config calldata config) external initializer {
        _initEndpoint(config.endpoint);
        _setLedger(config.ledger);
        _initRules(config);
    }

    /// @inheritdoc ICreditBook
    function grant(
        bytes32 account,
        uint32 chainId,
        uint256 amount18,
        uint40 expiryS,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external payable override nonReentrant refundsFee returns (bytes32 messageId) {
        _requireOwner(account);
        if (amount18 == 0) revert ZeroAmount();
        _requireHealthy(account);
        _requireTerm(expiryS);
        _requireAttested(account, attestation, signature);
        _requireInitial(account, attestation, _layout().reserved18[account] + amount18);
        _raise(account, chainId, amount18, expiryS);

        messageId = _send(
            chainId,
            MessageType.Grant,
            abi.encode(GrantBody(account, amount18, expiryS))
        );
        emit CreditGranted(account, chainId, amount18, expiryS, messageId);
    }

    /// @inheritdoc ICreditBook
    function recall(
        bytes32 account,
        uint32 chainId,
        uint256 amount18
    ) external payable override nonReentrant refundsFee returns (bytes32 messageId) {
        bool calm = _rules().states[account] == AccountState.Healthy;
        if (calm && msg.sender != _rules().liquidation) _requireOwner(account);
        if (amount18 == 0) revert ZeroAmount();
        messageId = _send(chainId, MessageType.Recall, abi.encode(RecallBody(account, amount18)));
        emit CreditRecalled(account, chainId, amount18, messageId);
    }

    /// @inheritdoc ICreditBook
    function reassign(
        bytes32 from,
        bytes32 to,
        uint256 fraction18
    ) external payable override nonReentrant {
        _requireCaller(_rules().liquidation);
        if (fraction18 == 0 || fraction18 > ONE18) revert FractionOutOfRange(fraction18);
        if (from == to) revert SameAccount(from);

        (uint16[] memory assets, int256[] memory claims18) = _ledger().claimsOf(from);
        for (uint256 i = 0; i < assets.length; ++i) {
            int256 moved18 = _part(claims18[i], fraction18);
            if (moved18 != 0) _ledger().move(assets[i], from, to, moved18);
        }
        emit PortfolioReassigned(from, to, fraction18);
        _movePositions(from, to, fraction18);
    }

    /// @inheritdoc ICreditBook
    function credit(bytes32 account, uint32 chainId) external view override returns (uint256) {
        return _layout().leases[account][chainId].credit18;
    }

    /// @inheritdoc ICreditBook
    function usedCredit(bytes32 account, uint32 chainId) external view override returns (int256) {
        return _layout().leases[account][chainId].used18;
    }

    /// @inheritdoc ICreditBook
    function leaseExpiryS(bytes32 account, uint32 chainId) external view override returns (uint40) {
        return _layout().leases[account][chainId].expiryS;
    }

    /// @inheritdoc ICreditBook
    function reserved(bytes32 account) external view override returns (uint256) {
        return _reserved(account);
    }

    /// @inheritdoc ICreditBook
    function creditOf(bytes32 account) external view override returns (uint256) {
        return _layout().credit18[account];
    }

    /// @inheritdoc ICreditBook
    function creditOnSpoke(uint32 chainId) external view override returns (uint256) {
        return _layout().spokeCredit18[chainId];
    }

    /// @inheritdoc ICreditBook
    function creditTotal() external view override returns (uint256) {
        return _layout().creditTotal18;
    }

    function _apply(uint32 origin, MessageType messageType, bytes calldata body) internal override {
        if (messageType == MessageType.Report) {
            _applyReport(origin, abi.decode(body, (ReportLine[])));
        } else if (messageType == MessageType.Return) {
            _applyReturn(origin, abi.decode(body, (ReturnBody)));
        } else {
            revert UnexpectedType(uint8(messageType), origin);
        }
    }

    function _reserved(bytes32 account) internal view override returns (uint256) {
        return _layout().reserved18[account];
    }

    /// @dev Positions, cash and use change together, so free credit and the known portfolio always match,
    /// whatever the order of arrival. The ledger refuses cash that does not sum to zero (V16).
    function _applyReport(uint32 origin, ReportLine[] memory lines) private {
        bytes32[] memory accounts = new bytes32[](lines.length);
        int256[] memory cash18 = new int256[](lines.length);
        for (uint256 i = 0; i < lines.length; ++i) {
            ReportLine memory line = lines[i];
            uint32 home = _rules().homes[InstrumentIds.protocolOf(line.instrument)];
            if (home != origin) revert ForeignInstrument(line.instrument, origin, home);
            accounts[i] = line.account;
            cash18[i] = line.cash18;
            _changePosition(line.account, line.instrument, line.size18);
            if (line.used18 > 0) _use(origin, line.account, line.used18);
        }
        _ledger().settleCash(accounts, cash18);
    }

    function _use(uint32 origin, bytes32 account, uint256 used18) private {
        Layout storage s = _layout();
        Lease storage lease = s.leases[account][origin];
        int256 free18 = _free(lease);
        if (used18 > uint256(free18)) revert UseExceedsCredit(account, used18, free18);
        lease.used18 += int128(int256(used18));
        s.reserved18[account] -= used18;
        emit CreditUsed(account, origin, used18);
    }

    function _applyReturn(uint32 origin, ReturnBody memory r) private {
        Layout storage s = _layout();
        Lease storage lease = s.leases[r.account][origin];
        if (r.leased18 > lease.credit18 || r.used18 > r.leased18) {
            revert ReturnExceedsCredit(r.account, r.leased18, int256(uint256(lease.credit18)));
        }
        uint256 freed18 = r.leased18 - r.used18;
        if (freed18 > uint256(_free(lease))) {
            revert ReturnExceedsCredit(r.account, freed18, _free(lease));
        }
        lease.credit18 -= uint128(r.leased18);
        lease.used18 -= int128(int256(r.used18));
        s.credit18[r.account] -= r.leased18;
        s.reserved18[r.account] -= freed18;
        s.spokeCredit18[origin] -= r.leased18;
        s.creditTotal18 -= r.leased18;
        emit CreditReturned(r.account, origin, r.leased18, r.used18);
    }

    /// @dev Raises credit under all caps (V6).
    function _raise(bytes32 account, uint32 chainId, uint256 amount18, uint40 expiryS) private {
        Layout storage s = _layout();
        Rules storage r = _rules().rules;
        uint256 ofAccount18 = s.credit18[account] + amount18;
        uint256 onSpoke18 = s.spokeCredit18[chainId] + amount18;
        uint256 total18 = s.creditTotal18 + amount18;
        uint256 spokeCap18 = _rules().spokeCaps[chainId];
        if (ofAccount18 > r.accountCap18) {
            revert AccountCapExceeded(account, ofAccount18, r.accountCap18);
        }
        if (onSpoke18 > spokeCap18) revert SpokeCapExceeded(chainId, onSpoke18, spokeCap18);
        if (total18 > r.totalCap18) revert TotalCapExceeded(total18, r.totalCap18);
        uint256 collateral18 = _verifier().haircutCollateral(account);
        if (ofAccount18 > collateral18) {
            revert CollateralShortfall(account, ofAccount18, collateral18);
        }

        Lease storage lease = s.leases[account][chainId];
        lease.credit18 += uint128(amount18);
        if (expiryS > lease.expiryS) lease.expiryS = expiryS;
        s.credit18[account] = ofAccount18;
        s.reserved18[account] += amount18;
        s.spokeCredit18[chainId] = onSpoke18;
        s.creditTotal18 = total18;
    }

    /// @dev One Reassign to each chain where something moved.
    function _movePositions(bytes32 from, bytes32 to, uint256 fraction18) private {
        (uint256[] memory instruments, int256[] memory sizes18) = _sorted(from);
        uint256 left;
        for (uint256 i = 0; i < instruments.length; ++i) {
            sizes18[i] = _part(sizes18[i], fraction18);
            if (sizes18[i] == 0) continue;
            ++left;
            _changePosition(from, instruments[i], -sizes18[i]);
            _changePosition(to, instruments[i], sizes18[i]);
        }
        ReassignLine[] memory lines = new ReassignLine[](left);
        while (left > 0) {
            uint256 count;
            uint32 chainId;
            for (uint256 i = 0; i < instruments.length; ++i) {
                if (sizes18[i] == 0) continue;
                uint32 home = _rules().homes[InstrumentIds.protocolOf(instruments[i])];
                if (chainId == 0) chainId = home;
                if (home != chainId) continue;
                lines[count++] = ReassignLine(instruments[i], sizes18[i]);
                sizes18[i] = 0;
            }
            left -= count;
            _sendReassign(chainId, from, to, lines, count);
        }
    }

    function _sendReassign(
        uint32 chainId,
        bytes32 from,
        bytes32 to,
        ReassignLine[] memory lines,
        uint256 count
    ) private {
        ReassignLine[] memory part = new ReassignLine[](count);
        for (uint256 i = 0; i < count; ++i) {
            part[i] = lines[i];
        }
        _send(chainId, MessageType.Reassign, abi.encode(ReassignBody(from, to, part)));
    }

    function _requireOwner(bytes32 account) private view {
        address caller = Acting.caller(_rules().slotContext);
        if (caller != AccountIds.ownerOf(account)) revert NotAccountOwner(caller, account);
    }

    function _requireTerm(uint40 expiryS) private view {
        uint256 nowS = _nowS();
        if (expiryS <= nowS) revert LeaseInPast(expiryS, nowS);
        uint256 latestS = nowS + _rules().rules.maxLeaseS;
        if (expiryS > latestS) revert LeaseTooLong(expiryS, latestS);
    }

    function _free(Lease storage lease) private view returns (int256) {
        return int256(uint256(lease.credit18)) - lease.used18;
    }

    /// @dev A fraction of a signed amount, rounded towards zero.
    function _part(int256 amount18, uint256 fraction18) private pure returns (int256) {
        return (amount18 * int256(fraction18)) / int256(ONE18);
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
