//! Functions of the program: `fn double(x: i32) -> i32 = x * 2` is written out where it is called.

use nsdl_ir::Diagnostic;
use nsdl_syntax::ast::{
    Ast, Atom, Construct, Expr, ExprKind, Formula, FunctionDefinition, ItemKind, Name,
};
use nsdl_syntax::rewrite::{self, Rewrite};
use rustc_hash::{FxHashMap, FxHashSet};

/// A call may grow to so many nodes: functions that call each other with their argument twice double each time.
const LARGEST: usize = 100_000;

/// The functions of a program, their own calls written out.
pub(super) struct Functions {
    by_name: FxHashMap<String, FunctionDefinition>,
}

impl Functions {
    pub fn gather(asts: &[&Ast], diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut written: FxHashMap<&str, &FunctionDefinition> = FxHashMap::default();
        let mut order = Vec::new();
        let mut constants = FxHashSet::default();
        for item in asts.iter().flat_map(|ast| &ast.items) {
            match &item.kind {
                ItemKind::Function(function) => {
                    if let Some(first) = written.get(function.name.text.as_str()) {
                        diagnostics.push(twice("function", &function.name, &first.name));
                    } else {
                        written.insert(&function.name.text, function);
                        order.push(function);
                    }
                }
                ItemKind::Constants(declarations) => {
                    constants.extend(declarations.iter().map(|one| one.name.text.as_str()));
                }
                ItemKind::Types(declarations) => {
                    for declaration in declarations {
                        use nsdl_syntax::ast::TypeDeclaration::Enumeration;
                        if let Enumeration { members, .. } = declaration {
                            constants.extend(members.iter().map(|(name, _)| name.text.as_str()));
                        }
                    }
                }
                _ => {}
            }
        }
        for function in &order {
            check_parameters(function, &constants, diagnostics);
        }
        let mut it = Functions {
            by_name: FxHashMap::default(),
        };
        let mut open = Vec::new();
        for function in order {
            it.write_out(function, &written, &mut open, diagnostics);
        }
        it
    }

    /// Enters a function whose own calls are written out, those it calls first.
    fn write_out<'a>(
        &mut self,
        function: &'a FunctionDefinition,
        written: &FxHashMap<&str, &'a FunctionDefinition>,
        open: &mut Vec<&'a Name>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        if self.by_name.contains_key(&function.name.text) {
            return;
        }
        open.push(&function.name);
        let mut called = Called(Vec::new());
        called.expr(&mut function.body.clone());
        for name in called.0 {
            let Some(callee) = written.get(name.text.as_str()) else {
                continue;
            };
            if let Some(start) = open.iter().position(|one| one.text == name.text) {
                let path: Vec<&str> = open[start..].iter().map(|one| one.text.as_str()).collect();
                diagnostics.push(
                    Diagnostic::error("E0226", format!("the function `{}` calls itself", name.text))
                        .label(name.span, format!("{} → {}", path.join(" → "), name.text))
                        .help("functions are written out where they are called; let a relation recurse: `rel f(n, x) = …`"),
                );
                continue;
            }
            stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
                self.write_out(callee, written, open, diagnostics);
            });
        }
        open.pop();
        let mut function = function.clone();
        let mut inline = Inline {
            functions: self,
            diagnostics,
        };
        inline.expr(&mut function.body);
        self.by_name.insert(function.name.text.clone(), function);
    }

    /// Writes out all calls.
    pub fn inline(&self, ast: &mut Ast, diagnostics: &mut Vec<Diagnostic>) {
        if !self.by_name.is_empty() {
            rewrite::walk(
                &mut Inline {
                    functions: self,
                    diagnostics,
                },
                ast,
            );
        }
    }
}

/// Variables of the body must be parameters or constants, and no parameter may be there twice.
fn check_parameters(
    function: &FunctionDefinition,
    constants: &FxHashSet<&str>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    struct Variables(Vec<(String, nsdl_ir::Span)>);
    impl Rewrite for Variables {
        fn expr(&mut self, expr: &mut Expr) {
            if let ExprKind::Variable(name) = &expr.kind {
                self.0.push((name.clone(), expr.span));
            }
            rewrite::walk_expr(self, expr);
        }
    }
    for (position, (name, _)) in function.parameters.iter().enumerate() {
        let mut before = function.parameters.iter().take(position);
        if let Some((first, _)) = before.find(|(other, _)| other.text == name.text) {
            diagnostics.push(twice("parameter", name, first));
        }
    }
    let mut variables = Variables(Vec::new());
    variables.expr(&mut function.body.clone());
    for (name, span) in variables.0 {
        let parameter = function.parameters.iter().any(|(one, _)| one.text == name);
        if !parameter && !constants.contains(name.as_str()) {
            let names = function.parameters.iter().map(|(one, _)| one.text.as_str());
            let error = Diagnostic::error(
                "E0227",
                format!("`{name}` is no parameter of `{}`", function.name.text),
            )
            .label(span, "neither a parameter nor a constant");
            diagnostics.push(match crate::did_you_mean(&name, names) {
                Some(help) => error.help(help),
                None => error,
            });
        }
    }
}

