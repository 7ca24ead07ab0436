//! Questions in the words of programs.

use nsdl_ir::{Type, Value};
use nsdl_syntax::ast::{Expr, ExprKind, ItemKind, Literal};

use super::Explanation;
use crate::error::Result;
use crate::session::Session;

impl Session {
    /// As [`Session::why`], for a tuple written as in programs: `path(0, 2)`, `path(0, 2) | edge(0, 1)`.
    ///
    /// # Errors
    /// As [`Session::why`], and `E0813` if the text is no atom of constants.
    pub fn why_text(&self, atom: &str, k: usize) -> Result<Vec<Explanation>> {
        let (relation, tuple) = self.ground(atom)?;
        self.why(&relation, &tuple, k)
    }

    /// As [`Session::most_probable_world`], for a tuple written as in programs.
    ///
    /// # Errors
    /// As there, and `E0813` if the text is no atom of constants.
    pub fn most_probable_world_text(&self, atom: &str) -> Result<Option<Explanation>> {
        let (relation, tuple) = self.ground(atom)?;
        self.most_probable_world(&relation, &tuple)
    }

    /// Relation and values of a tuple written as in programs.
    fn ground(&self, atom: &str) -> Result<(String, Vec<Value>)> {
        let not_ground = || {
            let d =
                nsdl_ir::Diagnostic::error("E0813", format!("`{atom}` is no tuple of a relation"))
                    .help("write it with constants only, such as `path(0, 2)`");
            self.error(vec![d])
        };
        let ast = self.clone().parse("<tuple>", &format!("query {atom}"))?;
        let [item] = ast.items.as_slice() else {
            return Err(not_ground());
        };
        let ItemKind::Query(query) = &item.kind else {
            return Err(not_ground());
        };
        let args = query.args.as_deref().unwrap_or_default();
        let types = self.types(&query.relation.text).unwrap_or_default();
        let tuple: Option<Vec<Value>> = args
            .iter()
            .enumerate()
            .map(|(i, arg)| {
                let ty = types.get(i).copied().unwrap_or(Type::F64);
                if ty.is_compound() || ty == Type::Tensor {
                    let text = nsdl_syntax::format::expr(arg);
                    return nsdl_syntax::parse_value(&text, ty, &self.symbols).ok();
                }
                constant(arg, ty)
            })
            .collect();
        let relation = match &query.evidence {
            Some(evidence) => format!(
                "{} | {}",
                query.relation.text,
                nsdl_syntax::format::formula(evidence)
            ),
            None => query.relation.text.clone(),
        };
        Ok((relation, tuple.ok_or_else(not_ground)?))
    }
}

/// The value of a literal, with or without a minus. `ty` tells how floats round.
fn constant(expr: &Expr, ty: Type) -> Option<Value> {
    let float = |digits: &str| match ty {
        Type::F32 => digits.parse().map(Value::F32).ok(),
        _ => digits.parse().map(Value::F64).ok(),
    };
    match &expr.kind {
        ExprKind::Literal(literal) => match literal {
            Literal::Integer(n, _) => Some(Value::U128(*n)),
            Literal::Float(digits, _) => float(digits),
            Literal::Bool(b) => Some(Value::Bool(*b)),
            Literal::Char(c) => Some(Value::Char(*c)),
            Literal::String(text) => Some(Value::String(text.as_str().into())),
            Literal::DateTime(value) => Some(Value::DateTime(*value)),
            Literal::Duration(value) => Some(Value::Duration(*value)),
            Literal::Symbol(text) => Some(Value::Symbol(text.as_str().into())),
        },
        ExprKind::Unary(nsdl_ir::UnaryOp::Negate, operand) => match &operand.kind {
            ExprKind::Literal(Literal::Integer(n, _)) => {
                (*n <= 1 << 127).then(|| Value::I128((*n as i128).wrapping_neg()))
            }
            ExprKind::Literal(Literal::Float(digits, _)) => float(&format!("-{digits}")),
            _ => None,
        },
        _ => None,
    }
}
