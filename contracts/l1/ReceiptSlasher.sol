// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Checkpoint, CheckpointHash} from "../libraries/CheckpointHash.sol";
import {DeliveryHash} from "../libraries/DeliveryHash.sol";
import {NetworkDomain} from "../libraries/NetworkDomain.sol";
import {INetworkId} from "../sequencing/INetworkId.sol";
import {IReceiptSlasher, SignedDelivery, SlotReceipts} from "./IReceiptSlasher.sol";
import {ISlotLedger} from "./ISlotLedger.sol";

/// @title Holds the sequencer's bond and takes it by two objects that contradict each other.
/// @dev Invariant: a slot takes the bond once. An admitted fault excuses a result that came out otherwise, never two
/// receipts.
/// @dev Invariant: what was announced for withdrawal leaves after the delay at the earliest, and a proof that comes
/// before takes it too.
contract ReceiptSlasher is IReceiptSlasher, Initializable {
    using CheckpointHash for Checkpoint;

    /// @custom:storage-location erc7201:tandem.storage.ReceiptSlasher
    struct Layout {
        address governance;
        address operator;
        address beneficiary;
        address networkId;
        address sequencer;
        address system;
        address ledger;
        uint64 delayS;
        uint16 admittedShare4;
        uint16 reporterShare4;
        uint256 bondWei;
        uint256 announcedWei;
        uint256 announcedFromS;
        mapping(bytes32 what => bool) judged;
        mapping(uint32 origin => address) validators;
    }

    uint16 private constant WHOLE = 10_000;
    uint16 private constant REPORTER_SHARE_MAX = 5_000;

    bytes32 private constant RECEIPTS_TYPEHASH = keccak256(
        "SlotReceipts(uint64 slot,uint64 view,bytes32 receiptRoot)"
    );

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.ReceiptSlasher")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0x3efddfe8ebcb38321cba12ea1adbaf73f5c86c0157d4467207e6d5d3928afb00;

    modifier only(address expected) {
        if (msg.sender != expected) revert Unauthorised(msg.sender, expected);
        _;
    }

    constructor() {
        _disableInitializers();
    }

    /// @notice Sets roles, keys and shares, once.
    function initialize(Config calldata config) external initializer {
        if (config.admittedShare4 > WHOLE) revert ShareTooLarge(config.admittedShare4, WHOLE);
        if (config.reporterShare4 > REPORTER_SHARE_MAX) {
            revert ShareTooLarge(config.reporterShare4, REPORTER_SHARE_MAX);
        }
        Layout storage s = _layout();
        s.governance = config.governance;
        s.operator = config.operator;
        s.beneficiary = config.beneficiary;
        s.networkId = config.networkId;
        s.ledger = config.ledger;
        s.delayS = config.delayS;
        s.admittedShare4 = config.admittedShare4;
        s.reporterShare4 = config.reporterShare4;
        _setKeys(config.sequencer, config.system);
        for (uint256 i = 0; i < config.validators.length; ++i) {
            _setValidator(config.validators[i].origin, config.validators[i].validator);
        }
    }

    /// @inheritdoc IReceiptSlasher
    function deposit() external payable override {
        Layout storage s = _layout();
        s.bondWei += msg.value;
        emit Bonded(msg.sender, msg.value, s.bondWei);
    }

    /// @inheritdoc IReceiptSlasher
    function announceWithdrawal(uint256 amountWei) external override only(_layout().operator) {
        Layout storage s = _layout();
        s.announcedWei = amountWei;
        s.announcedFromS = block.timestamp + s.delayS;
        emit WithdrawalAnnounced(amountWei, s.announcedFromS);
    }

    /// @inheritdoc IReceiptSlasher
    function withdraw(address payable to) external override only(_layout().operator) {
        Layout storage s = _layout();
        uint256 amountWei = s.announcedWei;
        if (amountWei == 0) revert NothingAnnounced();
        if (block.timestamp < s.announcedFromS) revert TooEarly(block.timestamp, s.announcedFromS);
        if (amountWei > s.bondWei) revert BondTooSmall(amountWei, s.bondWei);
        s.announcedWei = 0;
        s.bondWei -= amountWei;
        emit Withdrawn(to, amountWei);
        Address.sendValue(to, amountWei);
    }

    /// @inheritdoc IReceiptSlasher
    function slashTwoReceipts(
        SlotReceipts calldata a,
        bytes calldata signatureA,
        SlotReceipts calldata b,
        bytes calldata signatureB
    ) external override {
        bool same = a.slot == b.slot && a.view_ == b.view_;
        if (!same || a.receiptRoot == b.receiptRoot) revert NoContradiction(a.slot, b.slot);
        _requireSequencer(a, signatureA);
        _requireSequencer(b, signatureB);
        _slash(_slotKey(a.slot));
    }

    /// @inheritdoc IReceiptSlasher
    function slashAgainstPosted(
        SlotReceipts calldata receipts,
        bytes calldata signature,
        uint256 batch,
        bytes32 slotHash,
        bytes32 postedRoot,
        bytes32[] calldata branch
    ) external override {
        uint64 slot = receipts.slot;
        if (receipts.receiptRoot == postedRoot) revert NoContradiction(slot, slot);
        ISlotLedger ledger = ISlotLedger(_layout().ledger);
        if (!ledger.isPosted(batch, slot, slotHash, postedRoot, branch)) {
            revert NotPosted(batch, slot);
        }
        if (isFaultAdmitted(slot)) revert AlreadyJudged(_admittedKey(slot));
        _requireSequencer(receipts, signature);
        _slash(_slotKey(slot));
    }

    /// @inheritdoc IReceiptSlasher
    function slashForgedDelivery(
        SignedDelivery calldata delivery,
        Checkpoint calldata checkpoint
    ) external override {
        Layout storage s = _layout();
        bytes32 id = keccak256(delivery.message);
        (uint32 nonce, uint32 origin) = DeliveryHash.placeOf(delivery.message);
        if (checkpoint.index != nonce) revert WrongCheckpoint(checkpoint.index, nonce);
        if (checkpoint.messageId == id) revert NoContradiction(nonce, nonce);
        address[] memory validators = new address[](1);
        validators[0] = s.validators[origin];
        if (validators[0] == address(0) || !checkpoint.isSigned(origin, validators, 1)) {
            revert WrongCheckpoint(checkpoint.index, nonce);
        }
        address signer = ECDSA.recover(DeliveryHash.digest(delivery), delivery.signature);
        if (signer != s.system) revert WrongSigner(signer, s.system);
        _slash(id);
    }

    /// @inheritdoc IReceiptSlasher
    function admitFault(
        uint64 slot,
        bytes32 reasonHash
    ) external override only(_layout().operator) {
        Layout storage s = _layout();
        if (s.judged[_slotKey(slot)]) revert AlreadyJudged(_slotKey(slot));
        _judge(_admittedKey(slot));
        uint256 takenWei = (s.bondWei * s.admittedShare4) / WHOLE;
        s.bondWei -= takenWei;
        emit FaultAdmitted(slot, reasonHash, takenWei);
        Address.sendValue(payable(s.beneficiary), takenWei);
    }

    /// @inheritdoc IReceiptSlasher
    function setKeys(
        address sequencer,
        address system
    ) external override only(_layout().governance) {
        _setKeys(sequencer, system);
    }

    /// @inheritdoc IReceiptSlasher
    function setValidator(
        uint32 origin,
        address validator
    ) external override only(_layout().governance) {
        _setValidator(origin, validator);
    }

    /// @inheritdoc IReceiptSlasher
    function bondWei() external view override returns (uint256) {
        return _layout().bondWei;
    }

    /// @inheritdoc IReceiptSlasher
    function isSlotJudged(uint64 slot) external view override returns (bool) {
        return _layout().judged[_slotKey(slot)];
    }

    /// @inheritdoc IReceiptSlasher
    function isFaultAdmitted(uint64 slot) public view override returns (bool) {
        return _layout().judged[_admittedKey(slot)];
    }

    /// @inheritdoc IReceiptSlasher
    function validatorOf(uint32 origin) external view override returns (address) {
        return _layout().validators[origin];
    }

    function _requireSequencer(
        SlotReceipts calldata receipts,
        bytes calldata signature
    ) private view {
        Layout storage s = _layout();
        bytes32 structHash = keccak256(abi.encode(RECEIPTS_TYPEHASH, receipts));
        bytes32 digest = NetworkDomain.digest(INetworkId(s.networkId).logId(), structHash);
        address signer = ECDSA.recover(digest, signature);
        if (signer != s.sequencer) revert WrongSigner(signer, s.sequencer);
    }

    /// @dev All of the bond, also what was announced for withdrawal.
    function _slash(bytes32 what) private {
        Layout storage s = _layout();
        _judge(what);
        uint256 takenWei = s.bondWei;
        uint256 rewardWei = (takenWei * s.reporterShare4) / WHOLE;
        s.bondWei = 0;
        s.announcedWei = 0;
        emit Slashed(what, msg.sender, takenWei, rewardWei);
        Address.sendValue(payable(s.beneficiary), takenWei - rewardWei);
        Address.sendValue(payable(msg.sender), rewardWei);
    }

    function _judge(bytes32 what) private {
        Layout storage s = _layout();
        if (s.judged[what]) revert AlreadyJudged(what);
        s.judged[what] = true;
    }

    function _setKeys(address sequencer, address system) private {
        _layout().sequencer = sequencer;
        _layout().system = system;
        emit KeysSet(sequencer, system);
    }

    function _setValidator(uint32 origin, address validator) private {
        _layout().validators[origin] = validator;
        emit ValidatorSet(origin, validator);
    }

    function _admittedKey(uint64 slot) private pure returns (bytes32) {
        return keccak256(abi.encode("admitted", slot));
    }

    function _slotKey(uint64 slot) private pure returns (bytes32) {
        return bytes32(uint256(slot));
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