fn twice(what: &str, name: &Name, first: &Name) -> Diagnostic {
    Diagnostic::error(
        "E0203",
        format!("the {what} `{}` is declared twice", name.text),
    )
    .label(name.span, "declared again here")
    .label(first.span, "first declared here")
    .help("remove one of the declarations")
}

/// The names that an expression calls.
struct Called(Vec<Name>);

impl Rewrite for Called {
    fn expr(&mut self, expr: &mut Expr) {
        if let ExprKind::Construct(call) = &expr.kind {
            self.0.push(call.name.clone());
        }
        rewrite::walk_expr(self, expr);
    }
}

struct Inline<'a> {
    functions: &'a Functions,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Inline<'_> {
    /// The body of a function with its parameters replaced; `None` if `name` is no function.
    fn call(&mut self, name: &Name, args: &[Expr], span: nsdl_ir::Span) -> Option<Expr> {
        let function = self.functions.by_name.get(&name.text)?;
        let (expected, given) = (function.parameters.len(), args.len());
        if expected != given {
            let arguments = |count: usize| match count {
                1 => "1 argument".to_owned(),
                count => format!("{count} arguments"),
            };
            self.diagnostics.push(
                Diagnostic::error(
                    "E0228",
                    format!(
                        "`{}` takes {}, here it is given {given}",
                        name.text,
                        arguments(expected)
                    ),
                )
                .label(span, format!("{} here", arguments(given)))
                .label(function.name.span, "defined here"),
            );
        }
        let mut replace = Replace {
            function,
            args,
            size: 0,
        };
        let mut body = function.body.clone();
        replace.expr(&mut body);
        if replace.size > LARGEST {
            self.diagnostics.push(
                Diagnostic::error(
                    "E0229",
                    format!("this call of `{}` grows too large", name.text),
                )
                .label(
                    span,
                    format!("more than {LARGEST} operations when written out"),
                )
                .help("bind what is used twice to a variable in the body: `y == f(x), z == g(y)`"),
            );
            body.kind = ExprKind::Wildcard;
        }
        let kind = match &function.result {
            Some(ty) => ExprKind::Typed(Box::new(body), ty.clone()),
            None => body.kind,
        };
        Some(Expr { kind, span })
    }
}

impl Rewrite for Inline<'_> {
    fn formula(&mut self, formula: &mut Formula) {
        rewrite::walk_formula(self, formula);
        if let Formula::Atom(Atom {
            relation,
            args,
            span,
            ..
        }) = formula
            && let Some(value) = self.call(relation, args, *span)
        {
            *formula = Formula::Constraint(value);
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        rewrite::walk_expr(self, expr);
        if let ExprKind::Construct(call) = &expr.kind {
            let Construct {
                new: None,
                name,
                args,
                ..
            } = call.as_ref()
            else {
                return;
            };
            if let Some(value) = self.call(name, args, expr.span) {
                *expr = value;
            }
        }
    }
}

/// Puts arguments in the places of parameters.
struct Replace<'a> {
    function: &'a FunctionDefinition,
    args: &'a [Expr],
    size: usize,
}

impl Rewrite for Replace<'_> {
    fn expr(&mut self, expr: &mut Expr) {
        self.size += 1;
        if self.size > LARGEST {
            return;
        }
        let ExprKind::Variable(name) = &expr.kind else {
            return rewrite::walk_expr(self, expr);
        };
        let parameters = &self.function.parameters;
        let Some(position) = parameters.iter().position(|(one, _)| one.text == *name) else {
            return;
        };
        // Too few arguments are reported already.
        let Some(arg) = self.args.get(position) else {
            expr.kind = ExprKind::Wildcard;
            return;
        };
        let mut size = Size(0);
        size.expr(&mut arg.clone());
        self.size += size.0;
        *expr = match &parameters[position].1 {
            Some(ty) => Expr {
                kind: ExprKind::Typed(Box::new(arg.clone()), ty.clone()),
                span: arg.span,
            },
            None => arg.clone(),
        };
    }
}

/// How many nodes an expression has.
struct Size(usize);

impl Rewrite for Size {
    fn expr(&mut self, expr: &mut Expr) {
        self.0 += 1;
        rewrite::walk_expr(self, expr);
    }
}
