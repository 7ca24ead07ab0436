//! benches of the workspace.
