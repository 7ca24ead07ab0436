//! Programs as `.dl` text.

use std::fmt;

use super::*;

impl Program {
    /// The text without the fact sets of these numbers: their facts come from outside. Their relations are declared.
    pub fn text_without(&self, outside: &[usize]) -> String {
        let mut text = String::new();
        for (index, relation) in self.relations.iter().enumerate() {
            if relation.declared || outside.iter().any(|&set| self.facts[set].relation == index) {
                let columns: Vec<&str> = relation.columns.iter().map(|ty| ty.name()).collect();
                text += &format!("type {}({})\n", relation.name, columns.join(", "));
            }
        }
        let mut columns = self.relations.iter().flat_map(|it| &it.columns);
        if columns.any(|ty| *ty == Type::Shape) {
            text.insert_str(0, "type Shape = Dot() | Box(i32)\n");
        }
        for (index, set) in self.facts.iter().enumerate() {
            if !outside.contains(&index) && !set.members.is_empty() {
                text += &self.fact_set(set);
                text.push('\n');
            }
        }
        for rule in &self.rules {
            text += &self.rule(rule);
            text.push('\n');
        }
        text
    }

    fn fact_set(&self, set: &FactSet) -> String {
        let relation = &self.relations[set.relation];
        let members: Vec<String> = set
            .members
            .iter()
            .map(|(tag, tuple)| format!("{}{}", tag_text(*tag), self.tuple(set.relation, tuple)))
            .collect();
        match (&members[..], set.exclusive) {
            ([member], false) => match member.split_once("::") {
                Some((tag, tuple)) => format!("rel {tag}::{}{tuple}", relation.name),
                None => format!("rel {}{member}", relation.name),
            },
            // `;` needs two members: one tagged fact alone excludes nothing.
            ([member], true) => format!("rel {} = {{{member}}}", relation.name),
            (members, true) => format!("rel {} = {{{}}}", relation.name, members.join("; ")),
            (members, false) => format!("rel {} = {{{}}}", relation.name, members.join(", ")),
        }
    }

    /// `(1, "a")`, as a row of the relation.
    pub fn tuple(&self, relation: usize, tuple: &[i64]) -> String {
        let cells: Vec<String> = tuple
            .iter()
            .zip(&self.relations[relation].columns)
            .map(|(&value, ty)| ty.text(value))
            .collect();
        format!("({})", cells.join(", "))
    }

    fn rule(&self, rule: &Rule) -> String {
        let head = match &rule.head {
            Head::All(atoms) => match &atoms[..] {
                [atom] => self.head_atom(atom),
                atoms => {
                    let atoms: Vec<String> =
                        atoms.iter().map(|atom| self.head_atom(atom)).collect();
                    format!("{{{}}}", atoms.join(", "))
                }
            },
            Head::OneOf(atoms) => {
                let atoms: Vec<String> = atoms
                    .iter()
                    .map(|(tag, atom)| format!("{}{}", tag_text(*tag), self.head_atom(atom)))
                    .collect();
                format!("{{{}}}", atoms.join("; "))
            }
        };
        format!(
            "rel {}{head} = {}",
            tag_text(rule.tag),
            self.body(&rule.body, ", ")
        )
    }

    fn head_atom(&self, atom: &HeadAtom) -> String {
        let args: Vec<String> = atom.args.iter().map(|arg| arg.to_string()).collect();
        format!(
            "{}({})",
            self.relations[atom.relation].name,
            args.join(", ")
        )
    }

    fn body(&self, body: &[Literal], and: &str) -> String {
        let parts: Vec<String> = body.iter().map(|literal| self.literal(literal)).collect();
        parts.join(and)
    }

    fn atom(&self, atom: &Atom) -> String {
        let relation = &self.relations[atom.relation];
        let args: Vec<String> = atom
            .args
            .iter()
            .zip(&relation.columns)
            .map(|(term, ty)| match term {
                Term::Var(var) => variable(*var),
                Term::Const(value) => ty.text(*value),
                Term::Offset(var, by) if *by < 0 => format!("{} - {}", variable(*var), -by),
                Term::Offset(var, by) => format!("{} + {by}", variable(*var)),
                Term::Wildcard => "_".into(),
            })
            .collect();
        format!("{}({})", relation.name, args.join(", "))
    }

