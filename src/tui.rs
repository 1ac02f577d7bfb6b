//! The terminal UI: event → key map → action → update → effects; render is a pure function of state and analysis.
