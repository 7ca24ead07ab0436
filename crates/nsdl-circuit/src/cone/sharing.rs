//! Which cycles have several ends.

use super::Cone;

impl Cone {
    /// Whether several tuples of one cycle are used outside it.
    pub fn shares_cycles(&self) -> bool {
        let cycle_of = |node: u32| {
            let after = self.cycles.partition_point(|cycle| cycle.start <= node);
            after
                .checked_sub(1)
                .filter(|&cycle| node < self.cycles[cycle].end)
        };
        let mut used: Vec<Option<u32>> = vec![None; self.cycles.len()];
        let mut shared = false;
        let mut uses = |node: u32, from: Option<usize>| {
            if let Some(cycle) = cycle_of(node).filter(|&cycle| Some(cycle) != from) {
                shared |= used[cycle].replace(node).is_some_and(|other| other != node);
            }
        };
        for node in 0..self.len() as u32 {
            let from = cycle_of(node);
            self.children(node)
                .iter()
                .for_each(|&child| uses(child, from));
        }
        self.outputs.iter().for_each(|&node| uses(node, None));
        shared
    }
}
