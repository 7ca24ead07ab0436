//! Properties over random trees and texts: printing and parsing are inverse, and nothing panics.

use nsdl_ir::{BinaryOp, DateTime, Duration, SourceId, Span, Type, UnaryOp};
use nsdl_syntax::ast::*;
use nsdl_syntax::{Sources, format, is_incomplete, parse, render};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

// ---- Random trees ------------------------------------------------------------------------------

fn name() -> impl Strategy<Value = Name> + Clone {
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
        "fn",
        "keep",
        "graph.node",
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
        (-60_000_000_000_000_000..60_000_000_000_000_000i64)
            .prop_map(|microseconds| Literal::DateTime(DateTime { microseconds })),
        (
            -90_000..90_000i32,
            -90_000_000_000_000_000..90_000_000_000_000_000i64
        )
            .prop_map(|(months, microseconds)| Literal::Duration(Duration {
                months,
                microseconds
            })),
    ]
}

fn make(kind: ExprKind) -> Expr {
    Expr {
        kind,
        span: Span::default(),
    }
}

fn variable() -> impl Strategy<Value = Expr> + Clone {
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

fn expr() -> impl Strategy<Value = Expr> + Clone {
    let leaf = prop_oneof![
        literal().prop_map(|literal| make(ExprKind::Literal(literal))),
        variable(),
        Just(make(ExprKind::Wildcard)),
    ];
    let expr = leaf.prop_recursive(4, 12, 2, |inner| {
        prop_oneof![
            (select(vec![UnaryOp::Negate, UnaryOp::Not]), inner.clone())
                .prop_map(|(op, operand)| make(ExprKind::Unary(op, Box::new(operand)))),
            (operator(), inner.clone(), inner.clone()).prop_map(|(op, left, right)| make(
                ExprKind::Binary(op, Box::new(left), Box::new(right))
            )),
            (inner.clone(), name())
                .prop_map(|(operand, ty)| make(ExprKind::Cast(Box::new(operand), named(ty)))),
            (inner.clone(), type_expr())
                .prop_map(|(operand, ty)| make(ExprKind::Typed(Box::new(operand), ty))),
            prop_oneof![Just(Vec::new()), vec(inner.clone(), 2..4)]
                .prop_map(|parts| make(ExprKind::Tuple(parts))),
            (vec(inner.clone(), 0..3), option::of(inner.clone()))
                .prop_map(|(items, rest)| make(ExprKind::List(items, rest.map(Box::new)))),
            (any::<bool>(), name(), arguments(inner.clone())).prop_map(
                |(new, name, (args, named, rest))| {
                    let new = new.then(Span::default);
                    let named = fields(&name, named);
                    let term = Construct {
                        new,
                        name,
                        args,
                        named,
                        rest,
                    };
                    make(ExprKind::Construct(Box::new(term)))
                }
            ),
            (name(), vec(inner.clone(), 0..3)).prop_map(|(mut name, args)| {
                name.text = format!("${}", name.text.replace('.', "_"));
                make(ExprKind::Call(name, args))
            }),
            [inner.clone(), inner.clone(), inner]
                .prop_map(|parts| make(ExprKind::If(Box::new(parts)))),
        ]
    });
    expr.boxed()
}

/// By position, by name, and whether the rest is left out.
fn arguments(
    value: impl Strategy<Value = Expr> + Clone,
) -> impl Strategy<Value = (Vec<Expr>, Vec<(Name, Expr)>, Option<Span>)> {
    let named = vec((name(), value.clone()), 0..3);
    (vec(value, 0..3), named, any::<bool>())
        .prop_map(|(args, named, rest)| (args, named, rest.then(Span::default)))
}

/// What is called like an aggregate has no fields.
fn fields(name: &Name, named: Vec<(Name, Expr)>) -> Vec<(Name, Expr)> {
    if name.text == "count" {
        Vec::new()
    } else {
        named
    }
}

fn named(name: Name) -> TypeExpr {
    TypeExpr {
        kind: TypeExprKind::Named(name, Vec::new()),
        span: Span::default(),
    }
}

fn type_expr() -> impl Strategy<Value = TypeExpr> + Clone {
    let leaf = name().prop_map(named);
    let ty = leaf.prop_recursive(3, 8, 3, |inner| {
        let kind = prop_oneof![
            (name(), vec(inner.clone(), 1..3))
                .prop_map(|(name, arguments)| TypeExprKind::Named(name, arguments)),
            prop_oneof![Just(Vec::new()), vec(inner.clone(), 2..4)].prop_map(TypeExprKind::Tuple),
            inner.prop_map(|element| TypeExprKind::List(Box::new(element))),
        ];
        kind.prop_map(|kind| TypeExpr {
            kind,
            span: Span::default(),
        })
    });
    ty.boxed()
}

fn atom() -> impl Strategy<Value = Atom> {
    (name(), arguments(expr())).prop_map(|(relation, (args, named, rest))| Atom {
        named: fields(&relation, named),
        types: Vec::new(),
        relation,
        args,
        rest,
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
                    types: Vec::new(),
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
        // As a formula a tuple would be a conjunction, and a term an atom.
        1 => expr().prop_map(|expr| match expr.kind {
            ExprKind::Tuple(_) | ExprKind::Construct(_) => Formula::Constraint(make(ExprKind::Wildcard)),
            _ => Formula::Constraint(expr),
        }),
        1 => (expr(), expr(), expr(), any::<bool>()).prop_map(|(value, low, high, inclusive)| {
            Formula::Range(Box::new(Range { value, low, high, inclusive, span: Span::default() }))
        }),
        1 => (expr(), expr()).prop_map(|(value, list)| Formula::Element {
            value: Box::new(value),
            list: Box::new(list),
            span: Span::default(),
        }),
        1 => (expr(), expr()).prop_map(|(value, pattern)| Formula::Case {
            value: Box::new(value),
            pattern: Box::new(pattern),
            span: Span::default(),
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
        1 => vec((option::of(tag()), atom()), 1..4).prop_map(Head::Disjunction),
    ]
}

fn declaration() -> impl Strategy<Value = TypeDeclaration> {
    use ColumnMode::*;
    let modes = vec![
        Plain,
        Plain,
        Bound(Span::default()),
        Free(Span::default()),
        KeepMin(Span::default()),
        KeepMax(Span::default()),
    ];
    let column = (select(modes), option::of(name()), type_expr())
        .prop_map(|(mode, field, ty)| ColumnDeclaration { mode, field, ty })
        .boxed();
    let columns = vec(column.clone(), 0..4).boxed();
    let constructor = (name(), columns.clone()).prop_map(|(name, fields)| ConstructorDeclaration {
        name,
        fields,
        span: Span::default(),
    });
    let member = (name(), option::of(0u8..9)).prop_map(|(name, value)| {
        let value = value.map(|value| ExprKind::Literal(Literal::Integer(value.into(), None)));
        (name, value.map(make))
    });
    prop_oneof![
        (name(), vec(name(), 0..3), vec(constructor, 1..4)).prop_map(
            |(name, parameters, constructors)| TypeDeclaration::Data {
                name,
                parameters,
                constructors,
                span: Span::default()
            }
        ),
        (name(), vec(member, 2..4))
            .prop_map(|(name, members)| TypeDeclaration::Enumeration { name, members }),
        (name(), columns, type_expr()).prop_map(|(mut name, parameters, result)| {
            name.text = format!("${}", name.text.replace('.', "_"));
            let span = Span::default();
            TypeDeclaration::Function {
                name,
                parameters,
                result,
                span,
            }
        }),
        (name(), vec(column, 0..4)).prop_map(|(name, columns)| TypeDeclaration::Relation {
            name,
            columns,
            span: Span::default()
        }),
        (name(), vec(name(), 0..3), type_expr()).prop_map(|(name, parameters, ty)| {
            TypeDeclaration::Alias {
                name,
                parameters,
                ty,
            }
        }),
    ]
}

/// A probability, or one to learn.
fn tag() -> impl Strategy<Value = Expr> {
    let learned = option::of(expr()).prop_map(|value| make(ExprKind::Learned(value.map(Box::new))));
    prop_oneof![3 => expr(), 1 => learned]
}

fn kind() -> impl Strategy<Value = ItemKind> {
    let constant = (name(), option::of(type_expr()), expr())
        .prop_map(|(name, ty, value)| ConstantDeclaration { name, ty, value });
    let member = (option::of(tag()), vec(expr(), 0..4)).prop_map(|(tag, tuple)| FactSetMember {
        tag,
        tuple,
        span: Span::default(),
    });
    prop_oneof![
        vec(declaration(), 1..4).prop_map(ItemKind::Types),
        vec(declaration(), 1..4).prop_map(ItemKind::Extern),
        ("[a-z./]{0,8}", option::of(name())).prop_map(|(text, alias)| {
            let span = Span::default();
            ItemKind::Import(Import {
                path: Name { text, span },
                alias,
            })
        }),
        (
            name(),
            vec((name(), option::of(type_expr())), 0..3),
            option::of(type_expr()),
            expr()
        )
            .prop_map(|(name, parameters, result, body)| {
                ItemKind::Function(FunctionDefinition {
                    name,
                    parameters,
                    result,
                    body,
                })
            }),
        vec(constant, 1..4).prop_map(ItemKind::Constants),
        (option::of(tag()), atom()).prop_map(|(tag, atom)| ItemKind::Fact { tag, atom }),
        (name(), vec(member, 0..6), any::<bool>()).prop_map(|(relation, members, exclusive)| {
            let exclusive = exclusive && !members.is_empty();
            ItemKind::FactSet {
                relation,
                members,
                exclusive,
            }
        }),
        (option::of(tag()), head(), formula()).prop_map(|(tag, head, body)| ItemKind::Rule {
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
        (name(), option::of(formula())).prop_map(|(relation, evidence)| ItemKind::Query(Query {
            relation,
            args: None,
            named: Vec::new(),
            rest: None,
            evidence: evidence.map(Box::new),
            span: Span::default()
        })),
        (atom(), option::of(formula())).prop_map(|(atom, evidence)| ItemKind::Query(Query {
            relation: atom.relation,
            args: Some(atom.args),
            named: atom.named,
            rest: atom.rest,
            evidence: evidence.map(Box::new),
            span: Span::default()
        })),
        formula().prop_map(ItemKind::Evidence),
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
