// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RiskSignature} from "../libraries/RiskSignature.sol";
import {IMarkFeeds} from "../marks/IMarkFeeds.sol";
import {MessageEndpoint} from "../messaging/MessageEndpoint.sol";
import {ISlotContext} from "../sequencing/ISlotContext.sol";
import {InstrumentRisk, SignedInstrumentRisk} from "../types/Margin.sol";
import {IProtocolRegistry} from "./IProtocolRegistry.sol";
import {ISpokeCredit} from "./ISpokeCredit.sol";

/// @title What a signed instrument risk must say, and what a protocol may do in a day.
abstract contract SpokeRules is ISpokeCredit, MessageEndpoint {
    using RiskSignature for InstrumentRisk;

    /// @dev What a protocol did on one day (UTC), USD × 10^18.
    struct Usage {
        uint64 day;
        uint128 used18;
        uint128 cash18;
    }

    /// @custom:storage-location erc7201:tandem.storage.SpokeRules
    struct RulesLayout {
        uint32 hubChainId;
        address slotContext;
        address registry;
        address marks;
        address riskSigner;
        uint64 maxMarksLag;
        mapping(uint32 protocolId => Usage) usage;
    }

    uint256 internal constant RISKS_MAX = 64;

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.SpokeRules")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant RULES_SLOT =
        0xcfcb2e6ffc4e787d54231d93ae8aaf314ca493dd358045ed60480b343d1a5b00;

    /// @inheritdoc ISpokeCredit
    function setRiskRules(
        address newRiskSigner,
        uint64 newMaxMarksLag
    ) external override onlyGovernance {
        _setRiskRules(newRiskSigner, newMaxMarksLag);
    }

    /// @inheritdoc ISpokeCredit
    function hubChainId() external view override returns (uint32) {
        return _rules().hubChainId;
    }

    /// @inheritdoc ISpokeCredit
    function slotContext() external view override returns (address) {
        return _rules().slotContext;
    }

    /// @inheritdoc ISpokeCredit
    function registry() external view override returns (address) {
        return _rules().registry;
    }

    /// @inheritdoc ISpokeCredit
    function riskSigner() external view override returns (address) {
        return _rules().riskSigner;
    }

    /// @inheritdoc ISpokeCredit
    function protocolUsage(
        uint32 protocolId
    ) external view override returns (uint128 used18, uint128 cash18) {
        Usage memory today = _today(protocolId);
        return (today.used18, today.cash18);
    }

    function _initRules(Config calldata config) internal onlyInitializing {
        RulesLayout storage s = _rules();
        s.hubChainId = config.hubChainId;
        s.slotContext = config.slotContext;
        s.registry = config.registry;
        s.marks = config.marks;
        _setRiskRules(config.riskSigner, config.maxMarksLag);
    }

    /// @dev Every risk given must be good, used or not.
    function _requireRisks(SignedInstrumentRisk[] calldata risks) internal view {
        if (risks.length > RISKS_MAX) revert TooManyRisks(risks.length, RISKS_MAX);
        if (risks.length == 0) return;
        RulesLayout storage s = _rules();
        uint64 slot = _slotContext().slot();
        uint64 marksSeq = IMarkFeeds(s.marks).marksSeq();
        uint64 oldest = marksSeq > s.maxMarksLag ? marksSeq - s.maxMarksLag : 0;
        bytes32 logId = _logId();
        for (uint256 i = 0; i < risks.length; ++i) {
            InstrumentRisk calldata risk = risks[i].risk;
            if (risk.validUntilSlot < slot) {
                revert RiskExpired(risk.instrument, risk.validUntilSlot, slot);
            }
            if (risk.marksSeq < oldest) revert RiskStale(risk.instrument, risk.marksSeq, oldest);
            address signer = risk.signerOf(logId, risks[i].signature);
            if (signer != s.riskSigner) revert BadRiskSignature(signer, s.riskSigner);
        }
    }

    function _riskOf(
        uint256 instrument,
        SignedInstrumentRisk[] calldata risks
    ) internal pure returns (InstrumentRisk calldata) {
        for (uint256 i = 0; i < risks.length; ++i) {
            if (risks[i].risk.instrument == instrument) return risks[i].risk;
        }
        revert RiskMissing(instrument);
    }

    /// @dev Counts what a call did against the protocol's caps of the day.
    function _count(uint32 protocolId, uint256 used18, uint256 cash18) internal {
        if (used18 == 0 && cash18 == 0) return;
        RulesLayout storage s = _rules();
        IProtocolRegistry.ProtocolConfig memory caps = IProtocolRegistry(s.registry).protocolConfig(
            protocolId
        );
        Usage memory today = _today(protocolId);
        used18 += today.used18;
        cash18 += today.cash18;
        if (used18 > caps.usedPerDay18) {
            revert ProtocolCapExceeded(protocolId, used18, caps.usedPerDay18);
        }
        if (cash18 > caps.cashPerDay18) {
            revert ProtocolCapExceeded(protocolId, cash18, caps.cashPerDay18);
        }
        s.usage[protocolId] = Usage(today.day, uint128(used18), uint128(cash18));
    }

    function _slotContext() internal view returns (ISlotContext) {
        return ISlotContext(_rules().slotContext);
    }

    /// @dev Seconds since 1970 on the log's clock.
    function _nowS() internal view returns (uint256) {
        return _slotContext().timestampMs() / 1000;
    }

    function _rules() internal pure returns (RulesLayout storage s) {
        assembly {
            s.slot := RULES_SLOT
        }
    }

    function _today(uint32 protocolId) private view returns (Usage memory today) {
        today = _rules().usage[protocolId];
        uint64 day = uint64(_nowS() / 1 days);
        if (today.day != day) today = Usage(day, 0, 0);
    }

    function _setRiskRules(address newRiskSigner, uint64 newMaxMarksLag) private {
        _rules().riskSigner = newRiskSigner;
        _rules().maxMarksLag = newMaxMarksLag;
        emit RiskRulesSet(newRiskSigner, newMaxMarksLag);
    }
}
