//! Differentiable Datalog: programs, sessions, batched modules.
