//! What tests of several modules share: arbitrary audits, and a world without sockets or threads.

mod audits;
mod configured;
mod noise;
mod parts;
mod simulation;
mod world;

pub use audits::{audit, audit_json, window};
pub use configured::{created, integration_of};
pub use noise::noise;
pub use world::{World, update};
