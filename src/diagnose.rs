//! (diagnose)
