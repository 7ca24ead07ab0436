//! Calls of the host program made in batches: where an author gives a batch form, a join first runs up to the
//! call to collect its inputs, all are called at once, and the join then finds their results.

use std::sync::Arc;

use nsdl_ir::{Symbols, Word};
use rustc_hash::FxHashSet;

use crate::call::Call;
use crate::expr::Code;
use crate::foreign::Results;
use crate::limits::{Budget, Stop};
use crate::trace::Recorder;

/// Inputs of calls to come, each once.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// By relation of the results: mode and inputs.
    questions: Vec<(usize, Box<[Word]>)>,
    calls: Vec<(Arc<Call>, Box<[Word]>)>,
    seen: FxHashSet<(usize, Box<[Word]>)>,
}

impl Pending {
    /// Adds a question to a predicate.
    pub(crate) fn ask(&mut self, relation: usize, key: &[Word]) {
        if self.seen.insert((relation, key.into())) {
            self.questions.push((relation, key.into()));
        }
    }

    /// Adds the calls that an expression makes.
    pub(crate) fn gather(&mut self, code: &Code, slots: &[Word], symbols: &Symbols) {
        if let Code::If(parts) = code {
            let [condition, consequence, alternative] = parts.as_ref();
            self.gather(condition, slots, symbols);
            // Only the branch that is taken is evaluated.
            return match condition.eval(slots, symbols) {
                Ok(0) => self.gather(alternative, slots, symbols),
                Ok(_) => self.gather(consequence, slots, symbols),
                Err(_) => {}
            };
        }
        for part in code.parts() {
            self.gather(part, slots, symbols);
        }
        let Code::Foreign(call, args) = code else {
            return;
        };
        let words: Result<Vec<Word>, _> = args.iter().map(|arg| arg.eval(slots, symbols)).collect();
        if let Ok(words) = words
            && call.is_batched()
        {
            // Relations are numbered from 0: addresses of calls never meet them.
            let key = (Arc::as_ptr(call) as usize, words.into());
            if !self.seen.contains(&key) {
                self.calls.push((Arc::clone(call), key.1.clone()));
                self.seen.insert(key);
            }
        }
    }

    /// Makes the calls.
    pub(crate) fn fetch(
        self,
        results: &mut Results,
        symbols: &Symbols,
        budget: &Budget,
        mut recorder: Option<&mut Recorder>,
    ) -> Result<(), Stop> {
        let mut questions = self.questions;
        questions.sort_by_key(|(relation, key)| (*relation, key.first().copied()));
        let same = |a: &(usize, Box<[Word]>), b: &(usize, Box<[Word]>)| {
            a.0 == b.0 && a.1.first() == b.1.first()
        };
        for group in questions.chunk_by(same) {
            let keys: Vec<&[Word]> = group.iter().map(|(_, key)| &**key).collect();
            if let Some((relation, _)) = group.first() {
                let recorder = recorder.as_deref_mut();
                results.ask_all(*relation, &keys, symbols, budget, recorder)?;
            }
        }
        let mut calls = self.calls;
        calls.sort_by_key(|(call, _)| Arc::as_ptr(call) as usize);
        for group in calls.chunk_by(|a, b| Arc::ptr_eq(&a.0, &b.0)) {
            budget.check(0, 0)?;
            let args: Vec<&[Word]> = group.iter().map(|(_, args)| &**args).collect();
            if let Some((call, _)) = group.first() {
                call.fetch(&args, symbols);
            }
        }
        Ok(())
    }
}
