//! Figures beside what they are held against: a table, its JSON, and how times are spread.

pub mod machine;
pub mod report;
pub mod spread;
