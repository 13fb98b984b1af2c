// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What the risk signer says of one account's margin; EIP-712, domain of the network.
/// Amounts in USD × 10^18.
struct MarginAttestation {
    bytes32 account;
    /// `CreditBook.positionsHash(account)` of the portfolio that was margined.
    bytes32 positionsHash;
    /// Last feed update that the figures rest on.
    uint64 marksSeq;
    uint32 paramsVersion;
    /// Initial margin balance; negative is a shortfall.
    int256 initial18;
    /// Maintenance margin balance.
    int256 maintenance18;
    /// Value of options and unsettled P&L, collateral apart.
    int256 markToMarket18;
    int256 equity18;
    /// Index of the scenario that binds; 255 is the basis contingency.
    uint8 worstScenario;
    uint64 validUntilSlot;
}

/// @notice What one contract of an instrument costs an account that a spoke margins by itself.
/// EIP-712, domain of the network. Amounts in USD × 10^18 per contract; requirements rounded up.
struct InstrumentRisk {
    uint256 instrument;
    uint64 marksSeq;
    uint256 mark18;
    /// Stand-alone initial requirement of one contract held long.
    uint256 longRequirement18;
    /// Stand-alone initial requirement of one contract held short.
    uint256 shortRequirement18;
    uint64 validUntilSlot;
}

/// @notice An instrument's risk with the risk signer's 65-byte signature.
struct SignedInstrumentRisk {
    InstrumentRisk risk;
    bytes signature;
}

/// @notice One change of one account's portfolio, made by a registered protocol.
struct Change {
    bytes32 account;
    uint256 instrument;
    /// Contracts × 10^18; what the account's position grows by.
    int256 size18;
    /// USD × 10^18; what the account's cash grows by.
    int256 cash18;
    /// Zero: the spoke margins the change by itself. Else the salt of the bundle whose hub leg does.
    bytes32 jointSalt;
}
