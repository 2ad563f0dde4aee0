//! Calls that are to happen once.

use super::*;

#[actix::test]
async fn an_answer_is_given_again_for_a_day_and_then_forgotten() {
    let opened = Opened::fresh();
    let once = |answer: &'static str| Once {
        call: Call::new(Id::from_u64(1), "key", &[b"POST"]),
        command: Command::NoteUses(Vec::new()),
        answer: Box::new(move |_| Some(answer.into())),
    };
    let said = |answer: Answer| match answer {
        Answer::First(_, Some(answer)) => ("first", answer),
        Answer::Again(answer) => ("again", answer),
        other => panic!("{other:?}"),
    };
    assert_eq!(said(opened.journal.once(once("one")).await.unwrap()), ("first", b"one".to_vec()));
    opened.pass(DAY - Duration::from_secs(1));
    let opened = opened.reopen();
    assert_eq!(said(opened.journal.once(once("two")).await.unwrap()), ("again", b"one".to_vec()));
    opened.pass(Duration::from_secs(1));
    assert_eq!(said(opened.journal.once(once("two")).await.unwrap()), ("first", b"two".to_vec()));

    let rows = || opened.store.tree().scan_prefix([keys::ANSWERS]).count();
    assert_eq!(rows(), 2);
    opened.pass(DAY * 2);
    let prune = opened.store.plan_prune(opened.clock.now(), DAY * 30, u64::MAX).unwrap();
    opened.journal.prune(prune.expect("something to forget")).await.unwrap();
    assert_eq!(rows(), 0);
}
