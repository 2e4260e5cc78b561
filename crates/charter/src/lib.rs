//! The constitution of a body, as far as a node needs it. Pure functions of a document.
//!
//! A charter is one TOML file, named by the SHA-256 of its bytes. [`parse`] gives a [`Charter`]
//! or every [`Diagnostic`] at once, each with line, column, rule and remedy. A charter may
//! tighten the compiled-in floors; one that loosens them does not load.

mod diagnostic;
mod founding;
mod model;
mod parse;

pub use diagnostic::Diagnostic;
pub use founding::one_party;
pub use model::{Charter, Genesis, Handling, Hash, Party, Purpose, Standing, Tlp};
pub use parse::parse;

/// The version of the charter format that this program reads and writes.
pub const FORMAT_VERSION: u32 = 1;

/// The version of the compiled-in floors that this program enforces.
pub const FLOORS_VERSION: u32 = 1;
