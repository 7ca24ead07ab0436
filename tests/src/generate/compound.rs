//! Pairs and terms in random programs.

use super::Generator;
use crate::oracle::compound::Maker;
use crate::oracle::{Expr, Literal, Type};

impl Generator {
    /// The type of a column: mostly numbers.
    pub(super) fn column(&mut self) -> Type {
        match self.random.below(100) {
            0..76 => Type::I32,
            76..88 => Type::Text,
            88..94 => Type::Pair,
            _ => Type::Shape,
        }
    }

    fn maker(&mut self, ty: Type) -> Maker {
        match ty {
            Type::Pair => Maker::Pair,
            _ if self.random.chance(0.3) => Maker::Dot,
            _ => Maker::Box,
        }
    }

    /// A pair or a term of small numbers.
    pub(super) fn compound(&mut self, ty: Type) -> i64 {
        let maker = self.maker(ty);
        let parts: Vec<i64> = (0..maker.arity()).map(|_| self.value(Type::I32)).collect();
        maker.make(&parts).unwrap_or_default()
    }

    /// An expression that makes one.
    pub(super) fn made(&mut self, ty: Type) -> Expr {
        let maker = self.maker(ty);
        let parts = (0..maker.arity())
            .map(|_| self.operand(Type::I32))
            .collect();
        Expr::Make(maker, parts)
    }

    /// Takes a bound pair or term apart, if there is one.
    pub(super) fn taken(&mut self) -> Option<Literal> {
        let ty = *self.random.pick(&[Type::Pair, Type::Shape]);
        let var = self.bound_of(ty)?;
        let maker = self.maker(ty);
        let parts = (0..maker.arity())
            .map(|_| match self.bound_of(Type::I32) {
                Some(part) if self.random.chance(0.3) => part,
                _ => self.fresh(Type::I32),
            })
            .collect();
        Some(Literal::Take(var, maker, parts))
    }
}
