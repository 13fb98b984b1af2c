// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ISlotContext} from "../sequencing/ISlotContext.sol";
import {IInterchainSecurityModule, IMultisigIsm} from "./IInterchainSecurityModule.sol";
import {ISequencedIsm} from "./ISequencedIsm.sol";

/// @title Accepts what the sequencer delivers in the slot of its dispatch, else asks a multisig.
/// @dev The system key alone decides what is delivered in a slot, so this module guards positions and credit,
/// never custody: vaults name the multisig itself.
contract SequencedIsm is ISequencedIsm, Initializable {
    /// @custom:storage-location erc7201:tandem.storage.SequencedIsm
    struct Layout {
        address slotContext;
        address wrapped;
    }

    uint8 private constant MESSAGE_ID_MULTISIG = 5;

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.SequencedIsm")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0x543fceffa1129c0ed75f748a0538ad3fe68ded24f4619bf6fdd0e5c9c704a900;

    constructor() {
        _disableInitializers();
    }

    /// @notice Names the slot context of this chain and the multisig of the origin's validators.
    function initialize(address slotContext_, address wrapped_) external initializer {
        uint8 given = IInterchainSecurityModule(wrapped_).moduleType();
        if (given != MESSAGE_ID_MULTISIG) revert WrongModuleType(given, MESSAGE_ID_MULTISIG);
        _layout().slotContext = slotContext_;
        _layout().wrapped = wrapped_;
    }

    /// @inheritdoc IInterchainSecurityModule
    function verify(
        bytes calldata metadata,
        bytes calldata message
    ) external override returns (bool) {
        Layout storage s = _layout();
        if (ISlotContext(s.slotContext).delivering() == keccak256(message)) return true;
        return IInterchainSecurityModule(s.wrapped).verify(metadata, message);
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
    function wrapped() external view override returns (address) {
        return _layout().wrapped;
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
