//! Holding one customer after another against what a list's new edition brought.
//!
//! Invariant: whoever's answer the new edition changes is asked to be screened; being asked in vain costs a screening that
//! writes nothing. So everything that is uncertain here asks.

use domain::customer::Customer;
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

/// What is known of a customer.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The sanctions scan.
    pub ofac: &'a Scan,
    /// The scan for politically exposed persons.
    pub pep_scan: &'a Scan,
    /// What adverse media say; `None` of somebody whose identity nobody reviews, so that nobody is to be told.
    pub adverse_media: Option<&'a Scan>,
}

impl<'a> Known<'a> {
    /// What is known of this customer.
    #[must_use]
    pub fn of(customer: &'a Customer) -> Self {
        Self {
            ofac: &customer.ofac,
            pep_scan: &customer.pep_scan,
            adverse_media: customer.is_reviewed().then_some(&customer.adverse_media),
        }
    }

    fn scans(self) -> impl Iterator<Item = &'a Scan> {
        [Some(self.ofac), Some(self.pep_scan), self.adverse_media].into_iter().flatten()
    }
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

    /// Whether a customer of whom this is known is to be screened. `complete` says whether the subject has the countries
    /// of all addresses.
    pub fn asks(&mut self, subject: &Subject, complete: bool, known: Known<'_>) -> Asks {
        let stands =
            |(entity, hit): (&ListedEntity, &KnownHit)| hit.listed && self.delta.touches(entity);
        if known.scans().any(|scan| scan.hits.iter().any(stands)) {
            return Asks::Yes;
        }
        let Some(index) = &self.delta.index else { return Asks::No };
        let is_media = index.lists().iter().all(|list| list.topic == Topic::AdverseMedia);
        if is_media && known.adverse_media.is_none() {
            return Asks::No;
        }
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
        if hits.iter().all(|hit| is_known(hit, &fingerprint, known)) { Asks::No } else { Asks::Yes }
    }
}

/// Whether a hit needs nobody's attention.
fn is_known(hit: &Match, subject: &Fingerprint, known: Known<'_>) -> bool {
    let scan = match hit.topic {
        Topic::Sanctions => Some(known.ofac),
        Topic::Pep => Some(known.pep_scan),
        Topic::AdverseMedia => known.adverse_media,
    };
    let Some(scan) = scan else { return true };
    let (entity, content) = known_as(&hit.list_id, &hit.uid, &hit.content_hash);
    scan.hits.get(&entity).is_some_and(|known| known.covers(&content, subject))
}
