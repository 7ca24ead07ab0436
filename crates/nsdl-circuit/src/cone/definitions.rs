//! From a tuple to what derives it.

use super::aggregates::results;
use nsdl_ir::{Trace, TupleId};
use rustc_hash::FxHashMap;

/// Which instances and aggregates define each tuple, as two CSR tables.
#[derive(Clone, Debug)]
pub(crate) struct Definitions {
    offsets: Vec<u32>,
    instances: Vec<u32>,
    aggregates: FxHashMap<TupleId, Vec<u32>>,
}

impl Definitions {
    pub fn new(trace: &Trace) -> Self {
        let mut offsets = vec![0u32; trace.tuples.len() + 1];
        for instance in &trace.instances {
            offsets[instance.head.index() + 1] += 1;
        }
        for i in 1..offsets.len() {
            offsets[i] += offsets[i - 1];
        }
        let mut next = offsets.clone();
        let mut instances = vec![0u32; trace.instances.len()];
        for (i, instance) in trace.instances.iter().enumerate() {
            let slot = &mut next[instance.head.index()];
            instances[*slot as usize] = i as u32;
            *slot += 1;
        }
        let mut aggregates: FxHashMap<TupleId, Vec<u32>> = FxHashMap::default();
        for (i, aggregate) in trace.aggregates.iter().enumerate() {
            for result in results(aggregate) {
                let users = aggregates.entry(result).or_default();
                if users.last() != Some(&(i as u32)) {
                    users.push(i as u32);
                }
            }
        }
        Self {
            offsets,
            instances,
            aggregates,
        }
    }

    pub fn instances(&self, tuple: TupleId) -> &[u32] {
        let (start, end) = (self.offsets[tuple.index()], self.offsets[tuple.index() + 1]);
        &self.instances[start as usize..end as usize]
    }

    pub fn aggregates(&self, tuple: TupleId) -> &[u32] {
        self.aggregates.get(&tuple).map_or(&[], Vec::as_slice)
    }
}
