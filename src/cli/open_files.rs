//! Open files: every connection is one.

/// Raises how many files this process may have open as far as the system lets it; how many that is.
/// Many systems begin with 1,024, so that old programs do not stumble, and mean more.
pub fn raise_limit() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls are given a valid struct that outlives them.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) != 0 {
            return None;
        }
        let raised = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raised) == 0 {
            limit = raised;
        }
    }
    Some(limit.rlim_cur)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_the_system_lets_it() {
        let most = raise_limit().expect("a limit");
        // One less harms no other test of this process.
        let lower = libc::rlimit { rlim_cur: most - 1, rlim_max: most };
        // SAFETY: it is given a valid struct that outlives it.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &lower) }, 0);
        assert_eq!(raise_limit(), Some(most));
    }
}
