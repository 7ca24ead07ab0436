//! What demand leaves alone.

use nsdl_ir::RelationId;

use crate::flat::Program;
use crate::stratify;

/// What may be put on demand, and how much of a body is passed on.
pub(super) struct Limits {
    pub automatic: bool,
    /// Relations that demand may only restrict where declared.
    pub whole: Vec<bool>,
    /// Relations that depend on each other have the same number.
    pub component: Vec<usize>,
    /// Relations that are asked for with only what binds the arguments.
    pub lean: Vec<bool>,
}

impl Limits {
    pub fn new(program: &Program, automatic: bool) -> Self {
        let recursion = stratify::recursion(program);
        // What needs no recursion is quickly computed in full.
        let whole = match automatic {
            true => recursion.above.iter().map(|above| !above).collect(),
            false => vec![true; program.relations.len()],
        };
        Self {
            automatic,
            whole,
            component: recursion.component,
            lean: vec![false; program.relations.len()],
        }
    }

    /// Takes demand back for relations that lie on negative cycles; false if there is nothing to take back.
    pub fn tighten(&mut self, on_cycles: &[RelationId]) -> bool {
        let mut changed = false;
        for relation in on_cycles {
            for part in [&mut self.lean, &mut self.whole] {
                if let Some(part) = part.get_mut(relation.index()).filter(|part| !**part) {
                    (*part, changed) = (true, true);
                    break;
                }
            }
        }
        changed
    }
}
