//! The algebras of tags, each in a file of its own.
