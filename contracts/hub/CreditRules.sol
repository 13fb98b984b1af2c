// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageEndpoint} from "../messaging/MessageEndpoint.sol";
import {ISlotContext} from "../sequencing/ISlotContext.sol";
import {MarginAttestation} from "../types/Margin.sol";
import {AccountState, ICreditBook} from "./ICreditBook.sol";
import {IMarginVerifier} from "./IMarginVerifier.sol";
import {PortfolioBook} from "./PortfolioBook.sol";

/// @title What an attestation must say, and what credit may rest on.
abstract contract CreditRules is PortfolioBook, MessageEndpoint {
    /// @custom:storage-location erc7201:tandem.storage.CreditRules
    struct RulesLayout {
        address slotContext;
        address marginVerifier;
        address liquidation;
        Rules rules;
        mapping(uint32 chainId => uint256) spokeCaps;
        mapping(uint32 protocolId => uint32 chainId) homes;
        mapping(bytes32 account => AccountState) states;
    }

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.CreditRules")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant RULES_SLOT =
        0xe4cedcb91a867fcd164c482cfae1eb15b11e981488bb90676d220736528ee800;

    /// @inheritdoc ICreditBook
    function checkAfter(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external override {
        _check(account, attestation, signature);
    }

    /// @inheritdoc ICreditBook
    function checkExit(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external override {
        _requireHealthy(account);
        uint256 reserved18 = _check(account, attestation, signature);
        uint256 collateral18 = _verifier().haircutCollateral(account);
        if (reserved18 > collateral18)
            revert CollateralShortfall(account, reserved18, collateral18);
    }

    /// @inheritdoc ICreditBook
    function requireAttested(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external view override {
        _requireAttested(account, attestation, signature);
    }

    /// @inheritdoc ICreditBook
    function setState(bytes32 account, AccountState newState) external override {
        _requireCaller(_rules().liquidation);
        _rules().states[account] = newState;
        emit StateSet(account, newState);
    }

    /// @inheritdoc ICreditBook
    function setRules(Rules calldata newRules) external override onlyGovernance {
        _setRules(newRules);
    }

    /// @inheritdoc ICreditBook
    function setCaps(uint256 accountCap18, uint256 totalCap18) external override {
        Rules storage r = _rules().rules;
        if (!_callerIsGovernanceElseGuardian()) {
            if (accountCap18 > r.accountCap18) revert CapNotLower(accountCap18, r.accountCap18);
            if (totalCap18 > r.totalCap18) revert CapNotLower(totalCap18, r.totalCap18);
        }
        r.accountCap18 = accountCap18;
        r.totalCap18 = totalCap18;
        emit RulesSet(r);
    }

    /// @inheritdoc ICreditBook
    function setSpokeCap(uint32 chainId, uint256 cap18) external override {
        uint256 current18 = _rules().spokeCaps[chainId];
        if (!_callerIsGovernanceElseGuardian() && cap18 > current18) {
            revert CapNotLower(cap18, current18);
        }
        _setSpokeCap(chainId, cap18);
    }

    /// @inheritdoc ICreditBook
    function addProtocol(uint32 protocolId, uint32 chainId) external override onlyGovernance {
        _addProtocol(protocolId, chainId);
    }

    /// @inheritdoc ICreditBook
    function setLiquidation(address newLiquidation) external override onlyGovernance {
        _rules().liquidation = newLiquidation;
        emit LiquidationSet(newLiquidation);
    }

    /// @inheritdoc ICreditBook
    function slotContext() external view override returns (address) {
        return _rules().slotContext;
    }

    /// @inheritdoc ICreditBook
    function marginVerifier() external view override returns (address) {
        return address(_verifier());
    }

    /// @inheritdoc ICreditBook
    function liquidation() external view override returns (address) {
        return _rules().liquidation;
    }

    /// @inheritdoc ICreditBook
    function rules() external view override returns (Rules memory) {
        return _rules().rules;
    }

    /// @inheritdoc ICreditBook
    function spokeCap(uint32 chainId) external view override returns (uint256) {
        return _rules().spokeCaps[chainId];
    }

    /// @inheritdoc ICreditBook
    function protocolHome(uint32 protocolId) external view override returns (uint32) {
        return _rules().homes[protocolId];
    }

    /// @inheritdoc ICreditBook
    function state(bytes32 account) external view override returns (AccountState) {
        return _rules().states[account];
    }

    function _initRules(Config calldata config) internal onlyInitializing {
        RulesLayout storage s = _rules();
        s.slotContext = config.slotContext;
        s.marginVerifier = config.marginVerifier;
        s.liquidation = config.liquidation;
        emit LiquidationSet(config.liquidation);
        _setRules(config.rules);
        for (uint256 i = 0; i < config.spokeCaps.length; ++i) {
            _setSpokeCap(config.spokeCaps[i].chainId, config.spokeCaps[i].cap18);
        }
        for (uint256 i = 0; i < config.protocols.length; ++i) {
            _addProtocol(config.protocols[i].protocolId, config.protocols[i].chainId);
        }
    }

    /// @dev Σ (credit − used) of an account, USD × 10^18.
    function _reserved(bytes32 account) internal view virtual returns (uint256);

    /// @dev I ≥ Σ free credit, for the portfolio on the books (V2).
    function _check(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) private returns (uint256 reserved18) {
        _requireAttested(account, attestation, signature);
        reserved18 = _reserved(account);
        _requireInitial(account, attestation, reserved18);
        emit MarginChecked(account, attestation.positionsHash, attestation.initial18, reserved18);
    }

    function _requireInitial(
        bytes32 account,
        MarginAttestation calldata attestation,
        uint256 needed18
    ) internal pure {
        int256 missing = int256(needed18) - attestation.initial18;
        if (missing > 0) {
            revert InitialMarginShortfall(account, uint256(missing), attestation.worstScenario);
        }
    }

    function _requireAttested(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) internal view {
        uint256 count = _positionCount(account);
        if (count > POSITIONS_MAX) revert TooManyPositions(account, count, POSITIONS_MAX);
        _verifier().requireAttested(account, _positionsHash(account), attestation, signature);
    }

    function _requireHealthy(bytes32 account) internal view {
        AccountState current = _rules().states[account];
        if (current != AccountState.Healthy) revert StateForbids(account, current);
    }

    function _verifier() internal view returns (IMarginVerifier) {
        return IMarginVerifier(_rules().marginVerifier);
    }

    /// @dev Seconds since 1970 on the log's clock.
    function _nowS() internal view returns (uint256) {
        return ISlotContext(_rules().slotContext).timestampMs() / 1000;
    }

    function _rules() internal pure returns (RulesLayout storage s) {
        assembly {
            s.slot := RULES_SLOT
        }
    }

    function _setRules(Rules calldata newRules) private {
        _rules().rules = newRules;
        emit RulesSet(newRules);
    }

    function _setSpokeCap(uint32 chainId, uint256 cap18) private {
        _rules().spokeCaps[chainId] = cap18;
        emit SpokeCapSet(chainId, cap18);
    }

    function _addProtocol(uint32 protocolId, uint32 chainId) private {
        uint32 current = _rules().homes[protocolId];
        if (current != 0) revert ProtocolAlreadySet(protocolId, current);
        _rules().homes[protocolId] = chainId;
        emit ProtocolHomeSet(protocolId, chainId);
    }
}
