//! One party's node: submit and what it leans on.
