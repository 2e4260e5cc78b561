//! The entry of a log.
