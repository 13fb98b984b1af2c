// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {Checkpoint, CheckpointHash} from "../libraries/CheckpointHash.sol";
import {IEarlyMessages} from "./IEarlyMessages.sol";
import {IMultisigIsm} from "./IInterchainSecurityModule.sol";
import {IMailbox} from "./IMailbox.sol";
import {IMessageValuer} from "./IMessageValuer.sol";

/// @title What this chain accepted in the slot of its dispatch, on the sequencer's word, and validators have not
/// signed yet.
/// @dev Invariant V25: per origin and token, the value of what was accepted early and is not confirmed never exceeds
/// its cap, unless the cap was lowered meanwhile.
/// @dev Invariant: everything at places below `confirmedBelow` is confirmed.
contract EarlyMessages is IEarlyMessages, Initializable {
    using CheckpointHash for Checkpoint;

    struct Origin {
        address module;
        uint32 signedNonce;
        bool paused;
    }

    /// @dev One cap and what of it is used.
    struct Meter {
        address token;
        uint32 origin;
        uint64 cap6;
        uint64 unconfirmed6;
    }

    /// @dev One word: what is open at a place.
    struct Early {
        bytes20 id;
        uint64 value6;
        uint32 meter;
    }

    /// @custom:storage-location erc7201:tandem.storage.EarlyMessages
    struct Layout {
        address governance;
        address guardian;
        address mailbox;
        address slotContext;
        uint64 confirmedBelow;
        uint64 accepted;
        mapping(uint32 origin => Origin) origins;
        mapping(address recipient => address) valuers;
        /// @dev The first meter is none.
        Meter[] meters;
        mapping(uint32 origin => mapping(address token => uint32)) meterOf;
        mapping(uint64 place => Early) open;
    }

    uint256 private constant NONCE_OFFSET = 1;
    uint256 private constant ORIGIN_OFFSET = 5;
    uint256 private constant SENDER_OFFSET = 9;
    uint256 private constant RECIPIENT_OFFSET = 45;
    uint256 private constant BODY_OFFSET = 77;
    /// @dev From 10^-18 to 10^-6.
    uint256 private constant SCALE = 1e12;
    /// @dev How far a nonce may lie above the highest that validators signed: whoever wants to prove a forgery can
    /// bring the origin's count there by sending messages.
    uint256 private constant NONCES_AHEAD_MAX = 65_536;
    uint256 private constant METERS_MAX = 256;
    /// @dev Places that one call moves the lower end over.
    uint256 private constant ADVANCE_MAX = 1_024;

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.EarlyMessages")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0x14d62a2d3e49770f8b5592ed933815208f919f9750d80963a1f32c137506dd00;

    constructor() {
        _disableInitializers();
    }

    modifier onlyGovernance() {
        address expected = _layout().governance;
        if (msg.sender != expected) revert Unauthorised(msg.sender, expected);
        _;
    }

    /// @notice Sets roles, modules, caps and valuers, once.
    function initialize(Config calldata config) external initializer {
        Layout storage s = _layout();
        s.governance = config.governance;
        s.guardian = config.guardian;
        s.mailbox = config.mailbox;
        s.slotContext = config.slotContext;
        s.meters.push();
        for (uint256 i = 0; i < config.modules.length; ++i) {
            _setModule(config.modules[i].origin, config.modules[i].module);
        }
        for (uint256 i = 0; i < config.caps.length; ++i) {
            _setFastCap(config.caps[i].origin, config.caps[i].token, config.caps[i].cap6);
        }
        for (uint256 i = 0; i < config.valuers.length; ++i) {
            _setValuer(config.valuers[i].recipient, config.valuers[i].valuer);
        }
    }

    /// @inheritdoc IEarlyMessages
    function accept(uint32 origin, bytes calldata message) external override {
        Layout storage s = _layout();
        Origin memory o = s.origins[origin];
        if (msg.sender != o.module) revert NotModule(msg.sender, o.module);
        uint32 given = uint32(bytes4(message[ORIGIN_OFFSET:SENDER_OFFSET]));
        if (given != origin) revert WrongOrigin(given, origin);
        if (o.paused) revert RoutePaused(origin);

        address valuer = s.valuers[
            address(uint160(uint256(bytes32(message[RECIPIENT_OFFSET:BODY_OFFSET]))))
        ];
        // What a recipient risks by its own choice of module is its own.
        if (valuer == address(0)) return;
        (address token, uint256 value18) = IMessageValuer(valuer).valueOf(
            origin,
            message[BODY_OFFSET:]
        );
        if (value18 == 0) return;
        _open(s, o, message, token, value18 / SCALE + 1);
    }

    /// @inheritdoc IEarlyMessages
    function confirm(
        uint64[] calldata places,
        Checkpoint[] calldata checkpoints
    ) external override {
        if (places.length != checkpoints.length) {
            revert LengthsDiffer(places.length, checkpoints.length);
        }
        Layout storage s = _layout();
        for (uint256 i = 0; i < places.length; ++i) {
            Early memory early = s.open[places[i]];
            if (early.value6 == 0) continue;
            Checkpoint calldata c = checkpoints[i];
            if (bytes20(c.messageId) != early.id) revert OtherMessage(places[i], c.messageId);
            uint32 origin = s.meters[early.meter].origin;
            _requireSigned(s, origin, c);
            _noteSigned(s.origins[origin], c.index);
            emit Confirmed(places[i], s.meters[early.meter].token, early.value6);
            _close(s, places[i], early);
        }
        _advance(s);
    }

    /// @inheritdoc IEarlyMessages
    function proveForged(bytes calldata message, Checkpoint calldata checkpoint) external override {
        Layout storage s = _layout();
        bytes32 id = keccak256(message);
        if (IMailbox(s.mailbox).processor(id) != s.slotContext) revert NotDeliveredEarly(id);
        uint32 origin = uint32(bytes4(message[ORIGIN_OFFSET:SENDER_OFFSET]));
        uint32 nonce = uint32(bytes4(message[NONCE_OFFSET:ORIGIN_OFFSET]));
        if (checkpoint.index != nonce || checkpoint.messageId == id) {
            revert NoContradiction(nonce, checkpoint.index);
        }
        _requireSigned(s, origin, checkpoint);
        emit ForgeryProven(origin, nonce, id, checkpoint.messageId);
        _setPause(s, origin, true);
    }

    /// @inheritdoc IEarlyMessages
    function noteSigned(uint32 origin, uint32 nonce) external override {
        Origin storage o = _layout().origins[origin];
        if (msg.sender != o.module) revert NotModule(msg.sender, o.module);
        // Rarely, so that signed deliveries stay cheap.
        if (nonce > o.signedNonce + NONCES_AHEAD_MAX / 2) o.signedNonce = nonce;
    }

    /// @inheritdoc IEarlyMessages
    function pause(uint32 origin) external override {
        Layout storage s = _layout();
        if (msg.sender != s.governance && msg.sender != s.guardian) {
            revert Unauthorised(msg.sender, s.guardian);
        }
        _setPause(s, origin, true);
    }

    /// @inheritdoc IEarlyMessages
    function resume(uint32 origin) external override onlyGovernance {
        _setPause(_layout(), origin, false);
    }

    /// @inheritdoc IEarlyMessages
    function forget(uint64[] calldata places) external override onlyGovernance {
        Layout storage s = _layout();
        for (uint256 i = 0; i < places.length; ++i) {
            Early memory early = s.open[places[i]];
            if (early.value6 == 0) continue;
            emit Forgotten(places[i], s.meters[early.meter].token, early.value6);
            _close(s, places[i], early);
        }
        _advance(s);
    }

    /// @inheritdoc IEarlyMessages
    function setFastCap(uint32 origin, address token, uint64 cap6) external override {
        Layout storage s = _layout();
        if (msg.sender != s.governance) {
            if (msg.sender != s.guardian) revert Unauthorised(msg.sender, s.governance);
            uint64 current6 = s.meters[s.meterOf[origin][token]].cap6;
            if (cap6 >= current6) revert CapNotLower(cap6, current6);
        }
        _setFastCap(origin, token, cap6);
    }

    /// @inheritdoc IEarlyMessages
    function setValuer(address recipient, address valuer) external override onlyGovernance {
        _setValuer(recipient, valuer);
    }

    /// @inheritdoc IEarlyMessages
    function setModule(uint32 origin, address module) external override onlyGovernance {
        _setModule(origin, module);
    }

    /// @inheritdoc IEarlyMessages
    function setRoles(address newGovernance, address newGuardian) external override onlyGovernance {
        _layout().governance = newGovernance;
        _layout().guardian = newGuardian;
    }

    /// @inheritdoc IEarlyMessages
    function accepted() external view override returns (uint64) {
        return _layout().accepted;
    }

    /// @inheritdoc IEarlyMessages
    function confirmedBelow() external view override returns (uint64) {
        return _layout().confirmedBelow;
    }

    /// @inheritdoc IEarlyMessages
    function isPaused(uint32 origin) external view override returns (bool) {
        return _layout().origins[origin].paused;
    }

    /// @inheritdoc IEarlyMessages
    function fastCap(
        uint32 origin,
        address token
    ) external view override returns (uint64 cap6, uint64 unconfirmed6) {
        Layout storage s = _layout();
        Meter storage meter = s.meters[s.meterOf[origin][token]];
        return (meter.cap6, meter.unconfirmed6);
    }

    /// @inheritdoc IEarlyMessages
    function earlyAt(
        uint64 place
    ) external view override returns (bytes20 id, uint32 origin, address token, uint64 value6) {
        Layout storage s = _layout();
        Early memory early = s.open[place];
        Meter storage meter = s.meters[early.meter];
        return (early.id, meter.origin, meter.token, early.value6);
    }

    /// @inheritdoc IEarlyMessages
    function signedNonce(uint32 origin) external view override returns (uint32) {
        return _layout().origins[origin].signedNonce;
    }

    /// @inheritdoc IEarlyMessages
    function valuerOf(address recipient) external view override returns (address) {
        return _layout().valuers[recipient];
    }

    /// @inheritdoc IEarlyMessages
    function moduleOf(uint32 origin) external view override returns (address) {
        return _layout().origins[origin].module;
    }

    /// @inheritdoc IEarlyMessages
    function governance() external view override returns (address) {
        return _layout().governance;
    }

    /// @inheritdoc IEarlyMessages
    function guardian() external view override returns (address) {
        return _layout().guardian;
    }

    /// @dev Counts a message against its route's cap (V25).
    function _open(
        Layout storage s,
        Origin memory o,
        bytes calldata message,
        address token,
        uint256 value6
    ) private {
        uint32 origin = uint32(bytes4(message[ORIGIN_OFFSET:SENDER_OFFSET]));
        uint32 nonce = uint32(bytes4(message[NONCE_OFFSET:ORIGIN_OFFSET]));
        uint256 limit = uint256(o.signedNonce) + NONCES_AHEAD_MAX;
        if (nonce > limit) revert NonceTooFar(nonce, limit);
        uint32 index = s.meterOf[origin][token];
        Meter storage meter = s.meters[index];
        uint256 after6 = meter.unconfirmed6 + value6;
        if (after6 > meter.cap6) revert FastCapReached(value6, meter.unconfirmed6, meter.cap6);

        meter.unconfirmed6 = uint64(after6);
        uint64 place = s.accepted++;
        bytes32 id = keccak256(message);
        s.open[place] = Early(bytes20(id), uint64(value6), index);
        emit AcceptedEarly(place, origin, nonce, id, token, uint64(value6));
    }

    function _close(Layout storage s, uint64 place, Early memory early) private {
        s.meters[early.meter].unconfirmed6 -= early.value6;
        delete s.open[place];
    }

    function _advance(Layout storage s) private {
        uint64 place = s.confirmedBelow;
        uint64 end = s.accepted;
        if (end - place > ADVANCE_MAX) end = place + uint64(ADVANCE_MAX);
        while (place < end && s.open[place].value6 == 0) {
            ++place;
        }
        s.confirmedBelow = place;
    }

    function _noteSigned(Origin storage o, uint32 nonce) private {
        if (nonce > o.signedNonce) o.signedNonce = nonce;
    }

    function _setPause(Layout storage s, uint32 origin, bool paused) private {
        s.origins[origin].paused = paused;
        emit PauseSet(origin, paused, msg.sender);
    }

    function _setFastCap(uint32 origin, address token, uint64 cap6) private {
        Layout storage s = _layout();
        uint32 index = s.meterOf[origin][token];
        if (index == 0) {
            if (s.meters.length >= METERS_MAX) revert TooManyCaps(s.meters.length, METERS_MAX);
            index = uint32(s.meters.length);
            s.meterOf[origin][token] = index;
            s.meters.push(Meter(token, origin, 0, 0));
        }
        s.meters[index].cap6 = cap6;
        emit FastCapSet(origin, token, cap6);
    }

    function _setValuer(address recipient, address valuer) private {
        _layout().valuers[recipient] = valuer;
        emit ValuerSet(recipient, valuer);
    }

    function _setModule(uint32 origin, address module) private {
        _layout().origins[origin].module = module;
        emit ModuleSet(origin, module);
    }

    /// @dev The same validators who vouch for relayed messages of the origin.
    function _requireSigned(
        Layout storage s,
        uint32 origin,
        Checkpoint calldata checkpoint
    ) private view {
        address module = s.origins[origin].module;
        if (module == address(0)) revert UnknownOrigin(origin);
        (address[] memory validators, uint8 threshold) = IMultisigIsm(module)
            .validatorsAndThreshold("");
        if (!checkpoint.isSigned(origin, validators, threshold)) {
            revert CheckpointNotSigned(origin, checkpoint.index);
        }
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
