//! nsdl circuits as libtorch tensors under autograd.
