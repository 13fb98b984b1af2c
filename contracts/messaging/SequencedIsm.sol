// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ISlotContext} from "../sequencing/ISlotContext.sol";
import {IEarlyMessages} from "./IEarlyMessages.sol";
import {IInterchainSecurityModule, IMultisigIsm} from "./IInterchainSecurityModule.sol";
import {ISequencedIsm} from "./ISequencedIsm.sol";

/// @title Accepts what the sequencer delivers in the slot of its dispatch, within a cap, else asks a multisig.
/// @dev The system key alone decides what is delivered in a slot, so this module guards positions and credit,
/// never custody: vaults name the multisig itself. What it takes on that key's word is counted, and bounded (V25).
contract SequencedIsm is ISequencedIsm, Initializable {
    /// @custom:storage-location erc7201:tandem.storage.SequencedIsm
    struct Layout {
        address slotContext;
        address wrapped;
        address early;
        uint32 origin;
    }

    uint8 private constant MESSAGE_ID_MULTISIG = 5;
    uint256 private constant NONCE_OFFSET = 1;
    uint256 private constant ORIGIN_OFFSET = 5;

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.SequencedIsm")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0x543fceffa1129c0ed75f748a0538ad3fe68ded24f4619bf6fdd0e5c9c704a900;

    constructor() {
        _disableInitializers();
    }

    /// @notice Names the slot context and the count of this chain, the origin and the multisig of its validators.
    function initialize(Config calldata config) external initializer {
        uint8 given = IInterchainSecurityModule(config.wrapped).moduleType();
        if (given != MESSAGE_ID_MULTISIG) revert WrongModuleType(given, MESSAGE_ID_MULTISIG);
        Layout storage s = _layout();
        s.slotContext = config.slotContext;
        s.wrapped = config.wrapped;
        s.early = config.early;
        s.origin = config.origin;
    }

    /// @inheritdoc IInterchainSecurityModule
    function verify(
        bytes calldata metadata,
        bytes calldata message
    ) external override returns (bool) {
        Layout storage s = _layout();
        // In the slot nobody has signatures yet. What comes with some is judged by them.
        if (metadata.length == 0 && _isDelivering(s, message)) {
            IEarlyMessages(s.early).accept(s.origin, message);
            return true;
        }
        if (!IInterchainSecurityModule(s.wrapped).verify(metadata, message)) return false;
        uint32 nonce = uint32(bytes4(message[NONCE_OFFSET:ORIGIN_OFFSET]));
        IEarlyMessages(s.early).noteSigned(s.origin, nonce);
        return true;
    }

    /// @inheritdoc IInterchainSecurityModule
    function moduleType() external pure override returns (uint8) {
        return MESSAGE_ID_MULTISIG;
    }

    /// @inheritdoc IMultisigIsm
    function validatorsAndThreshold(
        bytes calldata message
    ) external view override returns (address[] memory validators, uint8 threshold) {
        return IMultisigIsm(_layout().wrapped).validatorsAndThreshold(message);
    }

    /// @inheritdoc ISequencedIsm
    function slotContext() external view override returns (address) {
        return _layout().slotContext;
    }

    /// @inheritdoc ISequencedIsm
    function early() external view override returns (address) {
        return _layout().early;
    }

    /// @inheritdoc ISequencedIsm
    function wrapped() external view override returns (address) {
        return _layout().wrapped;
    }

    /// @inheritdoc ISequencedIsm
    function origin() external view override returns (uint32) {
        return _layout().origin;
    }

    function _isDelivering(Layout storage s, bytes calldata message) private view returns (bool) {
        return ISlotContext(s.slotContext).delivering() == keccak256(message);
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
