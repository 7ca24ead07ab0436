//! Plans written by hand, and at random.
#![allow(dead_code, missing_docs)] // Each test uses a part.

pub mod random;
pub mod world;

use nsdl_eval::{Evaluation, Options, evaluate};
use nsdl_ir::*;

/// A term of an atom: `V` a variable, `C` a constant, `Any` a wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    V(u32),
    C(Word),
    Any,
}
pub use self::Term::{Any, C, V};

/// What a body has besides positive atoms, once all its variables are bound.
#[derive(Clone, Debug)]
pub enum Extra {
    Not(usize, Vec<Term>),
    If(Expr),
    Let(u32, Expr),
}

#[derive(Debug, Default)]
pub struct Builder {
    pub plan: Plan,
    pub facts: Vec<Fact>,
}

/// The span of rule `number`.
pub fn span(number: usize) -> Span {
    Span::new(SourceId(0), 10 * number, 10 * number + 5)
}

impl Builder {
    pub fn relation(&mut self, name: &str, columns: &[Type]) -> usize {
        self.plan.relations.push(Relation {
            name: name.into(),
            columns: columns.into(),
            auxiliary: false,
            hidden: false,
            certain: false,
            keep: None,
            facts: None,
            span: Span::default(),
        });
        self.plan.relations.len() - 1
    }

    /// Begins a stratum of these relations; rules and aggregates that follow belong to it.
    pub fn stratum(&mut self, relations: &[usize]) {
        let relations = relations
            .iter()
            .map(|&relation| RelationId::new(relation))
            .collect();
        self.plan.strata.push(Stratum {
            relations,
            ..Stratum::default()
        });
    }

    pub fn fact(&mut self, relation: usize, row: &[Word], tag: Tag) {
        self.facts.push(Fact {
            relation: RelationId::new(relation),
            row: row.into(),
            tag,
            span: None,
        });
    }

    /// Adds a rule; `orders[i]` lists the atoms in the order for the delta of atom `i` (`i` first), and
    /// without it that is `i` and then the others.
    pub fn rule(
        &mut self,
        head: usize,
        args: Vec<Expr>,
        atoms: &[(usize, Vec<Term>)],
        extras: &[Extra],
    ) -> usize {
        self.ordered_rule(head, args, atoms, extras, &mut |_| {})
    }

    pub fn ordered_rule(
        &mut self,
        head: usize,
        args: Vec<Expr>,
        atoms: &[(usize, Vec<Term>)],
        extras: &[Extra],
        shuffle: &mut dyn FnMut(&mut [usize]),
    ) -> usize {
        let number = self.plan.rules.len();
        let stratum = self.plan.strata.last_mut().unwrap();
        let steps = |order: &[usize]| {
            let mut bound: Vec<u32> = Vec::new();
            let mut steps = Vec::new();
            let mut left = extras.to_vec();
            for &atom in order {
                let columns = atoms[atom].1.iter().map(|term| match *term {
                    V(v) if bound.contains(&v) => Column::Check(Slot(v)),
                    V(v) => {
                        bound.push(v);
                        Column::Bind(Slot(v))
                    }
                    C(word) => Column::Const(word),
                    Any => Column::Any,
                });
                let columns = columns.collect();
                steps.push(Step::Scan {
                    atom: atom as u32,
                    relation: RelationId::new(atoms[atom].0),
                    columns,
                });
                place(&mut left, &mut bound, &mut steps);
            }
            place(&mut left, &mut bound, &mut steps);
            assert!(left.is_empty(), "unbound variable");
            steps
        };
        let all: Vec<usize> = (0..atoms.len()).collect();
        let mut deltas = Vec::new();
        for (atom, (relation, _)) in atoms.iter().enumerate() {
            if stratum.relations.contains(&RelationId::new(*relation)) {
                let mut order = all.clone();
                order.retain(|&other| other != atom);
                shuffle(&mut order);
                order.insert(0, atom);
                deltas.push(DeltaOrder {
                    atom: atom as u32,
                    steps: steps(&order),
                });
                stratum.recursive = true;
            }
        }
        let mut order = all;
        shuffle(&mut order);
        stratum.rules.push(RuleId::new(number));
        self.plan.rules.push(Rule {
            span: span(number),
            head: RelationId::new(head),
            args,
            slots: vec![Type::U8; 8],
            atoms: atoms.len() as u32,
            steps: steps(&order),
            deltas,
            tag: None,
            copy: None,
        });
        number
    }

