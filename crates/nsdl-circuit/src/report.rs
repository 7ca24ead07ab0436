//! What a compilation did and how large its result is.

/// How the answers come about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Exact as it stood: alternatives were exclusive and conjuncts independent.
    #[default]
    Direct,
    /// Exact after branching on random variables.
    Branching,
    /// Bounds of some answers: the budget was not enough for exact ones.
    Bounds,
    /// An algebra evaluated in one fixed pass.
    Algebra,
    /// An algebra iterated to its fixpoint on cycles.
    Fixpoint,
    /// The most probable proofs, found anew for each sample.
    Proofs,
    /// Worlds drawn for each sample.
    Worlds,
}

/// Sizes of a circuit and of what it was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How the answers come about.
    pub method: Method,
    /// Tuples and rule instances that the outputs depend on.
    pub tuples: usize,
    /// See `tuples`.
    pub instances: usize,
    /// Components of tuples that support each other.
    pub cycles: usize,
    /// Nodes of the circuit, without leaves and constants.
    pub nodes: usize,
    /// Edges of the circuit.
    pub edges: usize,
    /// Layers of the circuit, or 0 where it is not one fixed pass.
    pub depth: usize,
    /// Times that exact inference branched on a random variable though alternatives were not exclusive.
    pub branches: usize,
    /// Different cyclic systems that exact inference met.
    pub systems: usize,
    /// Different formulas that exact inference made.
    pub formulas: usize,
    /// Outputs that are not exact but have bounds.
    pub open: usize,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            tuples,
            instances,
            cycles,
            nodes,
            edges,
            depth,
            branches,
            systems,
            open,
            ..
        } = self;
        write!(
            f,
            "{tuples} tuples, {instances} instances, {cycles} cycles: "
        )?;
        match self.method {
            Method::Direct => f.write_str("exact as it stands")?,
            Method::Branching => write!(
                f,
                "exact after {branches} branches, {systems} cyclic systems"
            )?,
            Method::Bounds => write!(f, "bounds of {open} outputs after {branches} branches")?,
            Method::Algebra => f.write_str("algebra in one pass")?,
            Method::Fixpoint => f.write_str("algebra iterated on cycles")?,
            Method::Worlds => f.write_str("worlds drawn per sample")?,
            Method::Proofs => f.write_str("best proofs per sample")?,
        }
        write!(f, "; {nodes} nodes, {edges} edges, {depth} layers")
    }
}
