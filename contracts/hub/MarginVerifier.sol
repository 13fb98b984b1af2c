// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {RiskSignature} from "../libraries/RiskSignature.sol";
import {IMarkFeeds, SpotMark} from "../marks/IMarkFeeds.sol";
import {INetworkId} from "../sequencing/INetworkId.sol";
import {ISlotContext} from "../sequencing/ISlotContext.sol";
import {MarginAttestation} from "../types/Margin.sol";
import {ILedger} from "./ILedger.sol";
import {IMarginVerifier} from "./IMarginVerifier.sol";

/// @title Decides whether somebody's word about a portfolio's margin is good, and what collateral is worth.
/// @dev It takes the risk signer's word for the figures; portfolio, time, marks and parameters it compares itself.
contract MarginVerifier is IMarginVerifier, Initializable {
    using RiskSignature for MarginAttestation;

    /// @custom:storage-location erc7201:tandem.storage.MarginVerifier
    struct Layout {
        address governance;
        address networkId;
        address slotContext;
        address marks;
        address ledger;
        Rules rules;
    }

    uint256 private constant FULL4 = 10_000;

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.MarginVerifier")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0xfcef9c554855c038d17d8c5497761e7afe66951e4918f8a80ae56ca2a8309000;

    constructor() {
        _disableInitializers();
    }

    /// @notice Names what it reads and the rules.
    function initialize(Config calldata config) external initializer {
        Layout storage s = _layout();
        s.governance = config.governance;
        s.networkId = config.networkId;
        s.slotContext = config.slotContext;
        s.marks = config.marks;
        s.ledger = config.ledger;
        _setRules(config.rules);
    }

    /// @inheritdoc IMarginVerifier
    function requireAttested(
        bytes32 account,
        bytes32 positionsHash,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external view override {
        Layout storage s = _layout();
        if (attestation.account != account) revert WrongAccount(attestation.account, account);
        uint64 slot = ISlotContext(s.slotContext).slot();
        if (attestation.validUntilSlot < slot) {
            revert AttestationExpired(attestation.validUntilSlot, slot);
        }
        uint64 marksSeq = IMarkFeeds(s.marks).marksSeq();
        uint64 lag = s.rules.maxMarksLag;
        if (marksSeq > lag && attestation.marksSeq < marksSeq - lag) {
            revert AttestationStale(attestation.marksSeq, marksSeq - lag);
        }
        if (attestation.paramsVersion < s.rules.paramsVersion) {
            revert ParametersStale(attestation.paramsVersion, s.rules.paramsVersion);
        }
        if (attestation.positionsHash != positionsHash) {
            revert PortfolioChanged(attestation.positionsHash, positionsHash);
        }
        address signer = attestation.signerOf(INetworkId(s.networkId).logId(), signature);
        if (signer != s.rules.riskSigner) revert BadRiskSignature(signer, s.rules.riskSigner);
    }

    /// @inheritdoc IMarginVerifier
    function haircutCollateral(bytes32 account) external view override returns (uint256) {
        ILedger book = ILedger(_layout().ledger);
        (uint16[] memory assets, int256[] memory claims18) = book.claimsOf(account);
        int256 sum18;
        for (uint256 i = 0; i < assets.length; ++i) {
            sum18 += _valueDown(book.assetConfig(assets[i]), claims18[i]);
        }
        return sum18 > 0 ? uint256(sum18) : 0;
    }

    /// @inheritdoc IMarginVerifier
    function setRules(Rules calldata newRules) external override {
        address expected = _layout().governance;
        if (msg.sender != expected) revert Unauthorised(msg.sender, expected);
        _setRules(newRules);
    }

    /// @inheritdoc IMarginVerifier
    function governance() external view override returns (address) {
        return _layout().governance;
    }

    /// @inheritdoc IMarginVerifier
    function slotContext() external view override returns (address) {
        return _layout().slotContext;
    }

    /// @inheritdoc IMarginVerifier
    function marks() external view override returns (address) {
        return _layout().marks;
    }

    /// @inheritdoc IMarginVerifier
    function ledger() external view override returns (address) {
        return _layout().ledger;
    }

    /// @inheritdoc IMarginVerifier
    function rules() external view override returns (Rules memory) {
        return _layout().rules;
    }

    /// @dev Only the numéraire has no underlying, and only there a claim can be negative.
    function _valueDown(
        ILedger.AssetConfig memory asset,
        int256 claim18
    ) private view returns (int256) {
        if (claim18 < 0) return claim18;
        uint256 counted18 = uint256(claim18);
        if (counted18 > asset.collateralCap18) counted18 = asset.collateralCap18;
        counted18 = (counted18 * (FULL4 - asset.haircut4)) / FULL4;
        if (asset.underlying == 0) return int256(counted18);

        Layout storage s = _layout();
        SpotMark memory mark = IMarkFeeds(s.marks).spot(asset.underlying);
        uint256 nowMs = ISlotContext(s.slotContext).timestampMs();
        bool fresh = mark.stable8 > 0 && uint256(mark.timestampMs) + s.rules.maxMarkAgeMs >= nowMs;
        return fresh ? int256((counted18 * mark.spot8) / mark.stable8) : int256(0);
    }

    function _setRules(Rules calldata newRules) private {
        _layout().rules = newRules;
        emit RulesSet(newRules);
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
