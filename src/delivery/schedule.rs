//! Which message may go next, and when. Pure: told the time, never asking.
//!
//! Messages of one record stand in a line, and only the first of a line may go (D4). So the next to
//! go is the first of the line that is due the longest.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use ahash::HashMap;

use crate::clock::Timestamp;
use crate::model::{Id, Owed, Partition};

/// What is owed to one integration.
#[derive(Debug, Default)]
pub struct Schedule {
    lines: HashMap<Partition, Line>,
    /// The first of every line that is not in flight, by when it is due.
    waiting: BTreeSet<(Timestamp, Id, Partition)>,
    in_flight: usize,
}

/// The messages of one record, oldest first; never empty.
#[derive(Debug, Default)]
struct Line {
    places: VecDeque<Place>,
    /// Whether the first is in flight.
    in_flight: bool,
}

impl Line {
    /// Puts back what was in flight. An older one that came to be owed again meanwhile goes first.
    fn put_back(&mut self, place: Place) {
        let at = self.places.partition_point(|other| other.message < place.message);
        self.places.insert(at, place);
    }
}

#[derive(Clone, Copy, Debug)]
struct Place {
    message: Id,
    attempts: u32,
    due: Timestamp,
}

/// A message whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The message.
    pub message: Id,
    /// Its record's partition.
    pub partition: Partition,
    /// Attempts made before this one.
    pub attempts: u32,
}

impl Schedule {
    /// Takes in a message that is owed, in the order of its record's messages. One that is in
    /// already is due when this says, unless it is in flight.
    pub fn add(&mut self, message: Id, owed: &Owed) {
        let partition = owed.partition;
        let place = Place { message, attempts: owed.attempts, due: owed.due };
        let line = self.lines.entry(partition).or_default();
        let first = line.places.front().copied();
        let at = line.places.partition_point(|other| other.message < message);
        if line.places.get(at).is_some_and(|other| other.message == message) {
            if at > 0 || !line.in_flight {
                line.places[at] = place;
            }
        } else {
            // What is in flight stays in front.
            line.places.insert(if line.in_flight { at.max(1) } else { at }, place);
        }
        self.wait(partition, first);
    }

    /// Forgets a message that is owed no more. One that is in flight is forgotten as it settles.
    pub fn forget(&mut self, message: Id, partition: Partition) {
        let Some(line) = self.lines.get_mut(&partition) else { return };
        let first = line.places.front().copied();
        let in_flight = line.in_flight;
        let mut position = 0;
        line.places.retain(|place| {
            position += 1;
            place.message != message || (position == 1 && in_flight)
        });
        self.wait(partition, first);
    }

    /// Lets the first of a line wait for its turn in place of `before`, or ends an empty line.
    fn wait(&mut self, partition: Partition, before: Option<Place>) {
        let Some(line) = self.lines.get(&partition) else { return };
        if line.in_flight {
            return;
        }
        if let Some(before) = before {
            self.waiting.remove(&(before.due, before.message, partition));
        }
        match line.places.front() {
            Some(first) => drop(self.waiting.insert((first.due, first.message, partition))),
            None => drop(self.lines.remove(&partition)),
        }
    }

    /// The next message that is due, which is in flight from here on.
    pub fn take_due(&mut self, now: Timestamp) -> Option<Turn> {
        let next = *self.waiting.first().filter(|(due, ..)| *due <= now)?;
        self.waiting.remove(&next);
        let (_, message, partition) = next;
        let line = self.lines.get_mut(&partition)?;
        line.in_flight = true;
        self.in_flight += 1;
        let attempts = line.places.front()?.attempts;
        Some(Turn { message, partition, attempts })
    }

    /// Nothing is due later than `latest` says, by the number of attempts made.
    pub fn not_after(&mut self, latest: impl Fn(u32) -> Timestamp) {
        for place in self.lines.values_mut().flat_map(|line| &mut line.places) {
            place.due = place.due.min(latest(place.attempts));
        }
        self.wait_anew();
    }

    /// All is due so much earlier.
    pub fn sooner(&mut self, by: Duration) {
        for place in self.lines.values_mut().flat_map(|line| &mut line.places) {
            place.due = place.due - by;
        }
        self.wait_anew();
    }

    fn wait_anew(&mut self) {
        let waiting = self.lines.iter().filter(|(_, line)| !line.in_flight);
        let first = waiting.filter_map(|(of, line)| Some((line.places.front()?, *of)));
        self.waiting = first.map(|(first, of)| (first.due, first.message, of)).collect();
    }

