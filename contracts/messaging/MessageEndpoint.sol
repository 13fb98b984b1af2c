// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {MessageHeader, MessageLib} from "../libraries/MessageLib.sol";
import {INetworkId} from "../sequencing/INetworkId.sol";
import {MessageClass, MessageType} from "../types/Messages.sol";
import {
    IInterchainSecurityModule,
    ISpecifiesInterchainSecurityModule
} from "./IInterchainSecurityModule.sol";
import {IMailbox, IMessageRecipient} from "./IMailbox.sol";
import {IMessageEndpoint} from "./IMessageEndpoint.sol";

/// @title Sending to and receiving from the peers on other chains, each message once.
/// @dev Invariant V7: each (origin, class, nonce) changes state at most once, in any order of arrival.
abstract contract MessageEndpoint is IMessageEndpoint, Initializable, ReentrancyGuardTransient {
    /// @custom:storage-location erc7201:tandem.storage.MessageEndpoint
    struct EndpointLayout {
        address governance;
        address guardian;
        address mailbox;
        address networkId;
        address ism;
        mapping(uint32 chainId => bytes32 router) peers;
        mapping(uint32 destination => mapping(MessageClass => uint64)) sent;
        mapping(uint32 origin => mapping(MessageClass => mapping(uint256 word => uint256 bits))) applied;
    }

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.MessageEndpoint")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant ENDPOINT_SLOT =
        0x05cb66a686c50209c9d9ef74ae92b762bd64f8cad55424b5da2b9560bdd11000;

    modifier onlyGovernance() {
        _requireCaller(_endpoint().governance);
        _;
    }

    /// @dev Gives the caller back what a message did not cost.
    modifier refundsFee() {
        uint256 before = address(this).balance - msg.value;
        _;
        uint256 rest = address(this).balance;
        if (msg.value > 0 && rest > before) Address.sendValue(payable(msg.sender), rest - before);
    }

    /// @notice Takes coin that pays for messages which nobody pays for at dispatch.
    receive() external payable {}

    /// @inheritdoc IMessageRecipient
    function handle(
        uint32 origin,
        bytes32 sender,
        bytes calldata message
    ) external payable override nonReentrant {
        EndpointLayout storage s = _endpoint();
        _requireCaller(s.mailbox);
        bytes32 expected = _peer(origin);
        if (sender != expected) revert WrongSender(origin, sender, expected);

        (MessageHeader memory header, bytes calldata body) = MessageLib.decode(message, origin);
        bytes8 log = _logId8();
        if (header.logId != log) revert WrongLog(header.logId, log);

        _markApplied(s, origin, header);
        emit MessageApplied(origin, header.messageType, header.class, header.nonce);
        _apply(origin, header.messageType, body);
    }

    /// @inheritdoc IMessageEndpoint
    function setPeer(uint32 chainId, bytes32 router) external override onlyGovernance {
        _setPeer(chainId, router);
    }

    /// @inheritdoc IMessageEndpoint
    function setIsm(address ism) external override onlyGovernance {
        _endpoint().ism = ism;
        emit IsmSet(ism);
    }

    /// @inheritdoc IMessageEndpoint
    function setRoles(address newGovernance, address newGuardian) external override onlyGovernance {
        _setRoles(newGovernance, newGuardian);
    }

    /// @inheritdoc ISpecifiesInterchainSecurityModule
    function interchainSecurityModule() external view override returns (IInterchainSecurityModule) {
        return IInterchainSecurityModule(_endpoint().ism);
    }

    /// @inheritdoc IMessageEndpoint
    function mailbox() external view override returns (address) {
        return _endpoint().mailbox;
    }

    /// @inheritdoc IMessageEndpoint
    function governance() external view override returns (address) {
        return _endpoint().governance;
    }

    /// @inheritdoc IMessageEndpoint
    function guardian() external view override returns (address) {
        return _endpoint().guardian;
    }

    /// @inheritdoc IMessageEndpoint
    function peer(uint32 chainId) external view override returns (bytes32) {
        return _endpoint().peers[chainId];
    }

    /// @inheritdoc IMessageEndpoint
    function sentCount(
        uint32 destination,
        MessageClass class
    ) external view override returns (uint64) {
        return _endpoint().sent[destination][class];
    }

    /// @inheritdoc IMessageEndpoint
    function isApplied(
        uint32 origin,
        MessageClass class,
        uint64 nonce
    ) external view override returns (bool) {
        return _endpoint().applied[origin][class][nonce >> 8] & (1 << (nonce & 0xff)) != 0;
    }

    /// @dev What a message of this contract's does. Reverts with {UnexpectedType} when it is not for here.
    function _apply(uint32 origin, MessageType messageType, bytes calldata body) internal virtual;

    function _initEndpoint(EndpointConfig calldata config) internal onlyInitializing {
        EndpointLayout storage s = _endpoint();
        s.mailbox = config.mailbox;
        s.networkId = config.networkId;
        s.ism = config.ism;
        emit IsmSet(config.ism);
        _setRoles(config.governance, config.guardian);
        for (uint256 i = 0; i < config.peers.length; ++i) {
            _setPeer(config.peers[i].chainId, config.peers[i].router);
        }
    }

    /// @dev Sends a message to the peer on a chain; the Mailbox's fee is taken from this contract's coin,
    /// which includes what the caller sent.
    function _send(
        uint32 destination,
        MessageType messageType,
        bytes memory body
    ) internal returns (bytes32 messageId) {
        EndpointLayout storage s = _endpoint();
        bytes32 router = _peer(destination);
        MessageClass class = MessageLib.classOf(messageType);
        uint64 nonce = s.sent[destination][class]++;
        bytes memory message = MessageLib.encode(
            MessageHeader(messageType, class, nonce, _logId8()),
            body
        );
        IMailbox box = IMailbox(s.mailbox);
        uint256 feeWei = box.quoteDispatch(destination, router, message);
        if (feeWei > address(this).balance) revert MessageFeeUnpaid(feeWei, address(this).balance);

        messageId = box.dispatch{value: feeWei}(destination, router, message);
        emit MessageSent(messageId, destination, messageType, class, nonce);
    }

    function _peer(uint32 chainId) internal view returns (bytes32 router) {
        router = _endpoint().peers[chainId];
        if (router == 0) revert UnknownPeer(chainId);
    }

    function _logId() internal view returns (bytes32) {
        return INetworkId(_endpoint().networkId).logId();
    }

    /// @dev For a limit that governance sets freely and the guardian only lowers: true for governance.
    function _callerIsGovernanceElseGuardian() internal view returns (bool) {
        if (msg.sender == _endpoint().governance) return true;
        _requireCaller(_endpoint().guardian);
        return false;
    }

    function _requireCaller(address expected) internal view {
        if (msg.sender != expected) revert Unauthorised(msg.sender, expected);
    }

    function _setPeer(uint32 chainId, bytes32 router) private {
        _endpoint().peers[chainId] = router;
        emit PeerSet(chainId, router);
    }

    function _setRoles(address newGovernance, address newGuardian) private {
        EndpointLayout storage s = _endpoint();
        s.governance = newGovernance;
        s.guardian = newGuardian;
        emit RolesSet(newGovernance, newGuardian);
    }

    function _markApplied(
        EndpointLayout storage s,
        uint32 origin,
        MessageHeader memory header
    ) private {
        mapping(uint256 => uint256) storage bits = s.applied[origin][header.class];
        uint256 word = header.nonce >> 8;
        uint256 bit = 1 << (header.nonce & 0xff);
        if (bits[word] & bit != 0) revert AlreadyApplied(origin, header.class, header.nonce);
        bits[word] |= bit;
    }

    function _logId8() private view returns (bytes8) {
        return bytes8(_logId());
    }

    function _endpoint() private pure returns (EndpointLayout storage s) {
        assembly {
            s.slot := ENDPOINT_SLOT
        }
    }
}
