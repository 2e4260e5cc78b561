//! The constitution of a body. Pure functions of a document.
