use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::web::access::{API, OUTSIDE, TABLE};

/// The copy that is kept beside the code, so that a change of the API is seen as one.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi.json");

#[test]
fn the_copy_in_the_repository_is_the_document() {
    if std::env::var_os("LULL_BLESS").is_some() {
        std::fs::write(GOLDEN, text()).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    let line = golden.lines().zip(text().lines()).position(|(one, other)| one != other);
    assert!(
        golden == text(),
        "tests/openapi.json differs from the code from line {:?}; if that is meant, run \
         LULL_BLESS=1 cargo test --lib openapi",
        line.map_or(golden.lines().count(), |line| line + 1)
    );
}

fn documented() -> BTreeSet<(String, String)> {
    let document = document();
    let paths = document["paths"].as_object().unwrap().clone();
    let calls = |(path, calls): (String, Value)| {
        let methods: Vec<String> = calls.as_object().unwrap().keys().cloned().collect();
        methods.into_iter().map(move |method| (method.to_uppercase(), path.clone()))
    };
    paths.into_iter().flat_map(calls).collect()
}

#[test]
fn every_call_of_the_table_is_in_the_document_and_nothing_else_is() {
    let mounted = |row: &crate::web::access::Row| match OUTSIDE.contains(&row.path) {
        true => (row.method.to_owned(), row.path.to_owned()),
        false => (row.method.to_owned(), format!("{API}{}", row.path)),
    };
    let table: BTreeSet<_> = TABLE.iter().map(mounted).collect();
    assert_eq!(documented(), table);
}

#[test]
fn every_call_and_every_member_says_what_it_is() {
    let mut document = document();
    let mut ids = BTreeSet::new();
    for operation in calls::operations(&mut document) {
        let id = operation["operationId"].as_str().unwrap().to_owned();
        assert!(operation["summary"].as_str().is_some_and(|said| said.ends_with('.')), "{id}");
        assert!(operation["description"].as_str().is_some_and(|said| !said.is_empty()), "{id}");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{id}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{id}: {parameter}");
        }
        if let Some(content) = operation["requestBody"]["content"].as_object() {
            let with_example = content.values().filter(|one| one.get("example").is_some());
            assert!(with_example.count() > 0, "{id} has no example");
        }
        assert!(ids.insert(id.clone()), "{id} twice");
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let page = name.starts_with("Page_");
        assert!(page || schema["description"].is_string(), "{name}: {schema}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn check(at: &Value, whole: &Value) {
        match at {
            Value::Array(elements) => elements.iter().for_each(|one| check(one, whole)),
            Value::Object(members) => {
                if let Some(to) = at["$ref"].as_str() {
                    assert!(whole.pointer(&to[1..]).is_some(), "{to}");
                }
                members.values().for_each(|one| check(one, whole));
            }
            _ => {}
        }
    }
    let document = document();
    check(&document, &document);
}

#[test]
fn what_only_readers_of_the_code_can_follow_is_left_out() {
    for unwanted in ["(R1", "(R7)", "(section", "[`", "DESIGN"] {
        assert!(!text().contains(unwanted), "{unwanted}");
    }
}

#[test]
fn the_page_about_problems_has_every_type_and_no_other() {
    let page = include_str!("../../../docs/api.md");
    let code = include_str!("../error.rs");
    let types: BTreeSet<&str> =
        code.split("\"/problems/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(types.len() > 10, "{types:?}");
    for name in &types {
        assert!(page.contains(&format!("| `/problems/{name}` |")), "docs/api.md lacks {name}");
    }
    let told = page.matches("| `/problems/").count();
    assert_eq!(told, types.len(), "docs/api.md has types that are none any more");
}
