//! The states of a network while its edges are decided one after the other.
//!
//! A state is a partition of the frontier: the vertices that have met an edge and will meet another. It is held as a
//! number for each vertex, that of the first vertex connected to it, five bits each.

use super::SOURCE;
use crate::Stop;
use rustc_hash::FxHashMap;

/// What follows a state: it never holds what is asked for, it certainly does, or by number plus 2.
pub(super) const NEVER: u32 = 0;
pub(super) const CERTAIN: u32 = 1;

type State = u128;

/// Vertices that a state can hold, a marked one included.
const MOST: usize = 25;
const BITS: usize = 5;

/// The frontier at each edge.
pub(super) struct Frontier {
    edges: Vec<Step>,
    /// The first and the last edge of each vertex.
    span: Vec<Option<(u32, u32)>>,
}

/// What one edge does to the frontier.
struct Step {
    /// Vertices before, in order of arrival, those that this edge meets first included.
    vertices: Vec<u32>,
    /// Places of vertices that it joins.
    joins: Vec<Vec<usize>>,
    /// Places that stay, and whether another edge meets them; the source stays in any case.
    stays: Vec<(usize, bool)>,
    /// Vertices that the next edge is the first to meet.
    arrive: usize,
    /// The place of the source once it has come.
    source: Option<usize>,
}

/// All states and where they lead.
pub(super) struct Plan {
    pub stages: Vec<Stage>,
    pub targets: usize,
}

/// The states at one edge, and for each what follows if the edge holds and if it does not.
#[derive(Default)]
pub(super) struct Stage {
    /// With all that was decided before.
    pub free: Vec<[u32; 2]>,
    /// With a marked class of vertices, which is to be connected to the source.
    pub marked: Vec<[u32; 2]>,
    /// How many free states the next stage has.
    pub next: usize,
    /// Targets that no later edge meets, by number: each free state with what follows if the target's class is marked.
    pub exits: Vec<(usize, Vec<(u32, u32)>)>,
}

impl Plan {
    pub fn states(&self) -> usize {
        let sizes = self.stages.iter();
        sizes
            .map(|stage| stage.free.len() + stage.marked.len())
            .sum()
    }
}

impl Frontier {
    /// The frontiers of edges in order; `None` if one is too wide.
    pub fn new(vertices: usize, edges: &[&[Vec<u32>]]) -> Option<Self> {
        let mut span: Vec<Option<(u32, u32)>> = vec![None; vertices];
        for (edge, number) in edges.iter().zip(0..) {
            for &vertex in edge.iter().flatten() {
                let span = &mut span[vertex as usize];
                *span = Some((span.map_or(number, |span| span.0), number));
            }
        }
        let mut frontier = Self {
            edges: Vec::with_capacity(edges.len()),
            span,
        };
        let mut present: Vec<u32> = frontier.arrivals(edges, 0);
        for (edge, number) in edges.iter().zip(0..) {
            // One place is for a mark.
            if present.len() >= MOST {
                return None;
            }
            let later = |vertex: u32| {
                let span = frontier.span[vertex as usize];
                span.is_some_and(|(_, last)| last > number)
            };
            let place = |&vertex: &u32| present.iter().position(|&other| other == vertex);
            let joins = edge
                .iter()
                .map(|join| join.iter().filter_map(place).collect());
            let stays: Vec<(usize, bool)> = present
                .iter()
                .enumerate()
                .filter(|&(_, &vertex)| vertex == SOURCE || later(vertex))
                .map(|(place, &vertex)| (place, later(vertex)))
                .collect();
            let arrivals = frontier.arrivals(edges, number as usize + 1);
            let next = stays.iter().map(|&(place, _)| present[place]);
            let next: Vec<u32> = next.chain(arrivals.iter().copied()).collect();
            let step = Step {
                joins: joins.collect(),
                stays,
                arrive: arrivals.len(),
                source: present.iter().position(|&vertex| vertex == SOURCE),
                vertices: present,
            };
            frontier.edges.push(step);
            present = next;
        }
        Some(frontier)
    }

    /// Vertices that an edge is the first to meet.
    fn arrivals(&self, edges: &[&[Vec<u32>]], number: usize) -> Vec<u32> {
        let mut arrivals: Vec<u32> = Vec::new();
        for &vertex in edges
            .get(number)
            .iter()
            .flat_map(|edge| edge.iter().flatten())
        {
            let first = self.span[vertex as usize].map(|span| span.0 as usize);
            if first == Some(number) && !arrivals.contains(&vertex) {
                arrivals.push(vertex);
            }
        }
        arrivals
    }

