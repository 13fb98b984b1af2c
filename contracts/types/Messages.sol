// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Message types of Tandem. The number is on the wire: never change one.
enum MessageType {
    None,
    /// Vault of a chain to hub vault: tokens were locked for a claim. Class transfer.
    Deposit,
    /// Vault of a chain to hub vault: tokens were locked as liquidity. Class transfer.
    LiquidityDeposit,
    /// Hub vault to vault of a chain: pay tokens out. Class withdrawal.
    Payment,
    /// Credit book to a spoke: capacity was leased. Class credit.
    Grant,
    /// Spoke to credit book: capacity comes back. Class credit.
    Return,
    /// Spoke to credit book: positions, cash and used capacity changed. Class credit.
    Report,
    /// Credit book to a spoke: give unused capacity back now. Class margin call.
    Recall,
    /// Credit book to a spoke: positions changed hands in a liquidation. Class liquidation.
    Reassign
}

/// @notice Message classes, most urgent first. The number is on the wire: never change one.
enum MessageClass {
    Liquidation,
    MarginCall,
    Credit,
    Withdrawal,
    Transfer
}

/// @notice Body of Deposit and LiquidityDeposit. Amount in the ledger's 18 decimals.
struct DepositBody {
    uint16 asset;
    uint256 amount18;
    bytes32 account;
}

/// @notice Body of Payment. Amount in the ledger's 18 decimals, whole units of the token.
struct PaymentBody {
    uint16 asset;
    uint256 amount18;
    address recipient;
}

/// @notice Body of Grant. USD × 10^18; expiry in seconds since 1970.
struct GrantBody {
    bytes32 account;
    uint256 amount18;
    uint40 expiryS;
}

/// @notice Body of Return: what lease and use fell by on the spoke, USD × 10^18.
struct ReturnBody {
    bytes32 account;
    uint256 leased18;
    /// The part of `leased18` that had been used; the rest was free.
    uint256 used18;
}

/// @notice Body of Recall: the most that shall come back, USD × 10^18.
struct RecallBody {
    bytes32 account;
    uint256 amount18;
}

/// @notice One line of a Report: what one change of a portfolio did.
struct ReportLine {
    bytes32 account;
    uint256 instrument;
    /// Contracts × 10^18.
    int256 size18;
    /// USD × 10^18; sums to zero over a Report (V16).
    int256 cash18;
    /// Leased capacity that this change used, USD × 10^18. Differences, not totals: the order of
    /// arrival does not matter.
    uint256 used18;
}

/// @notice One line of a Reassign: contracts × 10^18 that move from one account to the other.
struct ReassignLine {
    uint256 instrument;
    int256 size18;
}

/// @notice Body of Reassign.
struct ReassignBody {
    bytes32 from;
    bytes32 to;
    ReassignLine[] lines;
}
