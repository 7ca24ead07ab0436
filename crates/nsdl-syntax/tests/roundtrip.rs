//! Properties over random trees and texts: printing and parsing are inverse, and nothing panics.

use nsdl_ir::{BinaryOp, SourceId, Span, Type, UnaryOp};
use nsdl_syntax::ast::*;
use nsdl_syntax::{Sources, format, is_incomplete, parse, render};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

// ---- Random trees ------------------------------------------------------------------------------

fn name() -> impl Strategy<Value = Name> {
    let names = vec![
        "a",
        "p",
        "edge",
        "x1",
        "_y",
        "count",
        "größe",
        "s",
        "t",
        "e1",
        "relation_",
        "In",
    ];
    select(names).prop_map(|text| Name {
        text: text.into(),
        span: Span::default(),
    })
}

fn aggregate_name() -> impl Strategy<Value = Name> {
    select(vec!["count", "sum", "min", "argmax", "exists"]).prop_map(|text| Name {
        text: text.into(),
        span: Span::default(),
    })
}

fn suffix(accept: fn(Type) -> bool) -> impl Strategy<Value = Option<Type>> {
    option::of(select(
        Type::ALL
            .into_iter()
            .filter(|ty| accept(*ty))
            .collect::<Vec<_>>(),
    ))
}

fn literal() -> impl Strategy<Value = Literal> {
    let floats = select(vec!["0.5", "12.0", "1e3", "1.5e-3", "2.25E+7"]);
    prop_oneof![
        (any::<u128>(), suffix(Type::is_integer))
            .prop_map(|(value, ty)| Literal::Integer(value, ty)),
        (0u128..20, suffix(Type::is_integer)).prop_map(|(value, ty)| Literal::Integer(value, ty)),
        (floats, suffix(Type::is_float)).prop_map(|(digits, ty)| Literal::Float(digits.into(), ty)),
        Just(Literal::Float("7".into(), Some(Type::F32))),
        any::<bool>().prop_map(Literal::Bool),
        any::<char>().prop_map(Literal::Char),
        any::<String>().prop_map(Literal::String),
        "[a\"'\\\\\n\r\t\0{u}é]{0,6}".prop_map(Literal::String),
        any::<String>().prop_map(Literal::Symbol),
    ]
}

fn make(kind: ExprKind) -> Expr {
    Expr {
        kind,
        span: Span::default(),
    }
}

fn variable() -> impl Strategy<Value = Expr> {
    name().prop_map(|name| make(ExprKind::Variable(name.text)))
}

fn operator() -> impl Strategy<Value = BinaryOp> {
    use BinaryOp::*;
    select(vec![
        Add,
        Subtract,
        Multiply,
        Divide,
        Remainder,
        And,
        Or,
        Xor,
        Equal,
        NotEqual,
        Less,
        LessEqual,
        Greater,
        GreaterEqual,
    ])
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        literal().prop_map(|literal| make(ExprKind::Literal(literal))),
        variable(),
        Just(make(ExprKind::Wildcard)),
    ];
    leaf.prop_recursive(4, 12, 2, |inner| {
        prop_oneof![
            (select(vec![UnaryOp::Negate, UnaryOp::Not]), inner.clone())
                .prop_map(|(op, operand)| make(ExprKind::Unary(op, Box::new(operand)))),
            (operator(), inner.clone(), inner.clone()).prop_map(|(op, left, right)| make(
                ExprKind::Binary(op, Box::new(left), Box::new(right))
            )),
            (inner.clone(), name())
                .prop_map(|(operand, ty)| make(ExprKind::Cast(Box::new(operand), ty))),
            (name(), vec(inner.clone(), 0..3)).prop_map(|(mut name, args)| {
                name.text.insert(0, '$');
                make(ExprKind::Call(name, args))
            }),
            [inner.clone(), inner.clone(), inner]
                .prop_map(|parts| make(ExprKind::If(Box::new(parts)))),
        ]
    })
}

fn atom() -> impl Strategy<Value = Atom> {
    (name(), vec(expr(), 0..4)).prop_map(|(relation, args)| Atom {
        relation,
        args,
        span: Span::default(),
    })
}

fn parameter() -> impl Strategy<Value = Parameter> {
    (option::of(name()), expr()).prop_map(|(name, value)| Parameter { name, value })
}

