//! Which layers suffer most from integers: each is put back into floats alone, and what that brings is measured.

use super::judge::Judge;
use super::plan::Choice;
use super::prepare::heavy;
use super::{Maker, Progress, QuantizeError, Report, tell};

/// Names of the layers that are in integers by `choice`, the one whose floats bring most first. Layers that bring nothing
/// are left out.
pub(super) fn ranked(
    maker: &Maker<'_>,
    choice: &Choice,
    judge: &mut Judge<'_>,
    report: &mut Report<'_>,
) -> Result<Vec<String>, QuantizeError> {
    let integer = maker.integers(choice);
    let layers: Vec<&str> = heavy(&maker.prepared.model, &maker.prepared.layout)
        .filter(|(index, _)| integer[*index])
        .map(|(_, node)| node.name.as_str())
        .collect();
    let before = judge.error(&maker.make(choice)?.0)?;
    let mut found = Vec::new();
    for (done, layer) in layers.iter().enumerate() {
        tell(report, Progress::Sensitivity { done, of: layers.len() })?;
        let mut without = choice.clone();
        without.float_nodes.insert((*layer).to_owned());
        let gained = before - judge.error(&maker.make(&without)?.0)?;
        found.push((gained, (*layer).to_owned()));
    }
    found.retain(|(gained, _)| *gained > 0.0);
    found.sort_by(|one, other| other.0.total_cmp(&one.0));
    Ok(found.into_iter().map(|(_, layer)| layer).collect())
}
