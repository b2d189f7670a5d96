use proptest::prelude::*;

use super::*;

const MINUTE_MS: i64 = 60_000;
/// A Sunday morning.
const START_MS: i64 = 1_772_355_600_000;

fn rule(sends: u32, breaker: Option<Breaker>) -> Rule {
    Rule::new(&Limit { sends, seconds: 3_600 }, breaker)
}

fn breaker() -> Breaker {
    Breaker { sends: 10, least_used_percent: 20, mature_seconds: 600, open_seconds: 900, trials: 3 }
}

/// A row under a rule, through the steps alone.
struct Row {
    rule: Rule,
    ledger: Option<Ledger>,
}

impl Row {
    fn new(rule: Rule) -> Self {
        Self { rule, ledger: None }
    }

    fn send(&mut self, now_ms: i64) -> Verdict {
        let (next, verdict) = step(self.ledger.as_ref(), &self.rule, now_ms);
        if let Some(next) = next {
            let before = self.ledger.as_ref().map_or(0, |ledger| ledger.revision);
            assert_eq!(next.revision, before + 1);
            assert_eq!(next.total, next.sends.values().sum::<u32>());
            assert!(next.sends.len() <= 13 && next.used.len() <= 13, "rows are bounded");
            self.ledger = Some(next);
        }
        verdict
    }

    fn is_sent(&mut self, now_ms: i64) -> bool {
        matches!(self.send(now_ms), Verdict::Admitted { .. })
    }

    /// As the update of the guard does it.
    fn used(&mut self, sent_at_ms: i64, is_trial: bool) {
        let slot = self.rule.slot(sent_at_ms).to_string();
        let ledger = self.ledger.as_mut().unwrap();
        if let Some(count) = ledger.used.get_mut(&slot) {
            *count += 1;
            ledger.trials_used += u32::from(is_trial);
        }
    }
}

#[test]
fn a_window_has_room_again_when_its_first_sends_have_left() {
    let mut row = Row::new(rule(3, None));
    for minute in [0, 10, 20] {
        assert!(row.is_sent(START_MS + minute * MINUTE_MS));
    }
    let Verdict::Full { retry_after_ms } = row.send(START_MS + 30 * MINUTE_MS) else {
        panic!("the window is full");
    };
    assert_eq!(retry_after_ms, 35 * MINUTE_MS, "an hour after the first one's slot of 5 minutes");
    let free = START_MS + 30 * MINUTE_MS + retry_after_ms;
    assert!(!row.is_sent(free - 1));
    assert!(row.is_sent(free));
    assert!(!row.is_sent(free + MINUTE_MS), "the second one is still in the window");
}

#[test]
fn a_refused_send_changes_nothing() {
    let mut row = Row::new(rule(1, None));
    assert!(row.is_sent(START_MS));
    let before = row.ledger.clone();
    for _ in 0..5 {
        assert!(!row.is_sent(START_MS + MINUTE_MS));
    }
    assert_eq!(row.ledger, before);
}

/// Ten sends in the first slot, of which so many are used.
fn row_with_used(used: u32) -> Row {
    let mut row = Row::new(rule(1_000, Some(breaker())));
    for _ in 0..10 {
        assert!(row.is_sent(START_MS));
    }
    for _ in 0..used {
        row.used(START_MS, false);
    }
    row
}

#[test]
fn the_breaker_opens_when_too_few_codes_are_used() {
    let told_at = START_MS + 15 * MINUTE_MS; // the slot of 5 minutes and the life of a code
    for (used, opens) in [(0, true), (1, true), (2, false), (10, false)] {
        let mut row = row_with_used(used);
        assert!(row.is_sent(told_at - 1), "the codes may still be used");
        assert_eq!(row.is_sent(told_at), !opens, "{used} used");
        assert_eq!(row.ledger.unwrap().is_open(), opens);
    }
}

