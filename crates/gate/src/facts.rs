//! What a verdict may depend on besides the object: terms of the charter in force.

/// The terms of the charter that the gate asks for. A charter can only tighten the floor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Whether mailboxes and accounts that an attacker controls may stand in the pattern of an
    /// indicator (the purpose `network-defence` is in force and the charter says so).
    pub admits_attacker_mailboxes: bool,
    /// Whether `network-defence` is among the body's purposes; addresses need it.
    pub network_defence: bool,
    /// Whether types and extensions without a registered schema are refused, not just flagged.
    pub registered_only: bool,
    /// Custom types and extension ids that the charter registers.
    pub registered: Vec<String>,
}
