//! The fold of all logs into state that can be asked. May be deleted and rebuilt.