fn aggregate(body: impl Strategy<Value = Formula> + Clone) -> impl Strategy<Value = Aggregate> {
    let result = prop_oneof![variable(), Just(make(ExprKind::Wildcard))];
    let groups = option::of((vec(name(), 1..3), body.clone().prop_map(Box::new)));
    (
        vec(result, 1..3),
        aggregate_name(),
        (vec(parameter(), 0..3), any::<bool>()),
        vec(name(), 0..3),
        vec(name(), 0..3),
        body,
        groups,
    )
        .prop_map(
            |(results, operator, (parameters, single_world), arguments, bindings, body, groups)| {
                Aggregate {
                    negated: false,
                    results,
                    operator,
                    parameters,
                    single_world,
                    arguments,
                    bindings,
                    body: Box::new(body),
                    groups,
                    span: Span::default(),
                }
            },
        )
}

fn formula() -> impl Strategy<Value = Formula> + Clone {
    let leaf = prop_oneof![
        3 => atom().prop_map(Formula::Atom),
        1 => expr().prop_map(Formula::Constraint),
        1 => (expr(), expr(), expr(), any::<bool>()).prop_map(|(value, low, high, inclusive)| {
            Formula::Range(Box::new(Range { value, low, high, inclusive, span: Span::default() }))
        }),
    ];
    let formula = leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Formula::And),
            vec(inner.clone(), 2..4).prop_map(Formula::Or),
            aggregate(inner.clone()).prop_map(Formula::Aggregate),
            inner.clone().prop_filter_map(
                "`not exists` is an aggregate",
                |formula| match formula {
                    Formula::Aggregate(aggregate) if aggregate.results.is_empty() => None,
                    formula => Some(Formula::Not {
                        formula: Box::new(formula),
                        span: Span::default()
                    }),
                }
            ),
            implication(inner.clone()),
            (
                aggregate(inner.clone()),
                implication(inner.clone()),
                any::<bool>()
            )
                .prop_map(|(mut aggregate, body, negated)| {
                    aggregate.operator.text = "forall".into();
                    aggregate.negated = negated && aggregate.results.is_empty();
                    aggregate.body = Box::new(body);
                    Formula::Aggregate(aggregate)
                }),
            (aggregate(inner), any::<bool>()).prop_map(|(mut aggregate, negated)| {
                aggregate.operator.text = "exists".into();
                aggregate.results.clear();
                // Without `:=`, `exists<` would begin a comparison.
                aggregate.parameters.clear();
                aggregate.negated = negated;
                Formula::Aggregate(aggregate)
            }),
        ]
    });
    formula.boxed()
}

fn implication(
    formula: impl Strategy<Value = Formula> + Clone,
) -> impl Strategy<Value = Formula> + Clone {
    (formula.clone(), formula).prop_map(|(premise, conclusion)| Formula::Implies {
        premise: Box::new(premise),
        conclusion: Box::new(conclusion),
    })
}

fn head() -> impl Strategy<Value = Head> {
    prop_oneof![
        3 => atom().prop_map(Head::Atom),
        1 => vec(atom(), 2..4).prop_map(Head::Conjunction),
        1 => vec((option::of(expr()), atom()), 1..4).prop_map(Head::Disjunction),
    ]
}

fn declaration() -> impl Strategy<Value = TypeDeclaration> {
    let column =
        (option::of(name()), name()).prop_map(|(field, ty)| ColumnDeclaration { field, ty });
    prop_oneof![
        (name(), vec(column, 0..4)).prop_map(|(name, columns)| TypeDeclaration::Relation {
            name,
            columns,
            span: Span::default()
        }),
        (name(), name()).prop_map(|(name, ty)| TypeDeclaration::Alias { name, ty }),
    ]
}

fn kind() -> impl Strategy<Value = ItemKind> {
    let constant = (name(), option::of(name()), expr())
        .prop_map(|(name, ty, value)| ConstantDeclaration { name, ty, value });
    let member = (option::of(expr()), vec(expr(), 0..4)).prop_map(|(tag, tuple)| FactSetMember {
        tag,
        tuple,
        span: Span::default(),
    });
    prop_oneof![
        vec(declaration(), 1..4).prop_map(ItemKind::Types),
        vec(constant, 1..4).prop_map(ItemKind::Constants),
        (option::of(expr()), atom()).prop_map(|(tag, atom)| ItemKind::Fact { tag, atom }),
        (name(), vec(member, 0..6), any::<bool>()).prop_map(|(relation, members, exclusive)| {
            let exclusive = exclusive && !members.is_empty();
            ItemKind::FactSet {
                relation,
                members,
                exclusive,
            }
        }),
        (option::of(expr()), head(), formula()).prop_map(|(tag, head, body)| ItemKind::Rule {
            tag,
            head,
            body
        }),
        (name(), aggregate(formula())).prop_map(|(relation, mut aggregate)| {
            aggregate.results.clear();
            aggregate.parameters.clear();
            ItemKind::AggregateRule {
                relation,
                aggregate,
            }
        }),
        (name(), option::of(vec(expr(), 0..3))).prop_map(|(relation, args)| ItemKind::Query(
            Query {
                relation,
                args,
                span: Span::default()
            }
        )),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let attribute = (name(), vec(expr(), 0..3), vec((name(), expr()), 0..3)).prop_map(
        |(name, positional, named)| Attribute {
            name,
            positional,
            named,
            span: Span::default(),
        },
    );
    (vec(attribute, 0..3), kind()).prop_map(|(attributes, kind)| Item {
        attributes,
        kind,
        span: Span::default(),
    })
}

/// The tree without its places, in text.
fn shape(ast: &Ast) -> String {
    let text = format!("{ast:?}");
    let mut parts = text.split("Span { source: SourceId(");
    let mut shape = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shape.push('#');
        shape.push_str(part.split_once('}').map_or(part, |(_, rest)| rest));
    }
    shape
}

