// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Accounts: owner's address (20 bytes) followed by the subaccount's index (uint96).
library AccountIds {
    /// @dev The address that owns an account.
    function ownerOf(bytes32 account) internal pure returns (address) {
        return address(bytes20(account));
    }
}

/// @title Instruments: protocol u32 ‖ underlying u16 ‖ kind u8 ‖ expiry u40 ‖ strike u64 ‖ right u8, 168 bits.
library InstrumentIds {
    uint256 private constant PROTOCOL_SHIFT = 136;
    uint256 private constant KIND_SHIFT = 112;
    uint256 private constant EXPIRY_SHIFT = 72;
    uint8 private constant KIND_OPTION = 1;

    /// @dev The protocol of an instrument; 0 when the number is no instrument id.
    function protocolOf(uint256 instrument) internal pure returns (uint32) {
        uint256 id = instrument >> PROTOCOL_SHIFT;
        return id > type(uint32).max ? 0 : uint32(id);
    }

    /// @dev Says whether the instrument is an option that expired at or before a second since 1970.
    function isExpiredOption(uint256 instrument, uint256 nowS) internal pure returns (bool) {
        return
            uint8(instrument >> KIND_SHIFT) == KIND_OPTION &&
            uint40(instrument >> EXPIRY_SHIFT) <= nowS;
    }
}
