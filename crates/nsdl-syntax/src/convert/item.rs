//! Items: what stands between one keyword and the next.

use nsdl_ir::{BinaryOp, Diagnostic};

use super::{all, ends};
use crate::ast::*;
use crate::raw::*;

impl Context {
    pub fn item(
        &mut self,
        attributes: Vec<Option<Box<Attribute>>>,
        start: usize,
        kind: Option<Box<ItemKind>>,
        end: usize,
    ) -> Option<Box<Item>> {
        let attributes = all(attributes.into_iter().map(|one| one.map(|one| *one)))?;
        Some(Box::new(Item {
            attributes,
            kind: *kind?,
            span: self.span(start, end),
        }))
    }

    pub fn attribute(
        &mut self,
        start: usize,
        name: Name,
        arguments: Vec<RawArgument>,
        end: usize,
    ) -> Option<Box<Attribute>> {
        let (mut positional, mut named) = (Vec::new(), Vec::new());
        for argument in arguments {
            match argument {
                RawArgument::Positional(value) => positional.push(self.expr(value)?),
                RawArgument::Named(argument) => {
                    let (key, value) = *argument;
                    let RawKind::Name(text) = key.kind else {
                        return self.fail(
                            Diagnostic::error("E0112", "the name of an argument is a plain name")
                                .label(key.span, "this is not a name")
                                .help("write `@file(\"edges.csv\", header = true)`"),
                        );
                    };
                    named.push((
                        Name {
                            text,
                            span: key.span,
                        },
                        self.expr(value)?,
                    ));
                }
            }
        }
        Some(Box::new(Attribute {
            name,
            positional,
            named,
            span: self.span(start, end),
        }))
    }

    pub fn import(
        &mut self,
        start: usize,
        path: Literal,
        end: usize,
        alias: Option<Name>,
    ) -> Option<ItemKind> {
        let span = self.span(start, end);
        match path {
            Literal::String(text) => {
                let path = Name { text, span };
                Some(ItemKind::Import(Import { path, alias }))
            }
            _ => self.fail(
                Diagnostic::error("E0112", "an import names a file")
                    .label(span, "a path in double quotes belongs here")
                    .help("write `import \"graph.dl\"` or `import \"graph.dl\" as graph`"),
            ),
        }
    }

    pub fn definition(
        &mut self,
        name: Name,
        parameters: Vec<(Name, Option<TypeExpr>)>,
        result: Option<TypeExpr>,
        body: Raw,
    ) -> Option<ItemKind> {
        let body = self.expr(body)?;
        Some(ItemKind::Function(FunctionDefinition {
            name,
            parameters,
            result,
            body,
        }))
    }

    pub fn named_type(&self, name: Name, arguments: Vec<TypeExpr>) -> TypeExpr {
        let span = name.span;
        TypeExpr {
            kind: TypeExprKind::Named(name, arguments),
            span,
        }
    }

    /// A single type is an alias; names, some with a value, are an enumeration; with a constructor it is a data
    /// type, whose bare names are constructors without fields.
    pub fn variants(
        &mut self,
        start: usize,
        name: Name,
        parameters: Vec<Name>,
        mut variants: Vec<RawVariant>,
        end: usize,
    ) -> Option<TypeDeclaration> {
        if variants.len() == 1 && matches!(variants.first(), Some(RawVariant::Type(_))) {
            let Some(RawVariant::Type(ty)) = variants.pop() else {
                return None;
            };
            return Some(TypeDeclaration::Alias {
                name,
                parameters,
                ty,
            });
        }
        let data = variants
            .iter()
            .any(|variant| matches!(variant, RawVariant::Constructor(_)));
        let (mut members, mut constructors) = (Vec::new(), Vec::new());
        for variant in variants {
            match variant {
                RawVariant::Constructor(constructor) => constructors.push(constructor),
                RawVariant::Type(TypeExpr {
                    kind: TypeExprKind::Named(name, arguments),
                    span,
                }) if arguments.is_empty() => {
                    if data {
                        constructors.push(ConstructorDeclaration {
                            name,
                            fields: Vec::new(),
                            span,
                        });
                    } else {
                        members.push((name, None));
                    }
                }
                RawVariant::Member(name, value, span) if !data => {
                    let kind = ExprKind::Literal(value);
                    members.push((name, Some(Expr { kind, span })));
                }
                RawVariant::Type(TypeExpr { span, .. }) | RawVariant::Member(_, _, span) => {
                    return self.fail(
                        Diagnostic::error("E0112", "this is not an alternative of a data type")
                            .label(span, "a constructor belongs here")
                            .help("write `type Expr = Const(i32) | Add(Expr, Expr)`, or `type Color = RED = 3 | GREEN | BLUE` for an enumeration"),
                    );
                }
            }
        }
        if let Some(parameter) = parameters.first().filter(|_| !data) {
            return self.fail(
                Diagnostic::error("E0112", "an enumeration has no type parameters")
                    .label(parameter.span, "this parameter"),
            );
        }
        Some(match data {
            true => TypeDeclaration::Data {
                name,
                parameters,
                constructors,
                span: self.span(start, end),
            },
            false => TypeDeclaration::Enumeration { name, members },
        })
    }

