//! Syntax tree to evaluation plan: names, types, strata, join order.
