// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    IInterchainSecurityModule,
    ISpecifiesInterchainSecurityModule
} from "../../../contracts/messaging/IInterchainSecurityModule.sol";
import {IMessageRecipient} from "../../../contracts/messaging/IMailbox.sol";

/// @dev A Mailbox that keeps what is dispatched for the test to deliver late, out of order, or twice: it forgets
/// what it delivered. It asks the recipient's security module like the real one.
contract HostileMailbox {
    uint32 public immutable localDomain;
    uint32 public nonce;
    bytes32 public latestDispatchedId;
    uint256 public feeWei;
    bytes[] public outbox;
    mapping(bytes32 messageId => address) public processor;

    error Refused(bytes32 messageId);

    constructor(uint32 domain) {
        localDomain = domain;
    }

    function setFee(uint256 feeWei_) external {
        feeWei = feeWei_;
    }

    function quoteDispatch(uint32, bytes32, bytes calldata) external view returns (uint256) {
        return feeWei;
    }

    function dispatch(
        uint32 destination,
        bytes32 recipient,
        bytes calldata body
    ) external payable returns (bytes32) {
        require(msg.value >= feeWei, "fee");
        bytes memory message = encode(
            nonce++,
            localDomain,
            bytes32(uint256(uint160(msg.sender))),
            destination,
            recipient,
            body
        );
        outbox.push(message);
        latestDispatchedId = keccak256(message);
        return latestDispatchedId;
    }

    function process(bytes calldata metadata, bytes calldata message) external payable {
        address recipient = address(uint160(uint256(bytes32(message[45:77]))));
        IInterchainSecurityModule ism = ISpecifiesInterchainSecurityModule(recipient)
            .interchainSecurityModule();
        if (!ism.verify(metadata, message)) revert Refused(keccak256(message));
        processor[keccak256(message)] = msg.sender;
        IMessageRecipient(recipient).handle(
            uint32(bytes4(message[5:9])),
            bytes32(message[9:41]),
            message[77:]
        );
    }

    function sent() external view returns (uint256) {
        return outbox.length;
    }

    /// @dev Hyperlane's layout, for messages that nobody dispatched.
    function encode(
        uint32 number,
        uint32 origin,
        bytes32 sender,
        uint32 destination,
        bytes32 recipient,
        bytes memory body
    ) public pure returns (bytes memory) {
        return abi.encodePacked(uint8(3), number, origin, sender, destination, recipient, body);
    }
}

/// @dev Hands verification to the module of the message's origin.
contract FakeRouting {
    mapping(uint32 origin => IInterchainSecurityModule) public modules;

    function set(uint32 origin, address module) external {
        modules[origin] = IInterchainSecurityModule(module);
    }

    function verify(bytes calldata metadata, bytes calldata message) external returns (bool) {
        return modules[uint32(bytes4(message[5:9]))].verify(metadata, message);
    }
}

/// @dev Validators whose signatures the test gives by message id.
contract FakeMultisig {
    /// @dev Whose checkpoints count.
    address private immutable validator;

    mapping(bytes32 messageId => bool) public signedBy;

    constructor(address validator_) {
        validator = validator_;
    }

    function confirm(bytes32 messageId) external {
        signedBy[messageId] = true;
    }

    function moduleType() external pure returns (uint8) {
        return 5;
    }

    function verify(bytes calldata, bytes calldata message) external view returns (bool) {
        return signedBy[keccak256(message)];
    }

    function validatorsAndThreshold(
        bytes calldata
    ) external view returns (address[] memory validators, uint8 threshold) {
        validators = new address[](1);
        validators[0] = validator;
        threshold = 1;
    }
}
