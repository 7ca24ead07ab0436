//! Semi-naive evaluation of plans, with a trace on request.
