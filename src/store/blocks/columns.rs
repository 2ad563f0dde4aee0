//! The columns of a block: for each message its id, as the distance from the one before; its
//! integration and its record type, as places among those of the block; how many contributors it
//! names, and their numbers. All of them are small numbers, seven bits a byte.

use memchr::memmem::Finder;

use super::names::Numbers;
use super::{Names, Wanted, Who};
use crate::model::Id;

/// The most numbers that are looked for as bytes: with more of them it is quicker to read the columns.
const MARKS_MAX: usize = 8;

/// A message, in numbers.
pub struct Line {
    pub id: Id,
    pub integration: u32,
    pub record_type: u32,
    pub contributors: Vec<u32>,
}

/// Writes the columns of messages, whose ids ascend, and which are to and about `who`.
pub fn encode(lines: &[Line], who: &Who) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(lines.len() * 8);
    let place = |among: &[u32], number| {
        among.binary_search(&number).expect("invariant: every number is among them") as u64
    };
    let mut last = 0;
    for line in lines {
        put(&mut bytes, line.id.as_u64() - last);
        last = line.id.as_u64();
        put(&mut bytes, place(&who.integrations, line.integration));
        put(&mut bytes, place(&who.types, line.record_type));
        put(&mut bytes, line.contributors.len() as u64);
        for number in &line.contributors {
            put(&mut bytes, u64::from(*number));
        }
    }
    bytes
}

/// The messages that may be wanted by what the columns say, oldest first; none when the columns
/// cannot be read.
pub fn passing(bytes: &[u8], who: &Who, wanted: &Wanted) -> Option<Vec<Id>> {
    let integrations: Vec<bool> =
        who.integrations.iter().map(|number| wanted.integration(*number)).collect();
    let types: Vec<bool> = who.types.iter().map(|number| wanted.record_type(*number)).collect();
    let (mut rest, mut id, mut passing) = (bytes, 0, Vec::new());
    while !rest.is_empty() {
        id = u64::checked_add(id, take(&mut rest)?)?;
        let integration = integrations.get(take(&mut rest)? as usize)?;
        let record_type = types.get(take(&mut rest)? as usize)?;
        let mut contributor = !wanted.is_by_contributor();
        for _ in 0..take(&mut rest)? {
            let number = take(&mut rest)? as u32;
            contributor = contributor || number == Names::ANY || wanted.contributor(number);
        }
        if *integration && *record_type && contributor {
            passing.push(Id::from_u64(id));
        }
    }
    Some(passing)
}

/// Numbers as columns hold them. Columns that are without these bytes are without the numbers.
pub struct Marks(Vec<Finder<'static>>);

impl Marks {
    /// Those of numbers that columns name each by itself; none of too many.
    pub fn of(numbers: &Numbers) -> Option<Self> {
        let marks: Vec<_> = numbers.listed().take(MARKS_MAX + 1).map(mark).collect();
        (marks.len() <= MARKS_MAX).then_some(Self(marks))
    }

    /// Whether one of the numbers may be in these columns.
    pub fn may_be_in(&self, columns: &[u8]) -> bool {
        self.0.iter().any(|mark| mark.find(columns).is_some())
    }
}

fn mark(number: u32) -> Finder<'static> {
    let mut bytes = Vec::new();
    put(&mut bytes, u64::from(number));
    Finder::new(&bytes).into_owned()
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[inline(always)]
fn take(bytes: &mut &[u8]) -> Option<u64> {
    // Nearly all are short.
    if let [byte @ ..0x80, rest @ ..] = bytes {
        let number = u64::from(*byte);
        *bytes = rest;
        return Some(number);
    }
    take_long(bytes)
}

fn take_long(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7F).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Name, NameRow, Table};
    use super::*;
    use crate::model::Account;
    use crate::store::MessageFilter;

    #[test]
    fn columns_without_the_bytes_of_a_contributor_are_left_out_and_no_others() {
        let mut names = Names::default();
        for number in 1..=400 {
            let name = Name::Contributor(format!("user {number}").into());
            names.keep(NameRow { number, block: 0, name });
        }
        let who = Who { integrations: vec![1], types: vec![1] };
        let line = |id, number| Line {
            id: Id::from_u64(id),
            integration: 1,
            record_type: 1,
            contributors: vec![number],
        };
        let columns = |number| encode(&[line(1_001, 2), line(1_007, number)], &who);
        let marks_of = |wanted: &dyn Fn(&Name) -> bool| Marks::of(&names.numbers_of(wanted));
        for wanted in [3, 127, 128, 400] {
            let is = |name: &Name| *name == Name::Contributor(format!("user {wanted}").into());
            let marks = marks_of(&is).unwrap();
            assert!(marks.may_be_in(&columns(wanted)));
            assert!(!marks.may_be_in(&columns(77)), "{wanted}");
        }
        assert!(!marks_of(&|_| false).unwrap().may_be_in(&columns(77)));
        assert!(marks_of(&|_| true).is_none(), "too many");
    }

    #[test]
    fn what_is_no_column_is_not_read_as_one() {
        let who = Who { integrations: vec![1], types: vec![1] };
        let filter = MessageFilter::all(Account::DEFAULT, 1);
        let wanted = Wanted::of(&filter, &Table::default());
        let line = |id| {
            let mut bytes = Vec::new();
            [id, 0, 0, 0].into_iter().for_each(|number| put(&mut bytes, number));
            bytes
        };
        let read = |bytes: &[u8]| passing(bytes, &who, &wanted);
        assert!(read(&line(7)).is_some());
        assert!(read(&[line(u64::MAX), line(1)].concat()).is_none(), "ids past what fits");
        assert!(read(&[0xFF; 12]).is_none(), "a number past what fits");
        assert!(read(&line(7)[..2]).is_none(), "an end too early");
    }
}