    fn literal(&self, literal: &Literal) -> String {
        match literal {
            Literal::Atom(atom) => self.atom(atom),
            Literal::Not(atom) => format!("not {}", self.atom(atom)),
            Literal::Compare(op, left, right) => format!("{left} {} {right}", op.symbol()),
            Literal::Let(var, value) => format!("{} == {value}", variable(*var)),
            Literal::Take(var, maker, parts) => {
                let parts: Vec<String> = parts.iter().map(|part| variable(*part)).collect();
                let (var, pattern) = (variable(*var), maker.text(&parts));
                match maker.ty() {
                    Type::Pair => format!("{var} == {pattern}"),
                    _ => format!("case {var} is {pattern}"),
                }
            }
            Literal::Aggregate(aggregate) => self.aggregate(aggregate),
            Literal::Implies(premise, conclusion) => {
                format!("({} implies {})", self.atom(premise), self.atom(conclusion))
            }
            Literal::Range(var, low, high, inclusive) => {
                let dots = if *inclusive { "..=" } else { ".." };
                format!("{} in {low}{dots}{high}", variable(*var))
            }
            Literal::Or(parts) => {
                let parts: Vec<String> = parts
                    .iter()
                    .map(|part| format!("({})", self.body(part, " and ")))
                    .collect();
                format!("({})", parts.join(" or "))
            }
        }
    }

    fn aggregate(&self, aggregate: &Aggregate) -> String {
        if let (true, Some((last, premise))) = (aggregate.forall, aggregate.body.split_last()) {
            let conclusion = match last {
                Literal::Not(atom) => self.atom(atom),
                Literal::Compare(op, left, right) => {
                    format!("{left} {} {right}", op.opposite().symbol())
                }
                other => format!("not ({})", self.literal(other)),
            };
            let premise = self.body(premise, " and ");
            let bindings = list(&aggregate.bindings);
            return format!("forall({bindings}: {premise} implies {conclusion})");
        }
        let results = match &aggregate.results[..] {
            [] => String::new(),
            [result] => format!("{} := ", variable(*result)),
            results => format!("({}) := ", list(results)),
        };
        let arguments = match &aggregate.arguments[..] {
            [] => String::new(),
            arguments => format!("[{}]", list(arguments)),
        };
        let groups = match &aggregate.groups {
            None => String::new(),
            Some((vars, body)) => format!(" where {}: {}", list(vars), self.body(body, ", ")),
        };
        format!(
            "{}{results}{}{}{arguments}({}: {}{groups})",
            if aggregate.negated { "not " } else { "" },
            aggregate.op.name(),
            if aggregate.separated() { "<\",\">" } else { "" },
            list(&aggregate.bindings),
            self.body(&aggregate.body, ", "),
        )
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text_without(&[]))
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Var(var) => f.write_str(&variable(*var)),
            Expr::Const(ty, value) => f.write_str(&ty.text(*value)),
            Expr::If(op, parts) => {
                let [a, b, consequence, alternative] = parts.as_ref();
                let op = op.symbol();
                write!(f, "(if {a} {op} {b} then {consequence} else {alternative})")
            }
            Expr::Call(function, args) => {
                let args: Vec<String> = args.iter().map(|arg| arg.to_string()).collect();
                write!(f, "{}({})", function.name(), args.join(", "))
            }
            Expr::Make(maker, parts) => {
                let parts: Vec<String> = parts.iter().map(|part| part.to_string()).collect();
                let new = if maker.ty() == Type::Shape {
                    "new "
                } else {
                    ""
                };
                write!(f, "{new}{}", maker.text(&parts))
            }
            Expr::Cast(operand, ty) => match operand.as_ref() {
                operand @ Expr::Binary(..) => write!(f, "(({operand}) as {})", ty.name()),
                operand => write!(f, "({operand} as {})", ty.name()),
            },
            Expr::Binary(op, left, right) => {
                let side = |expr: &Expr| match expr {
                    Expr::Binary(..) => format!("({expr})"),
                    _ => expr.to_string(),
                };
                write!(f, "{} {} {}", side(left), op.symbol(), side(right))
            }
        }
    }
}

