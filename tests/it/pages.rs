//! `docs/security.md` and `docs/reliability.md` say which test shows what; here is looked whether those
//! tests are there, and at what no other test shows.

use std::fs;
use std::path::Path;

#[test]
fn every_crate_comes_from_the_registry_and_is_locked_with_its_checksum() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock: toml::Table = fs::read_to_string(lock).expect("it is there").parse().expect("TOML");
    let crates = lock["package"].as_array().expect("crates");
    assert!(crates.len() > 100);
    for found in crates.iter().filter(|found| found["name"].as_str() != Some("lull")) {
        let source = found.get("source").and_then(|source| source.as_str()).unwrap_or_default();
        let checksum = found.get("checksum").and_then(|sum| sum.as_str()).unwrap_or_default();
        assert!(source.starts_with("registry+") && checksum.len() == 64, "{found}");
    }
}

#[test]
fn every_test_that_the_page_about_threats_names_is_there() {
    assert!(tests_named_in("docs/security.md") > 50);
}

#[test]
fn every_test_that_the_page_about_reliability_names_is_there() {
    assert!(tests_named_in("docs/reliability.md") > 40);
}

/// How many tests the tables of the page name, each of which is there. Of other tables nothing is asked.
fn tests_named_in(page: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join(page)).expect("the page");
    let (mut named, mut names_tests) = (0, false);
    for row in page.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        if ["threat", "promise", "what"].contains(&cells[0]) {
            names_tests = cells.last() == Some(&"the test that shows it");
            continue;
        }
        if !names_tests || cells[0].contains("---") {
            continue;
        }
        assert_eq!(cells.len(), 3, "what, what sees to it, the test that shows it: {row}");
        let tests: Vec<&str> = cells[2].split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test shows it: {row}");
        tests.iter().for_each(|test| is_there(root, test));
        named += tests.len();
    }
    named
}

fn is_there(root: &Path, test: &str) {
    let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("{test}: file::name"));
    let source = fs::read_to_string(root.join(file));
    let source = source.unwrap_or_else(|error| panic!("{file}: {error}"));
    let there = match file.rsplit('.').next() {
        Some("rs") if file.starts_with("tests/fuzz/") => source.contains(&format!("    {name},")),
        Some("rs") => source.contains(&format!("fn {name}(")),
        _ => source.contains(&format!("test(\"{name}\"")),
    };
    assert!(there, "{file} has no test {name}");
}