    /// Makes the rules alternatives of one choice.
    pub fn choice(&mut self, weights: Vec<Expr>, binding: &[u32], alternatives: &[(usize, u32)]) {
        let choice = ChoiceId::new(self.plan.choices.len());
        let binding = binding.iter().map(|&slot| Slot(slot)).collect();
        self.plan.choices.push(Choice {
            weights,
            shares: false,
            binding,
            span: span(1000 + choice.index()),
        });
        for &(rule, alternative) in alternatives {
            self.plan.rules[rule].tag = Some(RuleTag {
                choice,
                alternative,
            });
        }
    }

    pub fn aggregate(
        &mut self,
        op: AggregateOp,
        members: usize,
        groups: Option<usize>,
        output: usize,
        shape: [u32; 2],
    ) {
        let id = AggregateId::new(self.plan.aggregates.len());
        self.plan.strata.last_mut().unwrap().aggregates.push(id);
        self.plan.aggregates.push(Aggregate {
            span: span(2000 + id.index()),
            op,
            members: RelationId::new(members),
            groups: groups.map(RelationId::new),
            output: RelationId::new(output),
            keys: shape[0],
            arguments: shape[1],
            single_world: false,
            separator: String::new(),
            all: false,
            ascending: false,
            count: 2,
        });
    }

    pub fn run(&self, trace: bool) -> Evaluation {
        let options = Options {
            trace,
            ..Options::default()
        };
        evaluate(&self.plan, &Symbols::new(), &self.facts, &options).unwrap()
    }

    /// The rows of a relation after a plain evaluation, sorted.
    pub fn rows(&self, relation: usize) -> Vec<Vec<Word>> {
        sorted(&self.run(false), relation)
    }
}

pub fn sorted(evaluation: &Evaluation, relation: usize) -> Vec<Vec<Word>> {
    let mut rows: Vec<Vec<Word>> = evaluation.tables[relation]
        .rows()
        .map(<[Word]>::to_vec)
        .collect();
    rows.sort();
    rows
}

/// Appends the extras whose variables are bound.
fn place(left: &mut Vec<Extra>, bound: &mut Vec<u32>, steps: &mut Vec<Step>) {
    let mut position = 0;
    while position < left.len() {
        let ready = match &left[position] {
            Extra::Not(_, terms) => terms
                .iter()
                .all(|term| !matches!(term, V(v) if !bound.contains(v))),
            Extra::If(expr) | Extra::Let(_, expr) => {
                variables(expr).iter().all(|v| bound.contains(v))
            }
        };
        if !ready {
            position += 1;
            continue;
        }
        steps.push(match left.remove(position) {
            Extra::Not(relation, terms) => {
                let args = terms.iter().map(|term| match *term {
                    V(v) => Operand::Slot(Slot(v)),
                    C(word) => Operand::Const(word),
                    Any => panic!("a wildcard under not"),
                });
                Step::Absent {
                    relation: RelationId::new(relation),
                    args: args.collect(),
                }
            }
            Extra::If(condition) => Step::Filter(condition),
            Extra::Let(v, value) => {
                bound.push(v);
                Step::Let {
                    slot: Slot(v),
                    value,
                }
            }
        });
        position = 0;
    }
}

pub fn variables(expr: &Expr) -> Vec<u32> {
    let mut variables = Vec::new();
    expr.slots(&mut |slot| variables.push(slot.0));
    variables
}

pub fn v(slot: u32) -> Expr {
    Expr::Slot(Slot(slot))
}

pub fn c(word: Word) -> Expr {
    Expr::Const(word)
}

pub fn binary(op: BinaryOp, ty: Type, left: Expr, right: Expr) -> Expr {
    Expr::Binary {
        op,
        ty,
        left: Box::new(left),
        right: Box::new(right),
    }
}
