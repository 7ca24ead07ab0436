//! Unions of proofs, weighed by inclusion and exclusion.

use crate::literals::Variables;

/// Terms of inclusion and exclusion that are still cheaper than compiling.
const TERMS: usize = 1100;

/// Proofs whose union is weighed: sorted, consistent sets of literals.
pub trait Disjuncts {
    /// How many there are.
    fn len(&self) -> usize;
    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The literals of one.
    fn get(&self, index: usize) -> &[u32];
}

/// Sets of literals under construction, one per depth.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    levels: Vec<Vec<u32>>,
}

/// Calls `add` for each consistent intersection of `proofs` with its sign. False, after some calls, if there are too
/// many: more than 1,100, which 10 proofs cannot have. Stops early where proofs exclude each other.
pub fn terms(
    proofs: &impl Disjuncts,
    variables: &Variables,
    scratch: &mut Scratch,
    add: &mut impl FnMut(&[u32], f64),
) -> bool {
    if scratch.levels.is_empty() {
        scratch.levels.push(Vec::new());
    }
    scratch.levels[0].clear();
    let mut left = TERMS;
    intersections(proofs, variables, 0, 0, scratch, &mut left, add)
}

fn intersections(
    proofs: &impl Disjuncts,
    variables: &Variables,
    from: usize,
    depth: usize,
    scratch: &mut Scratch,
    left: &mut usize,
    add: &mut impl FnMut(&[u32], f64),
) -> bool {
    if scratch.levels.len() < depth + 2 {
        scratch.levels.push(Vec::new());
    }
    let sign = if depth.is_multiple_of(2) { 1.0 } else { -1.0 };
    for index in from..proofs.len() {
        let Some((below, above)) = scratch.levels.split_at_mut_checked(depth + 1) else {
            return false;
        };
        let (Some(current), Some(merged)) = (below.last(), above.first_mut()) else {
            return false;
        };
        if !variables.merge(current, proofs.get(index), merged) {
            continue;
        }
        if *left == 0 {
            return false;
        }
        *left -= 1;
        add(merged, sign);
        if !intersections(proofs, variables, index + 1, depth + 1, scratch, left, add) {
            return false;
        }
    }
    true
}
