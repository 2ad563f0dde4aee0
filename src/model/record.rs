//! What is audited: a record of an account.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::ExternalId;

/// The number of an account. Small, because it stands beside every audit in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Account(pub u32);

impl Account {
    /// The account that exists from the first start, `default`.
    pub const DEFAULT: Account = Account(0);
}

/// Names a record: `auditable_type` + `auditable_id`, and the account they are of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordKey {
    /// The account the record belongs to.
    pub account: Account,
    /// `auditable_type`, as it came (`feature`, `ideas/idea`).
    pub record_type: ExternalId,
    /// `auditable_id`, as it came.
    pub record_id: ExternalId,
}

/// The stable hash of a record's key: which shard it lives on, and its place in the store's index
/// of records. Stored, so the function must never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Partition(pub u64);

impl RecordKey {
    /// The partition of this record.
    pub fn partition(&self) -> Partition {
        Partition::of(self.account, self.record_type.as_str(), self.record_id.as_str())
    }
}

impl Partition {
    /// The partition of the record with this type and this id.
    pub fn of(account: Account, record_type: &str, record_id: &str) -> Partition {
        let mut bytes = Vec::with_capacity(4 + record_type.len() + 1 + record_id.len());
        bytes.extend_from_slice(&account.0.to_be_bytes());
        bytes.extend_from_slice(record_type.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(record_id.as_bytes());
        Partition(xxh3_64(&bytes))
    }

    /// Which of `shards` this partition falls on.
    pub fn shard(self, shards: usize) -> usize {
        (self.0 % shards as u64) as usize
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.record_type, self.record_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_of_a_record_is_pinned_because_it_is_stored() {
        let key = RecordKey {
            account: Account::DEFAULT,
            record_type: ExternalId::new("feature").unwrap(),
            record_id: ExternalId::new("42").unwrap(),
        };
        assert_eq!(key.partition(), Partition(xxh3_64(b"\0\0\0\0feature\x0042")));
    }
}
