//! Rows of the store, from whatever bytes: read or refused, never a panic; and what was read is written
//! so that it reads the same.

use lull::store::fuzzing::{read_as_all_else, read_as_every_row};

pub fn check(data: &[u8]) {
    read_as_all_else(data);
    for (kind, written) in read_as_every_row(data) {
        let again = read_as_every_row(&written);
        let same = again.iter().find(|(other, _)| *other == kind);
        assert_eq!(same.map(|(_, row)| row), Some(&written), "{kind}");
    }
}
