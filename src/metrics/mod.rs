//! Figures: rolling latency windows, rates, accuracy against a known truth, agreement between two lanes.
//!
//! Plain values and functions. The live panel, the command line and the evaluation all use these.

mod accuracy;
mod agreement;
mod agreement_report;
mod ap_difference;
pub mod bootstrap;
mod coco;
mod confusion;
mod detection;
mod health;
mod judged;
mod resample;
mod window;

pub use accuracy::{AccuracyWindow, LaneAccuracy};
pub use agreement::{
    AGREEMENT_FRAMES, AGREEMENT_FRAMES_DEFAULT, AgreementStatistics, AgreementWindow, FrameAgreement,
    agreement_of_frame,
};
pub use agreement_report::{ComparedPicture, agreement};
pub use ap_difference::{ApDifference, ApVerdict, ap_difference};
pub use coco::accuracy;
pub use detection::{
    AccuracyReport, AgreementFigures, AgreementReport, ClassAgreement, ClassFigures, CocoFigures, Confusion,
    F1AtConfidence, PrecisionAtRecall, ScoredBox,
};
pub use health::{Health, Oddity};
pub use judged::JudgedPicture;
pub use window::{LatencySummary, LatencyWindow, RateMeter, TotalRate, percentile};

/// Boxes that overlap at least this much, and are of one class, are taken for the same object.
pub const MATCH_IOU: f32 = 0.5;