// ---- Random texts ------------------------------------------------------------------------------

const WORDS: [&str; 76] = [
    "rel",
    "rel",
    "rel",
    "relation",
    "type",
    "const",
    "query",
    "import",
    "extern",
    "@",
    "hidden",
    "a",
    "b",
    "x",
    "y",
    "_",
    "1",
    "2.5",
    "0.5::",
    "\"s\"",
    "'c'",
    "s\"r\"",
    "true",
    "(",
    ")",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ",",
    ";",
    ":",
    "::",
    ":=",
    ":-",
    "=",
    "=",
    "==",
    "!=",
    "<",
    "<=",
    "<:",
    ">",
    "+",
    "-",
    "*",
    "/",
    "%",
    "&&",
    "||",
    "^",
    "!",
    "~",
    "not",
    "and",
    "or",
    "implies",
    "exists",
    "forall",
    "where",
    "count(x: p(x))",
    "p(x)",
    "p(x, y)",
    "edge(0, 1)",
    "if",
    "then",
    "else",
    "case",
    "is",
    "in",
    "..",
    "as",
    "$f",
];

fn soup() -> impl Strategy<Value = String> {
    let glue = select(vec![
        " ", " ", " ", "", "\n", "\t", "\r\n", "\"", "\\", "#", "é", "/*", "*/", "//", "'",
    ]);
    vec((select(WORDS.to_vec()), glue), 0..40).prop_map(|words| {
        words
            .into_iter()
            .map(|(word, glue)| format!("{word}{glue}"))
            .collect()
    })
}

/// What must hold for every text.
fn check(text: &str) -> Result<(), TestCaseError> {
    let mut sources = Sources::new();
    let id = sources.add("test", text);
    let (ast, diagnostics) = parse(text, id);
    for diagnostic in &diagnostics {
        prop_assert!(diagnostic.is_error() && diagnostic.code.starts_with("E01"));
        prop_assert!(!diagnostic.labels.is_empty());
        for label in &diagnostic.labels {
            prop_assert!(
                text.get(label.span.range()).is_some(),
                "{diagnostic:?} in {text:?}"
            );
        }
    }
    let rendered = render::render(&diagnostics, &sources, false);
    for diagnostic in &diagnostics {
        prop_assert!(rendered.contains(diagnostic.code));
    }
    // What was understood means the same after printing.
    let printed = format::ast(&ast);
    let (again, problems) = parse(&printed, SourceId(0));
    prop_assert_eq!(problems, vec![], "in {}", printed);
    prop_assert_eq!(shape(&again), shape(&ast));
    is_incomplete(text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn parsing_undoes_printing(items in vec(item(), 0..4)) {
        let ast = Ast { items };
        let text = format::ast(&ast);
        let (again, diagnostics) = parse(&text, SourceId(0));
        prop_assert_eq!(diagnostics, vec![], "in {}", text);
        prop_assert_eq!(shape(&again), shape(&ast), "in {}", text);
        prop_assert_eq!(format::ast(&again), text);
    }

    #[test]
    fn any_text(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        check(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn any_ascii(text in "[ -~\n\t\r]{0,120}") {
        check(&text)?;
    }

    #[test]
    fn any_tokens(text in soup()) {
        check(&text)?;
    }

    /// A correct program with a piece cut out, and one with a piece doubled.
    #[test]
    fn damaged_programs(items in vec(item(), 1..4), from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let text = format::ast(&Ast { items });
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let (from, to) = (places[from.index(places.len())], places[to.index(places.len())]);
        let (from, to) = (from.min(to), from.max(to));
        check(&format!("{}{}", &text[..from], &text[to..]))?;
        check(&format!("{}{}", &text[..to], &text[from..]))?;
    }
}
