//! In which order to decide the edges of a network.
//!
//! The number of states grows with the number of partitions of the frontier (Bell's numbers), so a good order keeps
//! the frontier small everywhere. A greedy order is improved by moving vertices, as long as that is worth its time;
//! the search draws the same moves each time.

use super::SOURCE;

/// The joins of an edge.
type Joins<'n> = &'n [Vec<u32>];

/// Starts that are tried.
const STARTS: usize = 32;

/// Vertices from which on only the source is a start and nothing is improved.
const LARGE: usize = 400;

/// Moves that are tried at most, and how many states one is worth.
const MOVES: usize = 40_000;
const WORTH: f64 = 8.0;

/// Wider frontiers end a start.
const WIDEST: usize = 24;

struct Network<'n> {
    edges: Vec<Vec<u32>>,
    /// How many vertices each edge has.
    sizes: Vec<u32>,
    /// The edges of each vertex.
    of: Vec<Vec<u32>>,
    /// Each vertex before it has met an edge.
    fresh: Vec<Span>,
    targets: &'n [u32],
    /// Estimated states for each width.
    states: Vec<f64>,
}

/// The first and the last edge of a vertex, and how many it has yet to meet.
#[derive(Clone, Copy)]
struct Span {
    first: u32,
    last: u32,
    left: u32,
}

/// What estimates need, used again and again.
#[derive(Default)]
struct Memory {
    missing: Vec<u32>,
    sequence: Vec<u32>,
    spans: Vec<Span>,
    widths: Vec<usize>,
}

