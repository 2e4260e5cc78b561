//! The constitution of a body. Pure functions of a document.
//!
//! A charter is one TOML file, named by the SHA-256 of its bytes. [`parse`] gives a [`Charter`]
//! or every [`Diagnostic`] at once, each with line, column, rule and remedy. A charter may
//! tighten the compiled-in floors; one that loosens them does not load.
//!
//! What follows from a charter is a function of it and of a time: what a party may do
//! ([`Charter::standing`]), who receives something ([`Charter::compile`]), what the body was at a
//! date ([`Charter::as_of`]), which successor is in force ([`in_force`]), what that one changes
//! ([`diff`]).

mod as_of;
mod audience;
mod check;
mod date;
mod diagnostic;
mod diff;
pub mod floor;
mod founding;
mod locate;
mod model;
mod parse;
mod standing;
mod succession;

pub use as_of::{AsOf, InstrumentAsOf, OrganAsOf, SeatState, TierAsOf, TierState};
pub use audience::{Compiled, Line, RED, RULE_BYTES_MAX, RULE_TERMS_MAX, Rule, RuleError};
pub use date::{Date, DateError};
pub use diagnostic::Diagnostic;
pub use diff::{Change, diff};
pub use founding::{one_party, with_geneses};
pub use model::*;
pub use parse::parse;
pub use succession::{Accepts, Candidate, Succession, in_force, not_founding};

/// The version of the charter format that this program reads and writes.
pub const FORMAT_VERSION: u32 = 1;

/// The version of the compiled-in floors that this program enforces.
pub const FLOORS_VERSION: u32 = 1;