impl Type {
    /// As written in programs.
    pub fn name(self) -> &'static str {
        match self {
            Type::I32 => "i32",
            Type::Usize => "usize",
            Type::Bool => "bool",
            Type::Text => "String",
            Type::Pair => "(i32, i32)",
            Type::Shape => "Shape",
        }
    }

    /// A value of this type as written in programs.
    pub fn text(self, value: i64) -> String {
        match self {
            Type::I32 | Type::Usize => value.to_string(),
            Type::Bool => (value != 0).to_string(),
            Type::Text => format!("{:?}", text(value)),
            Type::Pair | Type::Shape => compound::shown(self, value),
        }
    }
}

/// Longest text that fits a number.
const LONGEST: u32 = 13;

/// The number that stands for a text of small letters and commas, such that the order of texts is the order of
/// numbers; `None` if it is too long.
pub fn number(text: &str) -> Option<i64> {
    let digits = text.bytes().map(|byte| match byte {
        b',' => 1,
        letter => i64::from(letter.saturating_sub(b'a')) + 2,
    });
    let missing = LONGEST.checked_sub(u32::try_from(text.len()).ok()?)?;
    Some(digits.fold(0, |number, digit| number * 28 + digit) * 28i64.pow(missing))
}

/// The text that a value of type [`Type::Text`] stands for.
pub fn text(number: i64) -> String {
    let digits = (0..LONGEST)
        .rev()
        .map(|place| number / 28i64.pow(place) % 28);
    let letters = digits.filter(|digit| *digit > 0).map(|digit| match digit {
        1 => ',',
        digit => char::from(b'a' + (digit - 2) as u8),
    });
    letters.collect()
}

impl Comparison {
    /// What holds where this does not.
    pub fn opposite(self) -> Comparison {
        match self {
            Comparison::Equal => Comparison::NotEqual,
            Comparison::NotEqual => Comparison::Equal,
            Comparison::Less => Comparison::GreaterEqual,
            Comparison::LessEqual => Comparison::Greater,
            Comparison::Greater => Comparison::LessEqual,
            Comparison::GreaterEqual => Comparison::Less,
        }
    }

    /// As written in programs.
    pub fn symbol(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::LessEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterEqual => ">=",
        }
    }
}

impl Function {
    /// As written in programs.
    pub fn name(self) -> &'static str {
        match self {
            Function::Abs => "$abs",
            Function::Sign => "$sign",
            Function::Min => "$min",
            Function::Max => "$max",
        }
    }
}

impl Operator {
    /// As written in programs.
    pub fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Remainder => "%",
        }
    }
}

impl Reduction {
    /// As written in programs.
    pub fn name(self) -> &'static str {
        match self {
            Reduction::Count => "count",
            Reduction::Sum => "sum",
            Reduction::Prod => "prod",
            Reduction::Sort => "sort",
            Reduction::Argsort => "argsort",
            Reduction::StringJoin => "string_join",
            Reduction::Avg => "avg",
            Reduction::Min => "min",
            Reduction::Max => "max",
            Reduction::Argmin => "argmin",
            Reduction::Argmax => "argmax",
            Reduction::Exists => "exists",
            Reduction::Enumerate => "enumerate",
            Reduction::Rank => "rank",
            Reduction::Top => "top<2>",
            Reduction::Normalize => "normalize",
            Reduction::Softmax => "softmax",
        }
    }
}

fn variable(var: Var) -> String {
    format!("v{var}")
}

fn list(vars: &[Var]) -> String {
    vars.iter()
        .map(|var| variable(*var))
        .collect::<Vec<_>>()
        .join(", ")
}

fn tag_text(tag: Option<f64>) -> String {
    tag.map(|tag| format!("{tag:?}::")).unwrap_or_default()
}
