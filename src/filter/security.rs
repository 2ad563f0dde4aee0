//! Which security events an integration sees. Pure.

use crate::model::{IntegrationSpec, SecurityEvent};

/// Whether an integration that asks for `spec` sees the event. Whether it is enabled is not asked here
/// (R10).
pub fn sees(spec: &IntegrationSpec, event: &SecurityEvent) -> bool {
    let by_listed_user = || event.user.as_ref().is_some_and(|user| spec.users.contains(&user.id));
    let listed = |action: &str| spec.actions.iter().any(|listed| covers(listed.as_str(), action));
    (spec.actions.is_empty() || listed(event.action.as_str()))
        && (spec.users.is_empty() || by_listed_user())
        && spec.outcome.is_none_or(|outcome| outcome == event.outcome)
        && event.severity >= spec.min_severity
}

/// Whether a pattern is of this action: `login.*` is of `login` and of everything below it, `*` of
/// everything, and what ends in no star of itself alone.
pub fn covers(pattern: &str, action: &str) -> bool {
    let Some(above) = pattern.strip_suffix('*') else { return pattern == action };
    action.starts_with(above) || above.strip_suffix('.') == Some(action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_at_the_end_stands_for_what_follows() {
        for (pattern, action, is_of) in [
            ("login.failed", "login.failed", true),
            ("login.failed", "login.failed.twice", false),
            ("login.*", "login.failed", true),
            ("login.*", "login", true),
            ("login.*", "logins", false),
            ("login*", "logins", true),
            ("*", "anything", true),
            ("login", "logout", false),
            ("Login", "login", false),
        ] {
            assert_eq!(covers(pattern, action), is_of, "{pattern} {action}");
        }
    }
}