    /// The states that matter to the targets; `room` says whether there may be so many.
    pub fn plan(
        &self,
        targets: &[u32],
        room: impl Fn(usize) -> Result<(), Stop>,
    ) -> Result<Plan, Stop> {
        let mut exits: Vec<Vec<usize>> = vec![Vec::new(); self.edges.len()];
        for (number, &target) in targets.iter().enumerate() {
            if let Some((_, last)) = self.span[target as usize] {
                exits[last as usize].push(number);
            }
        }
        let mut left = targets.len();
        let mut plan = Plan {
            stages: Vec::with_capacity(self.edges.len()),
            targets: targets.len(),
        };
        let first = self.edges.first().map_or(0, |step| step.vertices.len());
        let mut free = Numbered::default();
        free.number(pack((0..first as u8).collect::<Vec<u8>>().as_slice()));
        let (mut marked, mut made) = (Numbered::default(), 0);
        for (step, exits) in self.edges.iter().zip(exits) {
            let mut stage = Stage::default();
            left -= exits.len();
            for target in exits {
                let place = step.vertices.iter().position(|&v| v == targets[target]);
                let place = place.unwrap_or(0);
                let mut ways = Vec::with_capacity(free.states.len());
                for (&state, number) in free.states.iter().zip(0..) {
                    let labels = unpack(state);
                    let certain = step.source.is_some_and(|s| labels[s] == labels[place]);
                    let follows = match certain {
                        true => CERTAIN,
                        false => marked.number(mark(&labels[..step.vertices.len()], place)),
                    };
                    ways.push((number, follows));
                }
                stage.exits.push((target, ways));
            }
            let mut next = Numbered::default();
            if left > 0 {
                for &state in &free.states {
                    stage.free.push(
                        [true, false].map(|holds| step.follow(state, false, holds, &mut next)),
                    );
                }
            }
            stage.next = next.states.len();
            free = next;
            let mut next = Numbered::default();
            for &state in &marked.states {
                stage
                    .marked
                    .push([true, false].map(|holds| step.follow(state, true, holds, &mut next)));
            }
            marked = next;
            made += stage.free.len() + stage.marked.len();
            room(made)?;
            plan.stages.push(stage);
        }
        Ok(plan)
    }
}

impl Step {
    /// The state after the edge: a number of `next`, or what is known then. Of a marked state, the first place is
    /// the mark.
    fn follow(&self, state: State, marked: bool, holds: bool, next: &mut Numbered) -> u32 {
        let mut labels = unpack(state);
        let (mark, shift) = (marked.then_some(labels[0]), usize::from(marked));
        let places = self.vertices.len() + shift;
        let joined = if holds { self.joins.as_slice() } else { &[] };
        let mut mark = mark;
        for join in joined {
            let Some(&first) = join.first() else { continue };
            for &other in &join[1..] {
                let (to, from) = (labels[first + shift], labels[other + shift]);
                for label in &mut labels[..places] {
                    *label = if *label == from { to } else { *label };
                }
            }
            mark = marked.then_some(labels[0]);
        }
        let source = self.source.map(|place| labels[place + shift]);
        if mark.is_some() && mark == source {
            return CERTAIN;
        }
        // What no later edge meets stays apart.
        let open = |label: u8| {
            let mut stays = self.stays.iter();
            stays.any(|&(place, later)| later && labels[place + shift] == label)
        };
        if !mark.into_iter().chain(source).all(open) {
            return NEVER;
        }
        let mut names = [u8::MAX; 1 << BITS];
        let mut named = 0u8;
        let mut state: State = 0;
        let mut at = 0;
        let stays = self.stays.iter().map(|&(place, _)| labels[place + shift]);
        for label in mark.into_iter().chain(stays) {
            let name = &mut names[label as usize];
            if *name == u8::MAX {
                *name = named;
                named += 1;
            }
            state |= State::from(*name) << at;
            at += BITS;
        }
        for _ in 0..self.arrive {
            state |= State::from(named) << at;
            named += 1;
            at += BITS;
        }
        next.number(state)
    }
}

/// States in order of their discovery.
#[derive(Default)]
struct Numbered {
    states: Vec<State>,
    numbers: FxHashMap<State, u32>,
}

impl Numbered {
    /// The outcome that is this state.
    fn number(&mut self, state: State) -> u32 {
        let Self { states, numbers } = self;
        *numbers.entry(state).or_insert_with(|| {
            states.push(state);
            states.len() as u32 + 1
        })
    }
}

fn unpack(mut state: State) -> [u8; MOST] {
    let mut labels = [0; MOST];
    for label in &mut labels {
        *label = (state & ((1 << BITS) - 1)) as u8;
        state >>= BITS;
    }
    labels
}

fn pack(labels: &[u8]) -> State {
    let pairs = labels.iter().enumerate();
    pairs.fold(0, |state, (place, &label)| {
        state | State::from(label) << (BITS * place)
    })
}

/// The state whose first place is connected to `place`.
fn mark(labels: &[u8], place: usize) -> State {
    let mut names = [u8::MAX; 1 << BITS];
    let mut named = 0u8;
    let mut renumbered = Vec::with_capacity(labels.len() + 1);
    for &label in std::iter::once(&labels[place]).chain(labels) {
        let name = &mut names[label as usize];
        if *name == u8::MAX {
            *name = named;
            named += 1;
        }
        renumbered.push(*name);
    }
    pack(&renumbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_has_few_states() {
        let edges: Vec<Vec<Vec<u32>>> = (0..10).map(|v| vec![vec![v, v + 1]]).collect();
        let edges: Vec<&[Vec<u32>]> = edges.iter().map(Vec::as_slice).collect();
        let frontier = Frontier::new(11, &edges).unwrap();
        let targets: Vec<u32> = (1..11).collect();
        let plan = frontier.plan(&targets, |_| Ok(())).unwrap();
        // What is not connected to the source is dropped; the last edge alone is met by its target first.
        assert_eq!(plan.states(), 9 + 1);
    }
}
