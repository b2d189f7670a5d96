//! Waiting a little before trying again what another writer came before.
//!
//! Without a pause, writers that met once meet again at every try; with the same pause for all, they do too. So it grows
//! with the round and is drawn by lot.

use std::time::Duration;

use domain::time::Random;

/// The most that the first round waits.
const FIRST_MS: u64 = 20;
/// Rounds after which the pause no longer grows.
const GROWTH: u32 = 5;

/// Waits up to 20 ms before the first retry (`round` 1), up to twice as long before each further one, up to 640 ms.
pub async fn pause(round: u32, random: &dyn Random) {
    tokio::time::sleep(length(round, random)).await;
}

fn length(round: u32, random: &dyn Random) -> Duration {
    let mut lot = [0];
    random.fill(&mut lot);
    let most = FIRST_MS << round.saturating_sub(1).min(GROWTH);
    Duration::from_millis(most * (u64::from(lot[0]) + 1) / 256)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::time::SequenceRandom;

    #[test]
    fn pauses_grow_to_a_bound_and_differ() {
        let random = SequenceRandom::default();
        let longest = |round| (0..200).map(|_| length(round, &random)).max().unwrap();
        assert!(longest(1) <= Duration::from_millis(20));
        assert!(longest(3) > Duration::from_millis(40));
        assert!(longest(30) <= Duration::from_millis(640));
        let some: std::collections::HashSet<_> = (0..50).map(|_| length(4, &random)).collect();
        assert!(some.len() > 10);
    }
}
