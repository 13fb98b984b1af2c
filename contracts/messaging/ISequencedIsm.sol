// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMultisigIsm} from "./IInterchainSecurityModule.sol";

/// @title Accepts what the sequencer delivers in the slot of its dispatch, within a cap, else asks a multisig.
/// @dev Its `moduleType` and `validatorsAndThreshold` are those of the multisig inside, so Hyperlane's
/// own agents build metadata for it as for any message-id multisig.
interface ISequencedIsm is IMultisigIsm {
    struct Config {
        /// Says which message the sequencer is delivering.
        address slotContext;
        /// Counts what was accepted on the sequencer's word.
        address early;
        /// The multisig of the origin's validators.
        address wrapped;
        uint32 origin;
    }

    /// @notice The module inside is no message-id multisig (type 5).
    error WrongModuleType(uint8 given, uint8 expected);

    /// @notice Contract that says which message the sequencer is delivering.
    function slotContext() external view returns (address);

    /// @notice Contract that counts what was accepted early.
    function early() external view returns (address);

    /// @notice The multisig of validators inside.
    function wrapped() external view returns (address);

    /// @notice The chain whose messages it is for.
    function origin() external view returns (uint32);
}
