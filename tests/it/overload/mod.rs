//! More than the server can take: it says so, and goes on.
//!
//! | variable | default | what |
//! | --- | --- | --- |
//! | `LULL_OVERLOAD_SECONDS` | 8 | how long the load goes on |
//! | `LULL_OVERLOAD_RATE` | 500 | windows a second that the server is let take; ten times that is offered |
//! | `LULL_OVERLOAD_DUE` | 10000 | windows that are due in the same second |
//! | `LULL_OVERLOAD_CONNECTIONS` | 2000 | connections at a time |

mod connections;
mod due;
#[path = "../../../benches/load/http.rs"]
mod http;
mod load;
mod tenfold;
mod watch;

/// A number that the environment may set.
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}
