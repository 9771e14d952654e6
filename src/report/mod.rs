//! Reports that can be attached to a decision: an evaluation and a benchmark as html, json, csv or markdown.
