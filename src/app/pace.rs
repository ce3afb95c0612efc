//! How long a source rests: its interval a little off the beat, growing waits after failures. Pure but for the dice.

use std::time::Duration;

/// First wait while another process, or a reader that is just ending, writes the store, and the longest one.
const LOCKED: Duration = Duration::from_secs(5);
const LOCKED_LONGEST: Duration = Duration::from_secs(60);

/// The wait after so many failures in a row: doubled with each, never longer than the interval.
pub(super) fn after_failures(failed: u32, first: Duration, interval: Duration) -> Duration {
    doubled(first, failed).min(interval)
}

/// The wait while someone else writes the store.
pub(super) fn while_locked(tried: u32) -> Duration {
    doubled(LOCKED, tried).min(LOCKED_LONGEST)
}

/// A tenth more or less, so that many sources do not look at the same moment for ever.
pub(super) fn jittered(wait: Duration) -> Duration {
    let mut random = [0_u8; 2];
    if getrandom::fill(&mut random).is_err() {
        return wait;
    }
    shifted(wait, u16::from_le_bytes(random))
}

fn shifted(wait: Duration, random: u16) -> Duration {
    wait * (900 + u32::from(random) % 200) / 1_000
}

fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1 << times.saturating_sub(1).min(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn waits_grow_up_to_the_interval() {
        let waits = [1, 2, 3, 4, 100].map(|failed| after_failures(failed, Duration::from_secs(15), MINUTE));
        assert_eq!(waits.map(|wait| wait.as_secs()), [15, 30, 60, 60, 60]);
        assert_eq!([1, 2, 9].map(|tried| while_locked(tried).as_secs()), [5, 10, 60]);
    }

    #[test]
    fn the_dice_move_a_wait_by_a_tenth_at_most() {
        assert_eq!(shifted(MINUTE, 0), Duration::from_secs(54));
        assert!((0..=u16::MAX).all(|random| {
            let wait = shifted(MINUTE, random);
            wait >= Duration::from_secs(54) && wait < Duration::from_secs(66)
        }));
    }
}
