//! Why a cast or a function has no result.

use std::fmt;

/// Why a cast or a function has no result. The derivation is then dropped and counted (SEMANTICS.md 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The target type has no such value.
    Cast,
    /// The result does not fit its type.
    Overflow,
    /// The function or operator has no value for these arguments.
    Domain,
    /// Division by zero.
    DivisionByZero,
    /// A float that is not a number.
    NotANumber,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Cast => "the type has no such value",
            Fault::Overflow => "the result is out of range",
            Fault::Domain => "it has no value there",
            Fault::DivisionByZero => "division by zero",
            Fault::NotANumber => "the result is not a number",
        })
    }
}
