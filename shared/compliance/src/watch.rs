//! Holding one customer after another against what a list's new edition brought.
//!
//! Invariant: whoever's answer the new edition changes is asked to be screened; being asked in vain costs a screening that
//! writes nothing. So everything that is uncertain here asks.

use domain::scan::{Fingerprint, KnownHit, ListedEntity, Scan};
use screening::{Config, Match, Query, Scratch, Topic};

use crate::delta::OpenDelta;
use crate::findings::known_as;
use crate::screen::Subject;

/// Why a customer is to be screened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Nothing of the delta concerns it.
    No,
    /// It is.
    Yes,
    /// That depends on the countries of further addresses.
    WithAddresses,
}

/// A delta and the buffers to hold customers against it.
#[derive(Debug)]
pub struct Watch<'a> {
    delta: &'a OpenDelta,
    config: &'a Config,
    scratch: Scratch,
}

impl<'a> Watch<'a> {
    /// Holds customers against this delta.
    #[must_use]
    pub fn new(delta: &'a OpenDelta, config: &'a Config) -> Self {
        Self { delta, config, scratch: Scratch::default() }
    }

    /// Whether a customer with these scans is to be screened. `complete` says whether the subject has the countries of all
    /// addresses.
    pub fn asks(&mut self, subject: &Subject, complete: bool, scans: [&Scan; 2]) -> Asks {
        let stands =
            |(entity, hit): (&ListedEntity, &KnownHit)| hit.listed && self.delta.touches(entity);
        if scans.iter().any(|scan| scan.hits.iter().any(stands)) {
            return Asks::Yes;
        }
        let Some(index) = &self.delta.index else { return Asks::No };
        if !complete {
            // Countries move a score and never make a candidate: without one there is no hit, whatever they are.
            let mut brings_in =
                |query: &Query| !index.rank(&mut self.scratch, query, self.config, 1).is_empty();
            let any = subject.queries().iter().any(|(_, query)| brings_in(query));
            return if any { Asks::WithAddresses } else { Asks::No };
        }
        let (hits, is_complete) = subject.matches(index, &mut self.scratch, self.config);
        if !is_complete {
            return Asks::Yes;
        }
        if hits.is_empty() {
            return Asks::No;
        }
        let fingerprint = subject.fingerprint();
        if hits.iter().all(|hit| is_known(hit, &fingerprint, scans)) { Asks::No } else { Asks::Yes }
    }
}

/// Whether a hit needs nobody's attention.
fn is_known(hit: &Match, subject: &Fingerprint, [ofac, pep_scan]: [&Scan; 2]) -> bool {
    let scan = match hit.topic {
        Topic::Sanctions => ofac,
        Topic::Pep => pep_scan,
        _ => return true,
    };
    let (entity, content) = known_as(&hit.list_id, &hit.uid, &hit.content_hash);
    scan.hits.get(&entity).is_some_and(|known| known.covers(&content, subject))
}