#[test]
fn few_sends_prove_nothing() {
    let mut row = Row::new(rule(1_000, Some(breaker())));
    for _ in 0..9 {
        assert!(row.is_sent(START_MS));
    }
    assert!(row.is_sent(START_MS + 30 * MINUTE_MS));
}

fn open_row() -> (Row, i64) {
    let mut row = row_with_used(0);
    let opened_at = START_MS + 20 * MINUTE_MS;
    assert_eq!(row.send(opened_at), Verdict::Open { retry_after_ms: 15 * MINUTE_MS });
    (row, opened_at)
}

#[test]
fn an_open_breaker_sends_a_few_trials_after_its_time() {
    let (mut row, opened_at) = open_row();
    let trial_at = opened_at + 15 * MINUTE_MS;
    assert!(!row.is_sent(trial_at - 1));
    for _ in 0..3 {
        assert_eq!(row.send(trial_at), Verdict::Admitted { is_trial: true });
    }
    assert_eq!(row.send(trial_at + 1), Verdict::Open { retry_after_ms: 10 * MINUTE_MS - 1 });
    // None was used: it opens again.
    let told_at = trial_at + 10 * MINUTE_MS;
    assert_eq!(row.send(told_at), Verdict::Open { retry_after_ms: 15 * MINUTE_MS });
    assert_eq!(row.send(told_at + 1), Verdict::Open { retry_after_ms: 15 * MINUTE_MS - 1 });
}

#[test]
fn a_used_trial_closes_the_breaker_and_what_was_before_is_forgotten() {
    let (mut row, opened_at) = open_row();
    let trial_at = opened_at + 15 * MINUTE_MS;
    for _ in 0..3 {
        row.send(trial_at);
    }
    row.used(trial_at, true);
    assert_eq!(row.send(trial_at + 1), Verdict::Admitted { is_trial: false });
    // The ten unused sends are still in the window, and are not judged again.
    assert!(row.is_sent(opened_at + 20 * MINUTE_MS));
    assert!(!row.ledger.unwrap().is_open());
}

#[test]
fn a_trial_is_not_spent_on_a_full_window() {
    let mut row = Row::new(rule(10, Some(breaker())));
    for _ in 0..10 {
        assert!(row.is_sent(START_MS));
    }
    let opened_at = START_MS + 20 * MINUTE_MS;
    assert!(matches!(row.send(opened_at), Verdict::Full { .. }));
}

#[test]
fn a_clock_that_stands_back_does_not_bring_back_old_slots() {
    let mut row = Row::new(rule(2, None));
    assert!(row.is_sent(START_MS + 10 * MINUTE_MS));
    assert!(row.is_sent(START_MS));
    assert!(!row.is_sent(START_MS));
}

proptest! {
    /// Whatever the times, no window of an hour holds more than the limit.
    #[test]
    fn no_rolling_window_holds_more_than_its_limit(
        gaps in proptest::collection::vec(0_i64..20 * MINUTE_MS, 1..120),
        limit in 1_u32..6,
    ) {
        let mut row = Row::new(rule(limit, None));
        let mut now = START_MS;
        let mut sent = Vec::new();
        for gap in gaps {
            now += gap;
            if row.is_sent(now) {
                sent.push(now);
            }
        }
        for (first, at) in sent.iter().enumerate() {
            let window = sent[first..].iter().take_while(|other| **other - at < 60 * MINUTE_MS);
            prop_assert!(window.count() <= limit as usize);
        }
    }

    /// And a refusal says truly when there will be room.
    #[test]
    fn what_was_refused_is_sent_when_it_was_said(gaps in proptest::collection::vec(0_i64..9 * MINUTE_MS, 4..40)) {
        let mut row = Row::new(rule(3, None));
        let mut now = START_MS;
        for gap in gaps {
            now += gap;
            if let Verdict::Full { retry_after_ms } = row.send(now) {
                prop_assert!(retry_after_ms > 0 && retry_after_ms <= 65 * MINUTE_MS);
                now += retry_after_ms;
                prop_assert!(row.is_sent(now));
            }
        }
    }
}
