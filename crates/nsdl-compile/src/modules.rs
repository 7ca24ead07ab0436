//! Modules: `import "graph.dl" as graph` puts `graph.` before what the file declares and mentions.
//!
//! Whoever reads files loads an imported one, qualifies its tree and adds it to the program's: a module is a copy
//! of its text under other names, so that each import by another name is an instance with relations (and types,
//! where these are inferred) of its own. This is how components work in Soufflé.

use nsdl_syntax::ast::{
    Ast, Atom, Expr, ExprKind, Item, ItemKind, Name, TypeDeclaration, TypeExpr, TypeExprKind,
};
use nsdl_syntax::rewrite::{self, Rewrite};
use rustc_hash::FxHashSet;

/// Puts `alias.` before the names that `asts`, the trees of one module, declare, and before the relations they
/// mention, but for those that `is_global` knows: built-in and foreign predicates. Queries and evidence of a module go.
///
/// Cost: linear in the size of the trees.
pub fn qualify(asts: &mut [Ast], alias: &str, is_global: &dyn Fn(&str) -> bool) {
    let mut declared = Declared(FxHashSet::default());
    for ast in asts.iter_mut() {
        ast.items
            .retain(|item| !matches!(item.kind, ItemKind::Query(_) | ItemKind::Evidence(_)));
        rewrite::walk(&mut declared, ast);
    }
    let mut qualify = Qualify {
        alias,
        is_global,
        declared: declared.0,
        parameters: Vec::new(),
    };
    for ast in asts {
        rewrite::walk(&mut qualify, ast);
    }
}

/// Gathers the names of types, constructors, constants and functions.
struct Declared(FxHashSet<String>);

impl Rewrite for Declared {
    fn declared(&mut self, name: &mut Name) {
        self.0.insert(name.text.clone());
    }
}

struct Qualify<'a> {
    alias: &'a str,
    is_global: &'a dyn Fn(&str) -> bool,
    declared: FxHashSet<String>,
    /// Type parameters of the declaration and parameters of the function at hand: these names are not the module's.
    parameters: Vec<String>,
}

impl Qualify<'_> {
    fn prefix(&self, name: &mut String) {
        *name = format!("{}.{name}", self.alias);
    }

    /// A name that means a declaration only if there is one.
    fn if_declared(&self, name: &mut String) {
        // Of a dotted name the module that it begins with is one of this module's.
        if (self.declared.contains(name.as_str()) || name.contains('.'))
            && !self.parameters.contains(name)
        {
            self.prefix(name);
        }
    }

    fn parameters<'a>(&mut self, names: impl Iterator<Item = &'a Name>) {
        self.parameters = names.map(|name| name.text.clone()).collect();
    }
}

impl Rewrite for Qualify<'_> {
    fn item(&mut self, item: &mut Item) {
        match &mut item.kind {
            ItemKind::Function(function) => {
                self.parameters(function.parameters.iter().map(|(name, _)| name));
            }
            ItemKind::Types(declarations) => {
                let names = declarations.iter().flat_map(|one| match one {
                    TypeDeclaration::Data { parameters, .. }
                    | TypeDeclaration::Alias { parameters, .. } => parameters.as_slice(),
                    _ => &[],
                });
                self.parameters = names.map(|name| name.text.clone()).collect();
            }
            _ => {}
        }
        rewrite::walk_item(self, item);
        self.parameters.clear();
    }

    fn relation(&mut self, name: &mut Name) {
        if !(self.is_global)(&name.text) {
            self.prefix(&mut name.text);
        }
    }

    fn declared(&mut self, name: &mut Name) {
        self.prefix(&mut name.text);
    }

    fn atom(&mut self, atom: &mut Atom) {
        self.relation(&mut atom.relation);
        rewrite::walk_atom(self, atom);
    }

    fn expr(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Variable(name) => self.if_declared(name),
            ExprKind::Construct(term) => self.if_declared(&mut term.name.text),
            _ => {}
        }
        rewrite::walk_expr(self, expr);
    }

    fn type_expr(&mut self, ty: &mut TypeExpr) {
        if let TypeExprKind::Named(name, _) = &mut ty.kind {
            self.if_declared(&mut name.text);
        }
        rewrite::walk_type_expr(self, ty);
    }
}
