//! Changing a syntax tree in place.

use crate::ast::*;

/// A change to a tree. Each method is called for every node of its kind, and by itself goes on to what the node
/// holds: an implementation overrides what it is about and calls the `walk` function of the same name for the rest.
pub trait Rewrite {
    /// A declaration, a fact, a rule or a query.
    fn item(&mut self, item: &mut Item) {
        walk_item(self, item);
    }

    /// An atom: of a fact, a head, a body.
    fn atom(&mut self, atom: &mut Atom) {
        walk_atom(self, atom);
    }

    /// A formula.
    fn formula(&mut self, formula: &mut Formula) {
        walk_formula(self, formula);
    }

    /// An expression.
    fn expr(&mut self, expr: &mut Expr) {
        walk_expr(self, expr);
    }

    /// A type as written.
    fn type_expr(&mut self, ty: &mut TypeExpr) {
        walk_type_expr(self, ty);
    }

    /// The name of a relation, where it is not part of an atom: of a fact set, a declaration, a query.
    fn relation(&mut self, _name: &mut Name) {}

    /// A name that an item declares and that is no relation: a type, a constructor, a constant, a function.
    fn declared(&mut self, _name: &mut Name) {}
}

/// Goes through the items of a tree.
pub fn walk<R: Rewrite + ?Sized>(rewrite: &mut R, ast: &mut Ast) {
    ast.items.iter_mut().for_each(|item| rewrite.item(item));
}

/// Goes on to what an item holds.
pub fn walk_item<R: Rewrite + ?Sized>(rewrite: &mut R, item: &mut Item) {
    for attribute in &mut item.attributes {
        let named = attribute.named.iter_mut().map(|(_, value)| value);
        let values = attribute.positional.iter_mut().chain(named);
        values.for_each(|value| rewrite.expr(value));
    }
    match &mut item.kind {
        ItemKind::Import(_) => {}
        ItemKind::Types(declarations) | ItemKind::Extern(declarations) => {
            declarations
                .iter_mut()
                .for_each(|declaration| walk_declaration(rewrite, declaration));
        }
        ItemKind::Function(function) => {
            rewrite.declared(&mut function.name);
            let parameters = function.parameters.iter_mut().map(|(_, ty)| ty);
            let types = parameters.chain([&mut function.result]).flatten();
            types.for_each(|ty| rewrite.type_expr(ty));
            rewrite.expr(&mut function.body);
        }
        ItemKind::Constants(constants) => {
            for constant in constants {
                rewrite.declared(&mut constant.name);
                constant.ty.iter_mut().for_each(|ty| rewrite.type_expr(ty));
                rewrite.expr(&mut constant.value);
            }
        }
        ItemKind::Fact { tag, atom } => {
            tag.iter_mut().for_each(|tag| rewrite.expr(tag));
            rewrite.atom(atom);
        }
        ItemKind::FactSet {
            relation, members, ..
        } => {
            rewrite.relation(relation);
            for member in members {
                let values = member.tag.iter_mut().chain(&mut member.tuple);
                values.for_each(|value| rewrite.expr(value));
            }
        }
        ItemKind::Rule { tag, head, body } => {
            tag.iter_mut().for_each(|tag| rewrite.expr(tag));
            match head {
                Head::Atom(atom) => rewrite.atom(atom),
                Head::Conjunction(atoms) => atoms.iter_mut().for_each(|atom| rewrite.atom(atom)),
                Head::Disjunction(alternatives) => {
                    for (tag, atom) in alternatives {
                        tag.iter_mut().for_each(|tag| rewrite.expr(tag));
                        rewrite.atom(atom);
                    }
                }
            }
            rewrite.formula(body);
        }
        ItemKind::AggregateRule {
            relation,
            aggregate,
        } => {
            rewrite.relation(relation);
            walk_aggregate(rewrite, aggregate);
        }
        ItemKind::Query(query) => {
            rewrite.relation(&mut query.relation);
            let named = query.named.iter_mut().map(|(_, value)| value);
            let args = query.args.iter_mut().flatten().chain(named);
            args.for_each(|arg| rewrite.expr(arg));
            if let Some(evidence) = &mut query.evidence {
                rewrite.formula(evidence);
            }
        }
        ItemKind::Evidence(formula) => rewrite.formula(formula),
    }
}

