// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IPostDispatchHook} from "./IPostDispatchHook.sol";
import {ISequencedHook} from "./ISequencedHook.sol";

/// @title Sells the delivery of messages in the slot of their dispatch: gas limit × price.
/// @dev It trusts nobody: what it says about a message that was never dispatched concerns no one.
contract SequencedHook is ISequencedHook, Initializable {
    /// @custom:storage-location erc7201:tandem.storage.SequencedHook
    struct Layout {
        address owner;
        address beneficiary;
        Terms terms;
        mapping(uint32 destination => bool) sold;
    }

    /// @inheritdoc ISequencedHook
    uint256 public constant override MAX_PROTOCOL_FEE = 0.1 ether;

    uint8 private constant PROTOCOL_FEE = 8;
    // Hyperlane's standard metadata: variant u16 ‖ value u256 ‖ gas limit u256 ‖ refund address ‖ fee token.
    uint16 private constant VARIANT = 1;
    uint256 private constant GAS_OFFSET = 34;
    uint256 private constant REFUND_OFFSET = 66;
    uint256 private constant TOKEN_OFFSET = 86;
    uint256 private constant METADATA_END = 106;
    // Hyperlane's message.
    uint256 private constant SENDER_OFFSET = 9;
    uint256 private constant DESTINATION_OFFSET = 41;
    uint256 private constant RECIPIENT_OFFSET = 45;

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.SequencedHook")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0x37cb6b14fc2ae01ac3b79a088fbd9af56a918a303695879b18011c5f574dce00;

    constructor() {
        _disableInitializers();
    }

    modifier onlyOwner() {
        address expected = _layout().owner;
        if (msg.sender != expected) revert Unauthorised(msg.sender, expected);
        _;
    }

    /// @notice Sets roles, terms and chains, once.
    function initialize(Config calldata config) external initializer {
        _setRoles(config.owner, config.beneficiary);
        _setTerms(config.terms);
        for (uint256 i = 0; i < config.destinations.length; ++i) {
            _setDestination(config.destinations[i], true);
        }
    }

    /// @inheritdoc IPostDispatchHook
    function postDispatch(
        bytes calldata metadata,
        bytes calldata message
    ) external payable override {
        if (!supportsMetadata(metadata)) revert MetadataUnknown();
        (bool sold, uint256 gasLimit, uint256 feeWei) = _offer(metadata, message);
        uint256 restWei = msg.value;
        if (sold && restWei >= feeWei) {
            restWei -= feeWei;
            emit DeliveryBought(keccak256(message), _destination(message), gasLimit, feeWei);
        }
        if (restWei > 0) Address.sendValue(payable(_refundee(metadata, message)), restWei);
    }

    /// @inheritdoc IPostDispatchHook
    function quoteDispatch(
        bytes calldata metadata,
        bytes calldata message
    ) external view override returns (uint256 feeWei) {
        if (!supportsMetadata(metadata)) revert MetadataUnknown();
        (, , feeWei) = _offer(metadata, message);
    }

    /// @inheritdoc ISequencedHook
    function collectProtocolFees() external override {
        address to = _layout().beneficiary;
        uint256 amountWei = address(this).balance;
        emit FeesCollected(to, amountWei);
        Address.sendValue(payable(to), amountWei);
    }

    /// @inheritdoc ISequencedHook
    function setTerms(Terms calldata newTerms) external override onlyOwner {
        _setTerms(newTerms);
    }

    /// @inheritdoc ISequencedHook
    function setDestination(uint32 destination, bool sold) external override onlyOwner {
        _setDestination(destination, sold);
    }

    /// @inheritdoc ISequencedHook
    function setRoles(address newOwner, address newBeneficiary) external override onlyOwner {
        _setRoles(newOwner, newBeneficiary);
    }

    /// @inheritdoc IPostDispatchHook
    function supportsMetadata(bytes calldata metadata) public pure override returns (bool) {
        if (metadata.length == 0) return true;
        if (metadata.length < 2 || uint16(bytes2(metadata[:2])) != VARIANT) return false;
        if (metadata.length < METADATA_END) return true;
        return bytes20(metadata[TOKEN_OFFSET:METADATA_END]) == 0;
    }

    /// @inheritdoc IPostDispatchHook
    function hookType() external pure override returns (uint8) {
        return PROTOCOL_FEE;
    }

    /// @inheritdoc ISequencedHook
    function terms() external view override returns (Terms memory) {
        return _layout().terms;
    }

    /// @inheritdoc ISequencedHook
    function isSold(uint32 destination) external view override returns (bool) {
        return _layout().sold[destination];
    }

    /// @inheritdoc ISequencedHook
    function owner() external view override returns (address) {
        return _layout().owner;
    }

    /// @inheritdoc ISequencedHook
    function beneficiary() external view override returns (address) {
        return _layout().beneficiary;
    }

    /// @inheritdoc ISequencedHook
    function protocolFee() external view override returns (uint256) {
        Terms memory t = _layout().terms;
        return uint256(t.gasDefault) * t.priceWei;
    }

    /// @return sold Whether the slot takes such a delivery.
    /// @return gasLimit The gas it would get.
    /// @return feeWei What it costs; zero when it is not sold.
    function _offer(
        bytes calldata metadata,
        bytes calldata message
    ) private view returns (bool sold, uint256 gasLimit, uint256 feeWei) {
        Layout storage s = _layout();
        Terms memory t = s.terms;
        gasLimit = t.gasDefault;
        if (metadata.length >= REFUND_OFFSET) {
            gasLimit = uint256(bytes32(metadata[GAS_OFFSET:REFUND_OFFSET]));
        }
        sold = gasLimit <= t.gasMax && s.sold[_destination(message)];
        if (sold) feeWei = gasLimit * t.priceWei;
    }

    function _setRoles(address newOwner, address newBeneficiary) private {
        _layout().owner = newOwner;
        _layout().beneficiary = newBeneficiary;
        emit RolesSet(newOwner, newBeneficiary);
    }

    function _setTerms(Terms calldata t) private {
        if (t.gasDefault > t.gasMax) revert GasAboveLimit(t.gasDefault, t.gasMax);
        uint256 mostWei = uint256(t.gasMax) * t.priceWei;
        if (mostWei > MAX_PROTOCOL_FEE) revert FeeTooHigh(mostWei, MAX_PROTOCOL_FEE);
        _layout().terms = t;
        emit TermsSet(t.priceWei, t.gasDefault, t.gasMax);
    }

    function _setDestination(uint32 destination, bool sold) private {
        _layout().sold[destination] = sold;
        emit DestinationSet(destination, sold);
    }

    function _destination(bytes calldata message) private pure returns (uint32) {
        return uint32(bytes4(message[DESTINATION_OFFSET:RECIPIENT_OFFSET]));
    }

    /// @dev Whom the metadata names, else the message's sender.
    function _refundee(
        bytes calldata metadata,
        bytes calldata message
    ) private pure returns (address) {
        if (metadata.length >= TOKEN_OFFSET) {
            return address(bytes20(metadata[REFUND_OFFSET:TOKEN_OFFSET]));
        }
        return address(uint160(uint256(bytes32(message[SENDER_OFFSET:DESTINATION_OFFSET]))));
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
