//! ONNX Runtime's record of a session, read: what each node took in a run.

use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// What ONNX Runtime appends to the name of a node.
const SUFFIX: &str = "_kernel_time";

/// A node, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NodeTime {
    /// The node's name.
    pub name: String,
    /// Its operator.
    pub operator: String,
    /// Types of what goes in, as ONNX Runtime names them: `float`, `uint8`.
    pub inputs: Vec<String>,
    /// Types of what comes out.
    pub outputs: Vec<String>,
    /// Milliseconds of a run, what nodes inside of it take left out; the median of all runs.
    pub ms: f64,
}

/// What was recorded of a session's last runs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    /// In the order in which they ran first.
    pub nodes: Vec<NodeTime>,
    /// Milliseconds of a run, the median.
    pub run_ms: f64,
    /// Runs that this rests on.
    pub runs: usize,
}

#[derive(Deserialize)]
struct Event {
    name: String,
    #[serde(default)]
    cat: String,
    /// Microseconds.
    #[serde(default)]
    ts: f64,
    #[serde(default)]
    dur: f64,
    #[serde(default)]
    args: Arguments,
}

#[derive(Default, Deserialize)]
struct Arguments {
    op_name: Option<String>,
    #[serde(default)]
    input_type_shape: Vec<BTreeMap<String, serde::de::IgnoredAny>>,
    #[serde(default)]
    output_type_shape: Vec<BTreeMap<String, serde::de::IgnoredAny>>,
}

/// Reads the record of a session of which only the last `runs` count.
///
/// # Errors
/// What is wrong with it, as a sentence without its full stop.
pub(super) fn read(text: &str, runs: usize) -> Result<Record, String> {
    let mut events: Vec<Event> = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let whole = |event: &&Event| event.cat == "Session" && event.name == "model_run";
    let mut spans: Vec<(f64, f64)> = events.iter().filter(whole).map(|run| (run.ts, run.ts + run.dur)).collect();
    spans.sort_by(|one, other| one.0.total_cmp(&other.0));
    spans.drain(..spans.len().saturating_sub(runs));
    if spans.is_empty() {
        return Err("there is no run in it".to_owned());
    }
    events.retain(|event| event.cat == "Node" && event.args.op_name.is_some() && event.name.ends_with(SUFFIX));
    // A node that holds others begins before them, or ends after them.
    events.sort_by(|one, other| one.ts.total_cmp(&other.ts).then(other.dur.total_cmp(&one.dur)));
    let mut nodes: Vec<NodeTime> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut taken: Vec<Vec<f64>> = Vec::new();
    for (run, (from, to)) in spans.iter().enumerate() {
        let inside: Vec<&Event> = events.iter().filter(|event| event.ts >= *from && event.ts <= *to).collect();
        for (event, own) in inside.iter().zip(own_times(&inside)) {
            let name = event.name.strip_suffix(SUFFIX).unwrap_or(&event.name);
            let place = *places.entry(name.to_owned()).or_insert_with(|| {
                nodes.push(node(name, event));
                taken.push(vec![0.0; spans.len()]);
                nodes.len() - 1
            });
            taken[place][run] += own / 1e3;
        }
    }
    for (node, times) in nodes.iter_mut().zip(taken) {
        node.ms = median(times);
    }
    let run_ms = median(spans.iter().map(|(from, to)| (to - from) / 1e3).collect());
    Ok(Record { nodes, run_ms, runs: spans.len() })
}

fn node(name: &str, event: &Event) -> NodeTime {
    let types = |shapes: &[BTreeMap<String, serde::de::IgnoredAny>]| -> Vec<String> {
        shapes.iter().flat_map(|shape| shape.keys().cloned()).collect()
    };
    NodeTime {
        name: name.to_owned(),
        operator: event.args.op_name.clone().unwrap_or_default(),
        inputs: types(&event.args.input_type_shape),
        outputs: types(&event.args.output_type_shape),
        ms: 0.0,
    }
}

/// Microseconds of each event without those of the events inside of it; they come in the order in which they begin.
fn own_times(events: &[&Event]) -> Vec<f64> {
    let mut own: Vec<f64> = events.iter().map(|event| event.dur).collect();
    let mut open: Vec<usize> = Vec::new();
    for (index, event) in events.iter().enumerate() {
        while open.last().is_some_and(|outer| events[*outer].ts + events[*outer].dur <= event.ts) {
            open.pop();
        }
        if let Some(outer) = open.last() {
            own[*outer] -= event.dur;
        }
        open.push(index);
    }
    own.into_iter().map(|own| own.max(0.0)).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_runs_count_and_what_a_node_holds_is_not_its_own() {
        let event = |cat: &str, name: &str, ts: u32, dur: u32, args: &str| {
            format!(
                r#"{{"cat":"{cat}","pid":1,"tid":1,"dur":{dur},"ts":{ts},"ph":"X","name":"{name}","args":{{{args}}}}}"#
            )
        };
        let kernel = |name: &str, ts, dur, operator: &str| {
            let args = format!(
                r#""op_name":"{operator}","input_type_shape":[{{"float":[1,2]}},{{"uint8":[]}}],"output_type_shape":[{{"uint8":[2]}}]"#
            );
            event("Node", &format!("{name}_kernel_time"), ts, dur, &args)
        };
        let run = |ts, dur| event("Session", "model_run", ts, dur, "");
        // The first run is slow and does not count; the branch of the second run's If is part of it.
        let text = [
            event("Session", "session_initialization", 0, 900, ""),
            kernel("a", 1000, 5000, "QuantizeLinear"),
            run(1000, 6000),
            kernel("a", 10_000, 1000, "QuantizeLinear"),
            kernel("inner", 11_200, 600, "Relu"),
            kernel("if", 11_100, 900, "If"),
            run(10_000, 2100),
        ];
        let record = read(&format!("[{}]", text.join(",")), 1).unwrap();
        assert_eq!((record.runs, record.run_ms), (1, 2.1));
        let times: Vec<_> = record.nodes.iter().map(|node| (node.name.as_str(), node.ms)).collect();
        assert_eq!(times, [("a", 1.0), ("if", 0.3), ("inner", 0.6)]);
        assert_eq!(
            (record.nodes[0].inputs.join(","), record.nodes[0].outputs.join(",")),
            ("float,uint8".into(), "uint8".into())
        );
        assert!(read("[]", 3).unwrap_err().contains("no run"));
        assert!(read("[{", 3).unwrap_err().contains("no JSON"));
    }
}