    pub fn fact(&mut self, head: RawHead) -> Option<ItemKind> {
        let span = head.span;
        match head.kind {
            RawHeadKind::Formula(raw) if !matches!(raw.kind, RawKind::And(_)) => {
                if let RawKind::Name(name) = &raw.kind {
                    let problem = Diagnostic::error(
                        "E0112",
                        format!("`{name}` has neither columns nor facts"),
                    )
                    .label(span, "what about it?")
                    .help(format!(
                        "facts are written `{name}()`, `{name}(1, 2)` or `{name} = {{(1, 2), (3, 4)}}`"
                    ));
                    return self.fail(problem);
                }
                let tag = self.tag(head.tag);
                let atom = self.head_atom(raw)?;
                Some(ItemKind::Fact { tag: tag?, atom })
            }
            _ => self.fail(
                Diagnostic::error("E0115", "several heads need a body")
                    .label(span, "`= …` is missing after this")
                    .help("write each fact by itself, or a fact set: `p = {1, 2}`"),
            ),
        }
    }

    pub fn rule(&mut self, head: RawHead, body: Vec<Raw>) -> Option<ItemKind> {
        let body_span = ends(&body).unwrap_or(head.span);
        let tag = self.tag(head.tag);
        let raw = match head.kind {
            RawHeadKind::Set(set) => {
                let head = self.head_set(set);
                let body = self.conjunction(body, body_span);
                return Some(ItemKind::Rule {
                    tag: tag?,
                    head: head?,
                    body: body?,
                });
            }
            RawHeadKind::Formula(raw) => raw,
        };
        let head = match raw.kind {
            RawKind::Name(text) => {
                let relation = Name {
                    text,
                    span: raw.span,
                };
                return self.aggregate_rule(relation, tag?, body, body_span);
            }
            RawKind::And(parts) => {
                all(parts.into_iter().map(|part| self.head_atom(part))).map(Head::Conjunction)
            }
            _ => self.head_atom(raw).map(Head::Atom),
        };
        let body = self.conjunction(body, body_span);
        Some(ItemKind::Rule {
            tag: tag?,
            head: head?,
            body: body?,
        })
    }

    pub fn fact_set(&mut self, head: RawHead, set: Set) -> Option<ItemKind> {
        let relation = match head.kind {
            RawHeadKind::Formula(Raw {
                kind: RawKind::Name(text),
                span,
                ..
            }) => Name { text, span },
            _ => {
                return self.fail(
                    Diagnostic::error(
                        "E0115",
                        "a fact set belongs to one relation, without columns",
                    )
                    .label(head.span, "a single name belongs here")
                    .label(set.span, "since this is a fact set")
                    .help("write `edge = {(0, 1), (1, 2)}`"),
                );
            }
        };
        if let Some(tag) = head.tag {
            return self.fail(
                Diagnostic::error("E0115", "a fact set has no tag of its own")
                    .label(tag.span, "this tag")
                    .help("tag its members: `p = {0.3::1, 0.7::2}`"),
            );
        }
        let exclusive = self.exclusive(&set)?;
        let members = all(set.members.into_iter().map(|member| self.member(member)))?;
        Some(ItemKind::FactSet {
            relation,
            members,
            exclusive,
        })
    }

    fn member(&mut self, member: Tagged) -> Option<FactSetMember> {
        let tag = self.tag(member.tag.map(|tag| *tag));
        let tuple = match member.value.kind {
            RawKind::Paren(items) => self.exprs(items),
            RawKind::Single(item) => self.expr(*item).map(|value| vec![value]),
            _ => self.expr(member.value).map(|value| vec![value]),
        };
        Some(FactSetMember {
            tag: tag?,
            tuple: tuple?,
            span: member.span,
        })
    }

