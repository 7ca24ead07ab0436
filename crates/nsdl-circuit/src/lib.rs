//! Traces to circuits, and circuits to probabilities and gradients.
