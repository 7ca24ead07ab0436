//! `$hash`: the same on every machine and in every run and version.

use nsdl_ir::Value;

use crate::cast::text;

/// FNV-1a, 64 bits, over each argument in turn: the name of its type, a zero byte, its text form, a zero byte.
pub(crate) fn hash(values: &[Value]) -> Value {
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for value in values {
        for part in [&value.ty().to_string(), &text(value)] {
            for byte in part.bytes().chain([0]) {
                state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
    Value::U64(state)
}
