//! The Python extension module nsdl._nsdl.
