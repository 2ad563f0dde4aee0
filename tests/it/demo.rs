//! `lull demo --once`.

use crate::harness::{executable, run};

#[test]
fn the_demo_shows_three_peoples_edits_arriving_as_one_genuine_audit() {
    let output = run(executable().args(["demo", "--once"]));
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for expected in [
        "Grace  Description",
        "closes in  5 s",
        "genuine: signed with the integration's secret, and fresh",
        "updated feature APP-42 Export by Ada, Grace, Alan",
        "Workflow status  Under consideration → In progress",
        "collated from 7 audits",
        "The log says: delivered, 1 attempt, code 200.",
    ] {
        assert!(said.contains(expected), "no {expected:?} in:\n{said}");
    }
}