    /// When the next message is due, whether or not there is room for it.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.waiting.first().map(|(due, ..)| *due)
    }

    /// Messages in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// An attempt of the first of a line has ended; `owed` is what is still owed of it.
    pub fn settled(&mut self, partition: Partition, owed: Option<&Owed>) {
        let Some(line) = self.landed(partition) else { return };
        let first = line.places.pop_front();
        if let (Some(owed), Some(first)) = (owed, first) {
            line.put_back(Place { attempts: owed.attempts, due: owed.due, ..first });
        }
        self.wait(partition, None);
    }

    /// An attempt could not be written down: the same message again, at `due`.
    pub fn put_off(&mut self, partition: Partition, due: Timestamp) {
        if let Some(line) = self.landed(partition)
            && let Some(first) = line.places.pop_front()
        {
            line.put_back(Place { due, ..first });
        }
        self.wait(partition, None);
    }

    fn landed(&mut self, partition: Partition) -> Option<&mut Line> {
        self.in_flight -= 1;
        let line = self.lines.get_mut(&partition)?;
        line.in_flight = false;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn owed(partition: u64, attempts: u32, due: i64) -> Owed {
        Owed {
            integration: Id::from_u64(1),
            partition: Partition(partition),
            oldest: Id::from_u64(1),
            attempts,
            due: at(due),
            last_code: None,
            asked_by: None,
        }
    }

    fn taken(schedule: &mut Schedule, now: i64) -> Vec<u64> {
        std::iter::from_fn(|| schedule.take_due(at(now)))
            .map(|turn| turn.message.as_u64())
            .collect()
    }

    #[test]
    fn records_go_side_by_side_but_the_messages_of_one_record_one_by_one() {
        let mut schedule = Schedule::default();
        for (message, partition) in [(1, 7), (2, 8), (3, 7), (4, 7)] {
            schedule.add(Id::from_u64(message), &owed(partition, 0, message as i64));
        }
        assert_eq!(taken(&mut schedule, 100), [1, 2]);
        schedule.settled(Partition(7), None);
        assert_eq!(taken(&mut schedule, 100), [3]);
        // A retry keeps the line waiting behind it.
        schedule.settled(Partition(7), Some(&owed(7, 1, 500)));
        assert_eq!(taken(&mut schedule, 499), [] as [u64; 0]);
        assert_eq!(schedule.next_due(), Some(at(500)));
        assert_eq!(schedule.take_due(at(500)).unwrap().attempts, 1);
        schedule.settled(Partition(7), None);
        assert_eq!(taken(&mut schedule, 500), [4]);
        assert_eq!(schedule.in_flight(), 2);
    }

    #[test]
    fn a_message_that_is_in_already_is_not_taken_in_again() {
        let mut schedule = Schedule::default();
        schedule.add(Id::from_u64(1), &owed(7, 0, 0));
        schedule.add(Id::from_u64(1), &owed(7, 0, 0));
        assert_eq!(taken(&mut schedule, 0), [1]);
        schedule.add(Id::from_u64(1), &owed(7, 0, 0));
        schedule.settled(Partition(7), None);
        assert_eq!(taken(&mut schedule, 0), [] as [u64; 0]);
    }

    #[test]
    fn an_older_message_that_is_owed_again_goes_before_the_newer_ones_but_not_before_what_is_in_flight()
     {
        let mut schedule = Schedule::default();
        schedule.add(Id::from_u64(5), &owed(7, 0, 0));
        schedule.add(Id::from_u64(9), &owed(7, 0, 0));
        assert_eq!(taken(&mut schedule, 0), [5]);
        schedule.add(Id::from_u64(3), &owed(7, 8, 0));
        for next in [[3], [9]] {
            schedule.settled(Partition(7), None);
            assert_eq!(taken(&mut schedule, 0), next);
        }
        // One that waits for its retry goes at once when it is asked for.
        schedule.settled(Partition(7), Some(&owed(7, 1, 500)));
        schedule.add(Id::from_u64(9), &owed(7, 1, 10));
        assert_eq!(schedule.next_due(), Some(at(10)));
    }

    #[test]
    fn what_is_due_sooner_goes_in_the_same_order() {
        let mut schedule = Schedule::default();
        for (message, partition, due) in [(1, 7, 9_000), (2, 7, 100), (3, 8, 4_000)] {
            schedule.add(Id::from_u64(message), &owed(partition, 1, due));
        }
        schedule.sooner(Duration::from_millis(3_000));
        assert!(taken(&mut schedule, 999).is_empty());
        assert_eq!(taken(&mut schedule, 1_000), [3]);
        assert_eq!(taken(&mut schedule, 6_000), [1]);
    }

    #[test]
    fn nothing_is_due_later_than_it_can_be_once_that_is_said() {
        let mut schedule = Schedule::default();
        for (message, partition, attempts, due) in
            [(1, 7, 1, 9_000), (2, 7, 0, 9_000), (3, 8, 1, 40), (4, 9, 1, 0)]
        {
            schedule.add(Id::from_u64(message), &owed(partition, attempts, due));
        }
        assert_eq!(taken(&mut schedule, 0), [4]);
        schedule.not_after(|attempts| at(50 * i64::from(attempts)));
        assert_eq!(taken(&mut schedule, 49), [3]);
        assert_eq!(taken(&mut schedule, 50), [1]);
        schedule.settled(Partition(7), None);
        assert_eq!(taken(&mut schedule, 50), [2]);
        assert_eq!(schedule.in_flight(), 3);
    }

    #[test]
    fn an_older_message_that_is_owed_again_does_not_wait_for_the_retries_of_a_newer_one() {
        for put_off in [false, true] {
            let mut schedule = Schedule::default();
            schedule.add(Id::from_u64(5), &owed(7, 0, 0));
            assert_eq!(taken(&mut schedule, 0), [5]);
            schedule.add(Id::from_u64(3), &owed(7, 8, 0));
            match put_off {
                false => schedule.settled(Partition(7), Some(&owed(7, 1, 500))),
                true => schedule.put_off(Partition(7), at(500)),
            }
            assert_eq!(taken(&mut schedule, 0), [3]);
            schedule.settled(Partition(7), None);
            assert_eq!(taken(&mut schedule, 500), [5]);
        }
    }

    #[test]
    fn what_is_forgotten_does_not_go_and_lets_the_next_go() {
        let mut schedule = Schedule::default();
        for message in [1, 2, 3] {
            schedule.add(Id::from_u64(message), &owed(7, 0, message as i64));
        }
        schedule.forget(Id::from_u64(1), Partition(7));
        assert_eq!(taken(&mut schedule, 5), [2]);
        schedule.forget(Id::from_u64(2), Partition(7));
        schedule.forget(Id::from_u64(3), Partition(7));
        schedule.settled(Partition(7), None);
        assert_eq!((schedule.next_due(), schedule.in_flight()), (None, 0));
        schedule.forget(Id::from_u64(4), Partition(8));
    }

    proptest! {
        /// However attempts end, each message goes until it is settled, in the order of its record.
        #[test]
        fn every_message_is_settled_once_in_the_order_of_its_record(
            partitions in prop::collection::vec(0..4u64, 1..40),
            ends in prop::collection::vec(0..3u8, 400),
        ) {
            let mut schedule = Schedule::default();
            for (number, partition) in partitions.iter().enumerate() {
                schedule.add(Id::from_u64(number as u64 + 1), &owed(*partition, 0, 0));
            }
            let (mut now, mut done, mut ends) = (0, Vec::new(), ends.into_iter());
            let mut in_flight: Vec<Turn> = Vec::new();
            while done.len() < partitions.len() {
                while let Some(turn) = schedule.take_due(at(now)) {
                    prop_assert!(in_flight.iter().all(|other| other.partition != turn.partition));
                    in_flight.push(turn);
                }
                match in_flight.pop() {
                    Some(turn) => match ends.next().unwrap_or(0) {
                        0 => {
                            schedule.settled(turn.partition, None);
                            done.push((turn.partition.0, turn.message.as_u64()));
                        }
                        1 => schedule.settled(
                            turn.partition,
                            Some(&owed(turn.partition.0, turn.attempts + 1, now + 5)),
                        ),
                        _ => schedule.put_off(turn.partition, at(now + 3)),
                    },
                    None => now = schedule.next_due().unwrap().unix_ms(),
                }
            }
            prop_assert_eq!(schedule.next_due(), None);
            for partition in 0..4 {
                let order: Vec<u64> = done.iter().filter(|(p, _)| *p == partition).map(|(_, m)| *m).collect();
                prop_assert!(order.is_sorted());
            }
        }
    }
}