/// The edges in a good order; `None` if each that was found has too wide a frontier.
pub(super) fn order(vertices: usize, joins: &[Joins<'_>], targets: &[u32]) -> Option<Vec<usize>> {
    let mut of: Vec<Vec<u32>> = vec![Vec::new(); vertices];
    let mut edges = Vec::with_capacity(joins.len());
    for (joins, number) in joins.iter().zip(0..) {
        let mut met: Vec<u32> = joins.iter().flatten().copied().collect();
        met.sort_unstable();
        met.dedup();
        for &vertex in &met {
            of[vertex as usize].push(number);
        }
        edges.push(met);
    }
    let fresh = of.iter().map(|edges| Span {
        first: u32::MAX,
        last: 0,
        left: edges.len() as u32,
    });
    let network = Network {
        sizes: edges
            .iter()
            .map(|edge: &Vec<u32>| edge.len() as u32)
            .collect(),
        edges,
        fresh: fresh.collect(),
        of,
        targets,
        states: partitions(WIDEST + 4),
    };
    let starts = if vertices > LARGE {
        1
    } else {
        STARTS.min(vertices)
    };
    let mut memory = Memory::default();
    let mut best: Option<(Cost, Vec<u32>)> = None;
    for start in 0..starts {
        let start = (start * vertices / starts) as u32;
        if let Some(found) = network.greedy(start)
            && let Some(cost) = network.cost(&found, &mut memory)
            && best
                .as_ref()
                .is_none_or(|(least, _)| cost.states < least.states)
        {
            best = Some((cost, found));
        }
    }
    let (mut cost, mut vertices) = best?;
    if vertices.len() <= LARGE {
        let moves = ((cost.states / WORTH) as usize).min(MOVES);
        (cost, vertices) = network.improve(cost, vertices, moves, &mut memory);
    }
    network.sequence(&vertices, &mut memory);
    if cost.backward {
        memory.sequence.reverse();
    }
    let order = memory.sequence.into_iter();
    Some(order.map(|edge| edge as usize).collect())
}

/// How many partitions so many things have, up to `most` things.
fn partitions(most: usize) -> Vec<f64> {
    let mut row = vec![1.0];
    let mut numbers = vec![1.0];
    while numbers.len() <= most {
        let mut next: Vec<f64> = row.last().copied().into_iter().collect();
        for x in &row {
            next.push(next[next.len() - 1] + x);
        }
        numbers.push(next[0]);
        row = next;
    }
    numbers
}

#[derive(Clone, Copy)]
struct Cost {
    states: f64,
    /// Whether the edges are better taken from the last to the first.
    backward: bool,
}

impl Network<'_> {
    /// Vertices from `start` outward, next the one that brings the fewest new ones.
    fn greedy(&self, start: u32) -> Option<Vec<u32>> {
        let mut seen = vec![false; self.of.len()];
        let (mut open, mut order) = (vec![start], Vec::with_capacity(self.of.len()));
        seen[start as usize] = true;
        let mut rest = 0..self.of.len() as u32;
        loop {
            if open.len() > 2 * WIDEST {
                return None;
            }
            let fresh = |&vertex: &u32| {
                let others = self.of[vertex as usize]
                    .iter()
                    .flat_map(|&e| &self.edges[e as usize]);
                others.filter(|&&other| !seen[other as usize]).count()
            };
            let next = (0..open.len()).min_by_key(|&place| fresh(&open[place]));
            let Some(next) = next else {
                match rest.find(|&vertex| !seen[vertex as usize]) {
                    Some(vertex) => {
                        seen[vertex as usize] = true;
                        open.push(vertex);
                        continue;
                    }
                    None => return Some(order),
                }
            };
            let vertex = open.remove(next);
            order.push(vertex);
            for &edge in &self.of[vertex as usize] {
                for &other in &self.edges[edge as usize] {
                    if !std::mem::replace(&mut seen[other as usize], true) {
                        open.push(other);
                    }
                }
            }
        }
    }

    /// Puts the edges in the order in which the last of their vertices comes.
    fn sequence(&self, vertices: &[u32], memory: &mut Memory) {
        memory.missing.clear();
        memory.missing.extend_from_slice(&self.sizes);
        memory.sequence.clear();
        for &vertex in vertices {
            for &edge in &self.of[vertex as usize] {
                let missing = &mut memory.missing[edge as usize];
                *missing -= 1;
                if *missing == 0 {
                    memory.sequence.push(edge);
                }
            }
        }
    }

    /// About how many states an order of vertices makes, in the better direction; `None` if it is too wide.
    fn cost(&self, vertices: &[u32], memory: &mut Memory) -> Option<Cost> {
        self.sequence(vertices, memory);
        memory.spans.clear();
        memory.spans.extend_from_slice(&self.fresh);
        memory.widths.clear();
        let mut width = 0usize;
        for (&edge, number) in memory.sequence.iter().zip(0..) {
            for &vertex in &self.edges[edge as usize] {
                let span = &mut memory.spans[vertex as usize];
                if span.first == u32::MAX {
                    span.first = number;
                    width += 1;
                }
            }
            if width >= WIDEST {
                return None;
            }
            memory.widths.push(width);
            for &vertex in &self.edges[edge as usize] {
                let span = &mut memory.spans[vertex as usize];
                span.left -= 1;
                if span.left == 0 {
                    span.last = number;
                    width -= 1;
                }
            }
        }
        let Memory { spans, widths, .. } = memory;
        let back = |number: u32| widths.len() as u32 - 1 - number;
        let source = spans[SOURCE as usize];
        let targets = self.targets.iter().map(|&target| spans[target as usize]);
        let ends = targets.clone().map(|target| target.last);
        let forth = self.estimate(widths.iter(), source.last, ends);
        let ends = targets.map(|target| back(target.first));
        let back = self.estimate(widths.iter().rev(), back(source.first), ends);
        Some(Cost {
            states: forth.min(back),
            backward: back < forth,
        })
    }

    /// States of all edges: without a mark until the last target has gone, with one once the first has. A source
    /// that has gone has a place of its own.
    fn estimate<'w>(
        &self,
        widths: impl Iterator<Item = &'w usize>,
        source: u32,
        ends: impl Iterator<Item = u32> + Clone,
    ) -> f64 {
        let (begin, end) = (ends.clone().min().unwrap_or(0), ends.max().unwrap_or(0));
        let stages = widths.zip(0..).map(|(&width, number)| {
            let places = width + usize::from(number > source);
            let free = if number <= end {
                self.states[places]
            } else {
                0.0
            };
            let marked = if number > begin {
                self.states[places + 1]
            } else {
                0.0
            };
            free + marked
        });
        stages.sum()
    }

    /// Moves vertices about, at first also where that makes it a little worse.
    fn improve(
        &self,
        cost: Cost,
        vertices: Vec<u32>,
        moves: usize,
        memory: &mut Memory,
    ) -> (Cost, Vec<u32>) {
        let mut best = (cost, vertices.clone());
        let (mut here, mut order) = (cost.states, vertices);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for step in 0..moves {
            let (from, to) = (random.below(order.len()), random.below(order.len()));
            let vertex = order.remove(from);
            order.insert(to, vertex);
            let heat = 0.3 * (1.0 - step as f64 / moves as f64);
            match self.cost(&order, memory) {
                Some(cost) if cost.states <= here * (1.0 - heat * random.unit().ln() * 0.3) => {
                    here = cost.states;
                    if here < best.0.states {
                        best = (cost, order.clone());
                    }
                }
                _ => {
                    let vertex = order.remove(to);
                    order.insert(from, vertex);
                }
            }
        }
        best
    }
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// Above 0, at most 1.
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }
}
