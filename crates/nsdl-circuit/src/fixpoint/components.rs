//! Strongly connected components (Tarjan, SIAM J. Comput. 1972), without recursion.

use super::equations::Lists;

const UNSEEN: u32 = u32::MAX;
const DONE: u32 = u32::MAX - 1;

/// The components that `roots` lead to, each after all that it leads to.
pub(super) fn components(
    successors: &Lists,
    vertices: usize,
    roots: impl Iterator<Item = u32>,
    mut emit: impl FnMut(&mut [u32]),
) {
    let mut index = vec![UNSEEN; vertices];
    let mut low = vec![0u32; vertices];
    let mut stack: Vec<u32> = Vec::new();
    let mut path: Vec<(u32, u32)> = Vec::new();
    let mut count = 0;
    for root in roots {
        if index[root as usize] != UNSEEN {
            continue;
        }
        path.push((root, 0));
        while let Some((vertex, next)) = path.last_mut() {
            let (v, at) = (*vertex as usize, *next as usize);
            if at == 0 {
                index[v] = count;
                low[v] = count;
                count += 1;
                stack.push(*vertex);
            }
            if let Some(&to) = successors.get(*vertex).get(at) {
                *next += 1;
                match index[to as usize] {
                    UNSEEN => path.push((to, 0)),
                    DONE => {}
                    seen => low[v] = low[v].min(seen),
                }
                continue;
            }
            path.pop();
            if let Some(&(above, _)) = path.last() {
                low[above as usize] = low[above as usize].min(low[v]);
            }
            if low[v] == index[v] {
                let from = stack
                    .iter()
                    .rposition(|&other| other as usize == v)
                    .unwrap_or(0);
                for &member in &stack[from..] {
                    index[member as usize] = DONE;
                }
                emit(&mut stack[from..]);
                stack.truncate(from);
            }
        }
    }
}