    fn head_set(&mut self, set: Set) -> Option<Head> {
        let exclusive = self.exclusive(&set)?;
        if set.members.is_empty() {
            return self.fail(
                Diagnostic::error("E0115", "this head derives nothing").label(set.span, "no atoms"),
            );
        }
        let heads = all(set.members.into_iter().map(|member| {
            let tag = self.tag(member.tag.map(|tag| *tag));
            Some((tag?, self.head_atom(member.value)?))
        }))?;
        if exclusive {
            return Some(Head::Disjunction(heads));
        }
        if let Some(tag) = heads.iter().find_map(|(tag, _)| tag.as_ref()) {
            return self.fail(
                Diagnostic::error("E0115", "heads between `,` hold together, so they share one tag")
                    .label(tag.span, "a tag of one head")
                    .help("put the tag before the braces, `0.5::{a(x), b(x)} = …`, or separate alternatives by `;`"),
            );
        }
        let mut atoms: Vec<Atom> = heads.into_iter().map(|(_, atom)| atom).collect();
        match (atoms.len(), atoms.pop()) {
            (1, Some(atom)) => Some(Head::Atom(atom)),
            (_, last) => Some(Head::Conjunction(atoms.into_iter().chain(last).collect())),
        }
    }

    /// Whether the set is separated by `;`.
    fn exclusive(&mut self, set: &Set) -> Option<bool> {
        let Some((exclusive, first)) = set.separators.first() else {
            return Some(false);
        };
        match set.separators.iter().find(|(semicolon, _)| semicolon != exclusive) {
            None => Some(*exclusive),
            Some((_, other)) => self.fail(
                Diagnostic::error("E0115", "`,` and `;` in one set")
                    .label(*other, "this separator")
                    .label(*first, "differs from this one")
                    .help("`;` between all members makes them exclude each other, `,` leaves them independent"),
            ),
        }
    }

    pub fn query(&mut self, raw: Raw, evidence: Option<Vec<Raw>>) -> Option<ItemKind> {
        let span = raw.span;
        let evidence = match evidence {
            Some(parts) => {
                let place = ends(&parts).unwrap_or(span);
                Some(Box::new(self.conjunction(parts, place)?))
            }
            None => None,
        };
        let span = evidence
            .as_ref()
            .map_or(span, |evidence| span.to(evidence.span()));
        match raw.kind {
            RawKind::Name(text) => {
                let relation = Name {
                    text,
                    span: raw.span,
                };
                Some(ItemKind::Query(Query {
                    relation,
                    args: None,
                    named: Vec::new(),
                    rest: None,
                    evidence,
                    span,
                }))
            }
            RawKind::Call(call) if call.is_atom() => {
                let atom = self.atom(*call, raw.span)?;
                Some(ItemKind::Query(Query {
                    relation: atom.relation,
                    args: Some(atom.args),
                    named: atom.named,
                    rest: atom.rest,
                    evidence,
                    span,
                }))
            }
            RawKind::Bad => None,
            _ => self.fail(
                Diagnostic::error("E0112", "a query is a relation or an atom")
                    .label(raw.span, "this is neither")
                    .help("write `query path` or `query path(0, _)`; give anything else a rule"),
            ),
        }
    }

    pub fn evidence(&mut self, start: usize, parts: Vec<Raw>, end: usize) -> Option<ItemKind> {
        let span = self.span(start, end);
        self.conjunction(parts, span).map(ItemKind::Evidence)
    }

    fn head_atom(&mut self, raw: Raw) -> Option<Atom> {
        let span = raw.span;
        let problem = match raw.kind {
            RawKind::Bad => return None,
            RawKind::Call(call) if call.is_atom() => return self.atom(*call, span),
            RawKind::Name(name) => {
                Diagnostic::error("E0112", format!("`{name}` has no columns here"))
                    .label(span, "a relation with its columns belongs here")
                    .help(format!(
                        "write `{name}(…)`, or `{name}()` if it has no columns"
                    ))
            }
            RawKind::Not(_) => Diagnostic::error("E0112", "a head cannot be negated")
                .label(span, "rules derive what holds, never what does not"),
            RawKind::Binary(BinaryOp::Equal, ..) => {
                Diagnostic::error("E0112", "`==` compares values")
                    .label(span, "an atom belongs here, such as `p(x)`")
                    .help("between the head and the body of a rule stands `=`")
            }
            kind => {
                let problem = Diagnostic::error("E0112", "a fact or the head of a rule is an atom")
                    .label(span, "an atom belongs here, such as `p(x)`");
                match kind {
                    // `<-` is read as "less than minus".
                    RawKind::Binary(BinaryOp::Less, _, right)
                        if matches!(right.kind, RawKind::Unary(..)) =>
                    {
                        problem.help("between the head and the body of a rule stands `=` or `:-`")
                    }
                    RawKind::Literal(_) => {
                        problem.help("a probability stands before its fact: `rel 0.5::p(1)`")
                    }
                    _ => problem,
                }
            }
        };
        self.fail(problem)
    }

    /// A tag, if there is one; `None` if it is bad.
    fn tag(&mut self, tag: Option<Raw>) -> Option<Option<Expr>> {
        match tag {
            Some(tag) => self.expr(tag).map(Some),
            None => Some(None),
        }
    }
}
