//! Tests of the real executable, over real sockets. One binary, so that it is linked once.
//!
//! - `harness`: starting servers, scripted receivers, calling the API
//! - `first_light`: audits in, one collated audit out
//! - `rest`: what the API answers, and what it refuses
//! - `lifecycle`: settings, first start, ordered stop
//! - `demo`: `lull demo --once`
//! - `listen`: `lull listen`
//! - `verify`: signatures, checked by clients that we did not write
//! - `crash`: SIGKILL at random moments loses and doubles nothing

mod crash;
mod demo;
mod first_light;
mod harness;
mod lifecycle;
mod listen;
mod rest;
mod verify;
