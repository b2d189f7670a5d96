//! How long sending takes, so that not sending can take as long.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::ekyc::Channel;

/// How many sends per channel are remembered.
const REMEMBERED: usize = 16;
/// What a send takes before any was measured: a usual one from a function in the service's own region.
const USUAL: Duration = Duration::from_millis(150);

/// The last durations per channel, of this process.
#[derive(Debug, Default)]
pub(super) struct Pace([Mutex<VecDeque<Duration>>; 3]);

impl Pace {
    fn of(&self, channel: Channel) -> std::sync::MutexGuard<'_, VecDeque<Duration>> {
        let Self([sms, voice, email]) = self;
        let durations = match channel {
            Channel::Sms => sms,
            Channel::Voice => voice,
            Channel::Email => email,
        };
        durations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a send.
    pub(super) fn took(&self, channel: Channel, duration: Duration) {
        let mut durations = self.of(channel);
        if durations.len() == REMEMBERED {
            durations.pop_front();
        }
        durations.push_back(duration);
    }

    /// One of the remembered durations, by lot: an average would be recognised by never changing.
    pub(super) fn draw(&self, channel: Channel, lot: u8) -> Duration {
        let durations = self.of(channel);
        let count = durations.len().max(1);
        durations.get(usize::from(lot) % count).copied().unwrap_or(USUAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_one_of_the_last_sends_of_its_channel() {
        let pace = Pace::default();
        assert_eq!(pace.draw(Channel::Sms, 7), USUAL);
        for milliseconds in 1..=20 {
            pace.took(Channel::Sms, Duration::from_millis(milliseconds));
        }
        let drawn: std::collections::BTreeSet<Duration> =
            (0..=255).map(|lot| pace.draw(Channel::Sms, lot)).collect();
        assert_eq!(drawn, (5..=20).map(Duration::from_millis).collect());
        assert_eq!(pace.draw(Channel::Email, 7), USUAL);
    }
}
