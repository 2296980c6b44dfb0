//! The map beside its peers, on the same work, in the same run.
//!
//! A [`Subject`] is one of the maps. A [`Workload`] is work prepared before the clock starts; it turns any
//! subject into a [`Trial`], which can be run again and again and says each time what a call cost and
//! how many answers were wrong. [`rows`] lists the workloads of the ratio table under their names;
//! [`compare`] runs rows, prints and judges them. The criterion benches in `benches/` use the same
//! workloads. [`pools`] does the same for connection pools, and [`capacity`] plans how many connections are needed.
//!
//! [`Subject`]: subject::Subject
//! [`Workload`]: workload::Workload
//! [`Trial`]: workload::Trial

pub mod capacity;
pub mod compare;
pub mod crew;
pub mod keys;
pub mod machine;
pub mod markdown;
pub mod number;
pub mod output;
pub mod page;
pub mod pools;
pub mod rows;
pub mod subject;
pub mod subjects;
pub mod weight;
pub mod workload;
