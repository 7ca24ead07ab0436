//! A numbering of unknowns by what their terms say, so that it does not depend on where they come from.

use super::equations::Equations;

/// Spreads a number over 64 bits (the finaliser of splitmix64).
fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The number of each unknown, and the equations in these numbers and in order. Unknowns that two rounds of
/// colouring do not tell apart keep their order, which at worst makes equal systems different.
pub(super) fn number(equations: &Equations) -> (Vec<u32>, Equations) {
    let count = equations.unknowns as usize;
    let mut colours = vec![0u64; count];
    for _ in 0..2 {
        let mut next = vec![0u64; count];
        for term in &equations.terms {
            let locals = equations.locals(term);
            let inner = locals.iter().fold(locals.len() as u64, |sum, &local| {
                sum.wrapping_add(mix(colours[local as usize] ^ 0x9e37_79b9_7f4a_7c15))
            });
            let sum = &mut next[term.head as usize];
            *sum = sum.wrapping_add(mix(mix(u64::from(term.external.0) + 1) ^ inner));
        }
        colours = next;
    }
    let mut order: Vec<u32> = (0..equations.unknowns).collect();
    order.sort_by_key(|&unknown| colours[unknown as usize]);
    let mut numbers = vec![0u32; count];
    for (&unknown, number) in order.iter().zip(0..) {
        numbers[unknown as usize] = number;
    }
    let mut renumbered = Equations::new(equations.unknowns);
    for term in &equations.terms {
        let locals = equations.locals(term).iter();
        renumbered.push(
            numbers[term.head as usize],
            term.external,
            locals.map(|&local| numbers[local as usize]),
        );
    }
    renumbered.sort();
    (numbers, renumbered)
}
