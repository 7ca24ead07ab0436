//! A plan as text, for `nsdl check --show plan`.

use std::fmt::{self, Write};

use nsdl_ir::{
    AggregateId, Column, Expr, Operand, Plan, RelationId, Rule, RuleId, Step, Symbols, Type,
    UnaryOp, Value, Word,
};

/// The plan as text: relations with their types, and for each stratum its rules with the first join order.
pub fn show(plan: &Plan, symbols: &Symbols) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = Show { plan, symbols }.all(&mut text);
    text
}

struct Show<'p> {
    plan: &'p Plan,
    symbols: &'p Symbols,
}

impl Show<'_> {
    fn all(&self, out: &mut String) -> fmt::Result {
        for (number, stratum) in self.plan.strata.iter().enumerate() {
            let recursive = if stratum.recursive { ", recursive" } else { "" };
            writeln!(out, "stratum {number}{recursive}")?;
            for relation in &stratum.relations {
                let types = self.columns(*relation).iter();
                let types: Vec<String> = types.map(|ty| ty.to_string()).collect();
                writeln!(out, "  type {}({})", self.name(*relation), types.join(", "))?;
            }
            for id in &stratum.aggregates {
                self.aggregate(*id, out)?;
            }
            for id in &stratum.rules {
                self.rule(*id, out)?;
            }
        }
        for query in &self.plan.queries {
            writeln!(out, "query {}", query.name)?;
        }
        for evidence in &self.plan.evidence {
            writeln!(out, "evidence {}", self.name(evidence.relation))?;
        }
        Ok(())
    }

    fn aggregate(&self, id: AggregateId, out: &mut String) -> fmt::Result {
        let Some(aggregate) = self.plan.aggregates.get(id.index()) else {
            return Ok(());
        };
        write!(
            out,
            "  {} = {:?}{}({}",
            self.name(aggregate.output),
            aggregate.op,
            if aggregate.single_world { "!" } else { "" },
            self.name(aggregate.members)
        )?;
        if let Some(groups) = aggregate.groups {
            write!(out, " where {}", self.name(groups))?;
        }
        writeln!(
            out,
            "), {} keys, {} arguments",
            aggregate.keys, aggregate.arguments
        )
    }

    fn rule(&self, id: RuleId, out: &mut String) -> fmt::Result {
        let Some(rule) = self.plan.rules.get(id.index()) else {
            return Ok(());
        };
        write!(out, "  ")?;
        if let Some(tag) = rule.tag {
            write!(out, "choice {}.{} :: ", tag.choice.0, tag.alternative)?;
        }
        let args: Vec<String> = std::iter::zip(&rule.args, self.columns(rule.head))
            .map(|(arg, ty)| self.expr(arg, *ty))
            .collect();
        writeln!(out, "{}({}) =", self.name(rule.head), args.join(", "))?;
        self.steps(rule, &rule.steps, out)?;
        for delta in &rule.deltas {
            writeln!(out, "    new rows of atom {}:", delta.atom)?;
            self.steps(rule, &delta.steps, out)?;
        }
        Ok(())
    }

    fn steps(&self, rule: &Rule, steps: &[Step], out: &mut String) -> fmt::Result {
        for step in steps {
            let line = match step {
                Step::Scan {
                    relation, columns, ..
                } => {
                    let cells = std::iter::zip(columns, self.columns(*relation));
                    let cells: Vec<String> = cells
                        .map(|(column, ty)| self.column(*column, *ty))
                        .collect();
                    match (cells.as_slice(), self.is_extent(*relation)) {
                        ([term, fields @ ..], true) => {
                            format!("{term} is {}({})", self.name(*relation), fields.join(", "))
                        }
                        _ => format!("{}({})", self.name(*relation), cells.join(", ")),
                    }
                }
                Step::Absent { relation, args } => {
                    let cells = std::iter::zip(args, self.columns(*relation));
                    let cells: Vec<String> = cells
                        .map(|(arg, ty)| match arg {
                            Operand::Slot(slot) => format!("x{}", slot.0),
                            Operand::Const(word) => self.word(*word, *ty),
                        })
                        .collect();
                    format!("not {}({})", self.name(*relation), cells.join(", "))
                }
                Step::Foreign {
                    predicate,
                    relation,
                    mode,
                    columns,
                    negated,
                } => {
                    let cells = std::iter::zip(columns, self.columns(*relation));
                    let cells: Vec<String> = cells
                        .map(|(column, ty)| self.column(*column, *ty))
                        .collect();
                    let not = if *negated { "not " } else { "" };
                    let mode = predicate.modes.get(*mode).map_or("", String::as_str);
                    format!("{not}{}[{mode}]({})", predicate.name, cells.join(", "))
                }
                Step::Filter(expr) => self.expr(expr, Type::Bool),
                Step::Range {
                    slot,
                    low,
                    high,
                    inclusive,
                } => {
                    let ty = rule.slots.get(slot.index()).copied().unwrap_or(Type::I32);
                    let dots = if *inclusive { "..=" } else { ".." };
                    let (low, high) = (self.expr(low, ty), self.expr(high, ty));
                    format!("x{} in {low}{dots}{high}", slot.0)
                }
                Step::Element { slot, list } => {
                    let ty = rule.slots.get(slot.index()).copied().unwrap_or(Type::I32);
                    format!("x{} in {}", slot.0, self.expr(list, Type::list(ty)))
                }
                Step::Let { slot, value } => {
                    let ty = rule.slots.get(slot.index()).copied().unwrap_or(Type::I32);
                    format!("x{} := {}", slot.0, self.expr(value, ty))
                }
            };
            writeln!(out, "      {line}")?;
        }
        Ok(())
    }

    /// `+x` binds a variable, `x` checks it.
    fn column(&self, column: Column, ty: Type) -> String {
        match column {
            Column::Bind(slot) => format!("+x{}", slot.0),
            Column::Check(slot) => format!("x{}", slot.0),
            Column::Const(word) => self.word(word, ty),
            Column::Any => "_".into(),
        }
    }

    fn expr(&self, expr: &Expr, ty: Type) -> String {
        match expr {
            Expr::Slot(slot) => format!("x{}", slot.0),
            Expr::Const(word) => self.word(*word, ty),
            Expr::Unary { op, ty, operand } => {
                let symbol = if *op == UnaryOp::Not { "!" } else { "-" };
                format!("{symbol}{}", self.expr(operand, *ty))
            }
            Expr::Binary {
                op,
                ty,
                left,
                right,
            } => {
                format!(
                    "({} {} {})",
                    self.expr(left, *ty),
                    op.symbol(),
                    self.expr(right, *ty)
                )
            }
            Expr::Mixed {
                op,
                types,
                operands,
            } => {
                let [left, right] = operands.as_ref();
                let (left, right) = (self.expr(left, types[0]), self.expr(right, types[1]));
                format!("({left} {} {right})", op.symbol())
            }
            Expr::Cast { from, to, operand } => {
                format!("({} as {to})", self.expr(operand, *from))
            }
            Expr::Call {
                function,
                types,
                args,
            } => {
                let args: Vec<String> = std::iter::zip(args, types)
                    .map(|(arg, ty)| self.expr(arg, *ty))
                    .collect();
                format!("{}({})", function.signature().name, args.join(", "))
            }
            Expr::Construct {
                constructor,
                fields,
            } => {
                let fields = std::iter::zip(fields, &constructor.fields);
                let fields: Vec<String> = fields.map(|(it, ty)| self.expr(it, *ty)).collect();
                format!("new {}({})", constructor.name, fields.join(", "))
            }
            Expr::Fields {
                constructor,
                operand,
            } => {
                let term = self.expr(operand, constructor.ty);
                format!("(fields of {term} as {})", constructor.name)
            }
            Expr::List { ty, items, rest } => self.list(*ty, items, rest.as_deref()),
            Expr::Part {
                of,
                operand,
                position,
            } => format!("{}.{position}", self.expr(operand, *of)),
            Expr::Rest { ty, operand, from } => format!("{}[{from}..]", self.expr(operand, *ty)),
            Expr::Length {
                of,
                operand,
                count,
                exact,
            } => {
                let op = if *exact { "==" } else { ">=" };
                format!("(length of {} {op} {count})", self.expr(operand, *of))
            }
            Expr::If {
                condition,
                consequence,
                alternative,
            } => format!(
                "(if {} then {} else {})",
                self.expr(condition, Type::Bool),
                self.expr(consequence, ty),
                self.expr(alternative, ty)
            ),
        }
    }

    /// A tuple or a list.
    fn list(&self, ty: Type, items: &[Expr], rest: Option<&Expr>) -> String {
        let item = |(position, item): (usize, &Expr)| match ty {
            Type::Tuple(types) => {
                self.expr(item, types.get(position).copied().unwrap_or(Type::I32))
            }
            Type::List(element) => self.expr(item, *element),
            other => self.expr(item, other),
        };
        let mut parts: Vec<String> = items.iter().enumerate().map(item).collect();
        parts.extend(rest.map(|rest| format!("..{}", self.expr(rest, ty))));
        let parts = parts.join(", ");
        match ty {
            Type::Tuple([_]) => format!("({parts},)"),
            Type::Tuple(_) => format!("({parts})"),
            _ => format!("[{parts}]"),
        }
    }

    fn word(&self, word: Word, ty: Type) -> String {
        Value::from_word(word, ty, self.symbols).to_string()
    }

    /// Whether it holds the terms of a constructor: its first column is the term, the others are the fields.
    fn is_extent(&self, relation: RelationId) -> bool {
        self.plan.extents.iter().any(|it| it.relation == relation)
    }

    fn name(&self, relation: RelationId) -> &str {
        self.plan
            .relations
            .get(relation.index())
            .map_or("?", |relation| relation.name.as_str())
    }

    fn columns(&self, relation: RelationId) -> &[Type] {
        self.plan
            .relations
            .get(relation.index())
            .map_or(&[], |relation| relation.columns.as_slice())
    }
}