fn walk_declaration<R: Rewrite + ?Sized>(rewrite: &mut R, declaration: &mut TypeDeclaration) {
    match declaration {
        TypeDeclaration::Relation { name, columns, .. } => {
            rewrite.relation(name);
            columns
                .iter_mut()
                .for_each(|column| rewrite.type_expr(&mut column.ty));
        }
        TypeDeclaration::Alias { name, ty, .. } => {
            rewrite.declared(name);
            rewrite.type_expr(ty);
        }
        TypeDeclaration::Enumeration { name, members } => {
            rewrite.declared(name);
            for (name, value) in members {
                rewrite.declared(name);
                value.iter_mut().for_each(|value| rewrite.expr(value));
            }
        }
        TypeDeclaration::Data {
            name, constructors, ..
        } => {
            rewrite.declared(name);
            for constructor in constructors {
                rewrite.declared(&mut constructor.name);
                constructor
                    .fields
                    .iter_mut()
                    .for_each(|field| rewrite.type_expr(&mut field.ty));
            }
        }
        TypeDeclaration::Function {
            parameters, result, ..
        } => {
            parameters
                .iter_mut()
                .for_each(|parameter| rewrite.type_expr(&mut parameter.ty));
            rewrite.type_expr(result);
        }
    }
}

/// Goes on to the types and arguments of an atom.
pub fn walk_atom<R: Rewrite + ?Sized>(rewrite: &mut R, atom: &mut Atom) {
    atom.types.iter_mut().for_each(|ty| rewrite.type_expr(ty));
    let named = atom.named.iter_mut().map(|(_, value)| value);
    let args = atom.args.iter_mut().chain(named);
    args.for_each(|arg| rewrite.expr(arg));
}

/// Goes on to what a formula holds.
pub fn walk_formula<R: Rewrite + ?Sized>(rewrite: &mut R, formula: &mut Formula) {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || match formula {
        Formula::Atom(atom) => rewrite.atom(atom),
        Formula::Not { formula, .. } => rewrite.formula(formula),
        Formula::Implies {
            premise,
            conclusion,
        } => {
            rewrite.formula(premise);
            rewrite.formula(conclusion);
        }
        Formula::Constraint(expr) => rewrite.expr(expr),
        Formula::Range(range) => {
            let Range {
                value, low, high, ..
            } = range.as_mut();
            for part in [value, low, high] {
                rewrite.expr(part);
            }
        }
        Formula::Element { value, list, .. } => {
            rewrite.expr(value);
            rewrite.expr(list);
        }
        Formula::Case { value, pattern, .. } => {
            rewrite.expr(value);
            rewrite.expr(pattern);
        }
        Formula::Aggregate(aggregate) => walk_aggregate(rewrite, aggregate),
        Formula::And(parts) | Formula::Or(parts) => {
            parts.iter_mut().for_each(|part| rewrite.formula(part));
        }
    });
}

fn walk_aggregate<R: Rewrite + ?Sized>(rewrite: &mut R, aggregate: &mut Aggregate) {
    aggregate
        .results
        .iter_mut()
        .for_each(|result| rewrite.expr(result));
    for parameter in &mut aggregate.parameters {
        rewrite.expr(&mut parameter.value);
    }
    for (_, ty) in &mut aggregate.types {
        rewrite.type_expr(ty);
    }
    rewrite.formula(&mut aggregate.body);
    if let Some((_, body)) = &mut aggregate.groups {
        rewrite.formula(body);
    }
}

/// Goes on to what an expression holds.
pub fn walk_expr<R: Rewrite + ?Sized>(rewrite: &mut R, expr: &mut Expr) {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || match &mut expr.kind {
        ExprKind::Literal(_) | ExprKind::Variable(_) | ExprKind::Wildcard => {}
        ExprKind::Unary(_, operand) => rewrite.expr(operand),
        ExprKind::Binary(_, left, right) => {
            rewrite.expr(left);
            rewrite.expr(right);
        }
        ExprKind::Cast(operand, ty) | ExprKind::Typed(operand, ty) => {
            rewrite.expr(operand);
            rewrite.type_expr(ty);
        }
        ExprKind::Tuple(parts) | ExprKind::Call(_, parts) => {
            parts.iter_mut().for_each(|part| rewrite.expr(part));
        }
        ExprKind::List(parts, rest) => {
            let parts = parts.iter_mut().chain(rest.as_deref_mut());
            parts.for_each(|part| rewrite.expr(part));
        }
        ExprKind::Construct(term) => {
            let named = term.named.iter_mut().map(|(_, value)| value);
            let parts = term.args.iter_mut().chain(named);
            parts.for_each(|part| rewrite.expr(part));
        }
        ExprKind::If(parts) => parts.iter_mut().for_each(|part| rewrite.expr(part)),
        ExprKind::Learned(value) => value.iter_mut().for_each(|value| rewrite.expr(value)),
    });
}

/// Goes on to the parts of a type.
pub fn walk_type_expr<R: Rewrite + ?Sized>(rewrite: &mut R, ty: &mut TypeExpr) {
    match &mut ty.kind {
        TypeExprKind::Named(_, parts) | TypeExprKind::Tuple(parts) => {
            parts.iter_mut().for_each(|part| rewrite.type_expr(part));
        }
        TypeExprKind::List(element) => rewrite.type_expr(element),
    }
}
