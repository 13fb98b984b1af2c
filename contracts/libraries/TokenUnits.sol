// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Between a token's own decimals and the ledger's 18: exact or refused, never rounded.
library TokenUnits {
    uint8 internal constant LEDGER_DECIMALS = 18;

    /// @dev Ledger amount of a number of token units.
    function toLedger(uint256 amount, uint8 decimals) internal pure returns (uint256 amount18) {
        return amount * 10 ** (LEDGER_DECIMALS - decimals);
    }

    /// @dev Token units of a ledger amount, and whether nothing was left over.
    function toToken(
        uint256 amount18,
        uint8 decimals
    ) internal pure returns (uint256 amount, bool exact) {
        uint256 unit = 10 ** (LEDGER_DECIMALS - decimals);
        return (amount18 / unit, amount18 % unit == 0);
    }
}
