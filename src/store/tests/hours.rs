//! What was done with, hour by hour.

use super::*;

#[actix::test]
async fn an_hour_is_counted_over_commits_and_forgotten_after_a_month() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    let done = async |opened: &Opened, record: &str, next: Next| {
        let ids = opened.append(&[json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": record})]).await.ids;
        let message = opened.close(record, &ids, &[hook.id], "{}").await[0];
        opened.settle(message, 1, next).await;
    };
    done(&opened, "1", Next::Delivered).await;
    done(&opened, "2", Next::Delivered).await;
    done(&opened, "3", Next::Failed).await;
    let opened = opened.reopen();
    let hours = |opened: &Opened, count| {
        let hours = opened.store.hours(Account::DEFAULT, opened.clock.now(), count).unwrap();
        hours.into_iter().map(|(_, hour)| (hour.delivered, hour.failed)).collect::<Vec<_>>()
    };
    assert_eq!(hours(&opened, 3), [(0, 0), (0, 0), (2, 1)]);
    opened.pass(Duration::from_secs(3600));
    done(&opened, "4", Next::Delivered).await;
    assert_eq!(hours(&opened, 3), [(0, 0), (2, 1), (1, 0)]);
    opened.pass(DAY * 31 - Duration::from_secs(3600));
    done(&opened, "5", Next::Delivered).await;
    assert_eq!(hours(&opened, 31 * 24).iter().map(|hour| hour.0).sum::<u64>(), 2);
    assert_eq!(opened.store.tree().scan_prefix(b"q").count(), 2, "the first hour is forgotten");
}
