// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Checkpoint} from "../libraries/CheckpointHash.sol";

/// @title What this chain accepted in the slot of its dispatch, on the sequencer's word, and validators have not
/// signed yet.
/// @dev Invariant V25: per origin and token, the value of what was accepted early and is not confirmed never exceeds
/// its cap.
/// @dev Invariant: everything at places below `confirmedBelow` is confirmed. Whoever waits until that reaches what
/// `accepted` was relies on nothing unconfirmed.
interface IEarlyMessages {
    /// @notice The module that messages of an origin meet here.
    struct Module {
        uint32 origin;
        address module;
    }

    /// @notice A cap of one route, 10^-6 of a token or of a US dollar.
    struct Cap {
        uint32 origin;
        /// Zero for USD on the pool's books.
        address token;
        uint64 cap6;
    }

    /// @notice Who says what messages to a recipient are worth.
    struct Valuer {
        address recipient;
        address valuer;
    }

    struct Config {
        /// May set any cap and valuer, resume a route, forget what was forged; meant to be a timelock.
        address governance;
        /// May only pause a route and lower a cap.
        address guardian;
        address mailbox;
        address slotContext;
        Module[] modules;
        Cap[] caps;
        Valuer[] valuers;
    }

    error Unauthorised(address caller, address expected);
    /// @notice Someone other than the origin's module asked to accept its message.
    error NotModule(address caller, address expected);
    /// @notice The message came from another chain than the module is for.
    error WrongOrigin(uint32 given, uint32 expected);
    /// @notice In the slot nothing of that origin is accepted: validators must sign.
    error RoutePaused(uint32 origin);
    /// @notice With this message more would be unconfirmed than the route's cap: validators must sign it.
    error FastCapReached(uint256 value6, uint64 unconfirmed6, uint64 cap6);
    /// @notice The message's nonce lies too far above what validators signed.
    error NonceTooFar(uint32 nonce, uint256 limit);
    /// @notice Too few of the origin's validators signed the checkpoint.
    error CheckpointNotSigned(uint32 origin, uint32 index);
    /// @notice The checkpoint is not about what was accepted at that place.
    error OtherMessage(uint64 place, bytes32 signedId);
    error LengthsDiffer(uint256 places, uint256 checkpoints);
    /// @notice The sequencer did not deliver this message here.
    error NotDeliveredEarly(bytes32 messageId);
    /// @notice The checkpoint is of another nonce, or bears the message out.
    error NoContradiction(uint32 nonce, uint32 index);
    /// @notice The guardian may only lower a cap.
    error CapNotLower(uint64 given, uint64 current);
    error TooManyCaps(uint256 given, uint256 limit);
    error UnknownOrigin(uint32 origin);

    /// @notice A message of value was accepted on the sequencer's word.
    event AcceptedEarly(
        uint64 indexed place,
        uint32 indexed origin,
        uint32 indexed nonce,
        bytes32 messageId,
        address token,
        uint64 value6
    );
    /// @notice Validators signed what was accepted early.
    event Confirmed(uint64 indexed place, address token, uint64 value6);
    /// @notice Validators signed another message at the nonce of one that the sequencer delivered: nobody sent it.
    event ForgeryProven(
        uint32 indexed origin,
        uint32 indexed nonce,
        bytes32 forgedId,
        bytes32 sentId
    );
    event PauseSet(uint32 indexed origin, bool paused, address by);
    event FastCapSet(uint32 indexed origin, address token, uint64 cap6);
    event ValuerSet(address indexed recipient, address valuer);
    event ModuleSet(uint32 indexed origin, address module);
    /// @notice Governance gave up on what was accepted early and nobody sent.
    event Forgotten(uint64 indexed place, address token, uint64 value6);

    /// @notice Takes a message that the sequencer is delivering, or reverts with why not; the module of `origin` only.
    function accept(uint32 origin, bytes calldata message) external;

    /// @notice Confirms what was accepted at places, each by a checkpoint of its message that enough of the origin's
    /// validators signed. Anybody may call; what is confirmed already is passed over.
    function confirm(uint64[] calldata places, Checkpoint[] calldata checkpoints) external;

    /// @notice Pauses a route by two objects: a message that the sequencer delivered here, and a checkpoint with
    /// another message at its nonce. Anybody may call.
    function proveForged(bytes calldata message, Checkpoint calldata checkpoint) external;

    /// @notice Notes that validators signed a message of an origin: nonces up to it are known; its module only.
    function noteSigned(uint32 origin, uint32 nonce) external;

    /// @notice Pauses a route; guardian or governance.
    function pause(uint32 origin) external;

    /// @notice Opens a paused route; governance only.
    function resume(uint32 origin) external;

    /// @notice Gives up on what was forged: its value no longer counts and nothing waits for it; governance only.
    function forget(uint64[] calldata places) external;

    /// @notice Sets a cap; the guardian may only lower it.
    function setFastCap(uint32 origin, address token, uint64 cap6) external;

    /// @notice Sets who values a recipient's messages (zero: nobody, they count nothing); governance only.
    function setValuer(address recipient, address valuer) external;

    /// @notice Replaces an origin's module; governance only.
    function setModule(uint32 origin, address module) external;

    /// @notice Replaces governance and guardian; governance only.
    function setRoles(address newGovernance, address newGuardian) external;

    /// @notice How many messages of value were accepted early so far.
    function accepted() external view returns (uint64);

    /// @notice The lowest place that is not confirmed; equals `accepted` when nothing is open.
    function confirmedBelow() external view returns (uint64);

    function isPaused(uint32 origin) external view returns (bool);

    /// @notice A route's cap and what of it is used, 10^-6 of the token or of a US dollar.
    function fastCap(
        uint32 origin,
        address token
    ) external view returns (uint64 cap6, uint64 unconfirmed6);

    /// @notice What was accepted at a place and is not confirmed: 20 bytes of its id, its origin, its value; zeros
    /// when there is nothing.
    function earlyAt(
        uint64 place
    ) external view returns (bytes20 id, uint32 origin, address token, uint64 value6);

    /// @notice Highest nonce of an origin that validators are known to have signed here.
    function signedNonce(uint32 origin) external view returns (uint32);

    function valuerOf(address recipient) external view returns (address);
    function moduleOf(uint32 origin) external view returns (address);
    function governance() external view returns (address);
    function guardian() external view returns (address);
}
