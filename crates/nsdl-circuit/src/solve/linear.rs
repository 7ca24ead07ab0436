//! Linear systems of a cycle: how its tuples depend on each other where they are.

use super::ROUNDS;
use super::number::Number;
use nsdl_provenance::AddMultProb;

/// λ = b + Mλ, `[tuple][sample]`.
#[derive(Clone, Debug, Default)]
pub(super) struct System {
    /// b.
    pub incoming: Vec<f64>,
    /// λ.
    pub found: Vec<f64>,
    flow: Vec<f64>,
}

impl System {
    /// Solves it for the open samples by iteration; says for which it settled. An edge `(from, to)` adds to `to` what
    /// `from` has, times its slope.
    #[inline(always)]
    pub fn settle<T: Number, const L: usize>(
        &mut self,
        mut open: [bool; L],
        edges: &[(u32, u32)],
        slopes: &[T],
    ) -> [bool; L] {
        let Self {
            incoming,
            found,
            flow,
        } = self;
        found.clear();
        found.extend_from_slice(incoming);
        flow.resize(incoming.len(), 0.0);
        let (slopes, _) = slopes.as_chunks::<L>();
        let (incoming, _) = incoming.as_chunks::<L>();
        let (found, _) = found.as_chunks_mut::<L>();
        let (flow, _) = flow.as_chunks_mut::<L>();
        let mut settled = [false; L];
        let mut first = [None; L];
        let mut change = [0.0f64; L];
        for _ in 0..ROUNDS {
            flow.fill([0.0; L]);
            for (&(from, to), slope) in edges.iter().zip(slopes) {
                let (from, to) = (&found[from as usize], &mut flow[to as usize]);
                (0..L).for_each(|i| to[i] += from[i] * slope[i].to_f64());
            }
            change = [0.0; L];
            for ((found, flow), incoming) in found.iter_mut().zip(&*flow).zip(incoming) {
                for i in 0..L {
                    let next = incoming[i] + flow[i];
                    let next = if open[i] { next } else { found[i] };
                    let by = (next - found[i]).abs();
                    change[i] = if by > change[i] { by } else { change[i] };
                    found[i] = next;
                }
            }
            for i in 0..L {
                if !open[i] {
                    continue;
                }
                settled[i] = change[i] < AddMultProb::TOLERANCE;
                let grown = change[i] > 1e9 * *first[i].get_or_insert(change[i]);
                open[i] = !settled[i] && !grown;
            }
            if open == [false; L] {
                return settled;
            }
        }
        // A change that still shrinks is a slow cycle, not a missing derivative.
        for i in 0..L {
            settled[i] |= open[i] && change[i] <= 0.5 * first[i].unwrap_or(0.0);
        }
        settled
    }

    /// Of one sample whose system does not settle: for which tuples it does. Those use no others.
    pub fn settle_some<T: Number, const L: usize>(
        &self,
        lane: usize,
        edges: &[(u32, u32)],
        slopes: &[T],
    ) -> Vec<bool> {
        let incoming: Vec<f64> = self
            .incoming
            .iter()
            .skip(lane)
            .step_by(L)
            .copied()
            .collect();
        let slopes = slopes.iter().skip(lane).step_by(L);
        let edges: Vec<(usize, usize, f64)> = edges
            .iter()
            .zip(slopes)
            .map(|(&(from, to), slope)| (from as usize, to as usize, slope.to_f64()))
            .filter(|&(_, _, slope)| slope != 0.0)
            .collect();
        let mut found = incoming.clone();
        let mut first = Vec::new();
        let mut change = Vec::new();
        for _ in 0..ROUNDS {
            let mut next = incoming.clone();
            for &(from, to, slope) in &edges {
                next[to] += found[from] * slope;
            }
            let by = next.iter().zip(&found);
            change = by.map(|(next, found)| (next - found).abs()).collect();
            if first.is_empty() {
                first.clone_from(&change);
            }
            found = next;
        }
        let settled = change.iter().zip(&first);
        settled
            .map(|(&change, first)| change < AddMultProb::TOLERANCE || change <= 0.5 * first)
            .collect()
    }
}
