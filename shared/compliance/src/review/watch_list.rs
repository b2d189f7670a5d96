//! The module `watch_list`: what the lists say of the applicant and of everybody who acts for it.
//!
//! Made from the screening that the customer's scans are made from, so that the review and the scans tell of the same hits.
//! Invariants: nobody is cleared without a sanctions list, nor while a list that is to be searched is not there; where no
//! list of politically exposed persons is configured nobody is held up by that, and the review says so; a match tells the list, where to read it, what matched and how well, and
//! nothing of the applicant; a name alone never turns anybody away; what a person has decided about a hit decides here as it
//! does in the scan: a cleared match is shown and weighs nothing, an open one waits, also one of an earlier name, and a
//! confirmed one rejects.

use std::collections::BTreeSet;

use domain::scan::{Finding as Found, Fingerprint, ListedEntity, Scan, ScanStatus, Verdict};
use screening::{EvidenceKind, Topic};
use serde::{Deserialize, Serialize};

use super::code::Code;
use super::finding::{Correlation, Decision, Finding, Score, Signals};
use super::policy::Policy;
use super::weights::floor;
use crate::editions::EditionSet;
use crate::findings::known_as;
use crate::screen::{ExplainedHit, Screening, Whose};

/// One match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// The list's name.
    pub list_name: String,
    /// Where to read the entry.
    pub urls: Vec<String>,
    /// What matched: `name`, `dob`, `country`, `identifier`; with `representative` in front for somebody who acts for it.
    pub match_fields: Vec<String>,
    /// How well.
    pub score: Score,
    /// Which code it means.
    pub code: Code,
    /// The entry as it was, to know a match again: list, key, content.
    pub entry: String,
    /// What has been decided about it.
    #[serde(default = "open", skip_serializing_if = "is_open")]
    pub verdict: Verdict,
    /// Whether a scan holds it, and it did not match when the lists were last searched: an earlier name, say, or somebody
    /// who acted for the business.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_earlier: bool,
}

const fn open() -> Verdict {
    Verdict::Open
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_open(verdict: &Verdict) -> bool {
    *verdict == Verdict::Open
}

impl Match {
    /// The entry without its content, as the scans name it.
    #[must_use]
    pub fn entity(&self) -> &str {
        self.entry.rsplit_once('@').map_or(&*self.entry, |(entity, _)| entity)
    }

    /// Whether a policy makes nothing of a match of its kind.
    #[must_use]
    pub fn passes(&self, policy: &Policy) -> bool {
        floor(&BTreeSet::from([self.code]), policy) == Decision::Accept
    }

    /// Whether it is one of the present search that nobody has cleared.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.verdict != Verdict::Cleared && !self.is_earlier
    }
}

/// What searching the lists gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchList {
    /// The matches, best first.
    pub matches: Vec<Match>,
    /// The lists that were searched, as list and name of the index.
    pub lists: Vec<String>,
    /// The version of the engine's configuration.
    pub config: String,
    /// Whether every sanctions list was among them, and there is one; else finding nothing means nothing.
    pub covers_sanctions: bool,
    /// Whether a list of politically exposed persons is to be searched and not all of them were there.
    #[serde(default)]
    pub awaits_pep: bool,
    /// Whether no list of politically exposed persons is configured.
    #[serde(default)]
    pub without_pep: bool,
    /// What the scans of the customer come to: an open case is for a person, a confirmed one turns away.
    #[serde(default)]
    pub held: Decision,
    /// Whether the customer keeps what adverse media say of it beside its scans. An older release kept this review alone.
    #[serde(default)]
    pub keeps_media: bool,
    /// How many matches, the least likely, are not in a record that has no room for them.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: u64,
}

/// Most matches of one record: with a list's name and addresses each, they stay far below DynamoDB's 400 KB.
const MOST_MATCHES: usize = 300;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

/// A scan as a run leaves it, and what the run found for it.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// What its lists are about.
    pub topic: Topic,
    /// The scan after the run.
    pub scan: &'a Scan,
    /// What the run found.
    pub found: &'a Found,
}

impl WatchList {
    /// What a screening has found, by these editions. What it has not explained stands in the scans, see [`Self::settled_by`].
    #[must_use]
    pub fn of(screening: &Screening, editions: &EditionSet) -> Self {
        let explained = [&screening.ofac, &screening.pep_scan, &screening.adverse_media];
        let mut matches: Vec<Match> = explained.into_iter().flatten().map(to_match).collect();
        matches.sort_by(|one, other| {
            other.score.cmp(&one.score).then_with(|| one.entry.cmp(&other.entry))
        });
        let searched = screening.lists.iter();
        let asks_for_pep = editions.asks_for(Topic::Pep);
        Self {
            matches,
            lists: searched.map(|list| format!("{}@{}", list.list_id, list.index)).collect(),
            config: screening.config_version.clone(),
            covers_sanctions: editions.covers(Topic::Sanctions),
            awaits_pep: asks_for_pep && !editions.covers(Topic::Pep),
            without_pep: !asks_for_pep,
            held: Decision::Accept,
            keeps_media: true,
            left_out: 0,
        }
    }

    /// Leaves out what a record has no room for. What was decided by all of it stays.
    pub(crate) fn bound(&mut self) {
        let beyond = self.matches.len().saturating_sub(MOST_MATCHES);
        self.matches.truncate(MOST_MATCHES);
        self.left_out += beyond as u64;
    }

    /// The same after a person has decided, with the scans as the decision has left them: nothing is searched again.
    pub(crate) fn decided(&mut self, scans: &[&Scan]) {
        for found in &mut self.matches {
            let Some((entity, content)) = found.entry.rsplit_once('@') else { continue };
            let Ok(entity) = ListedEntity::parse(entity) else { continue };
            let known = scans.iter().find_map(|scan| scan.hits.get(&entity));
            if let Some(hit) = known.filter(|hit| hit.content.as_str() == content) {
                found.verdict = hit.verdict;
            }
        }
        self.held = scans.iter().map(|scan| comes_to(scan)).max().unwrap_or_default();
    }

    /// Whether everything that has to be searched was: else finding nothing means nothing.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.covers_sanctions && !self.awaits_pep
    }

    /// Whether a listed entry with this content is among the matches.
    #[must_use]
    pub fn names(&self, entity: &ListedEntity, content: &Fingerprint) -> bool {
        let is = |found: &Match| {
            found.entry.rsplit_once('@') == Some((entity.as_str(), content.as_str()))
        };
        self.matches.iter().any(is)
    }

    /// The same as the scans see it, so that review and status follow from one truth: each match with what has been decided
    /// about it, and with the matches whatever else waits for a person or was confirmed.
    #[must_use]
    pub fn settled_by(mut self, scans: &[Held<'_>], editions: &EditionSet) -> Self {
        for found in &mut self.matches {
            found.verdict = verdict_on(found, scans);
        }
        for held in scans {
            self.held = self.held.max(comes_to(held.scan));
            let shown = |entity: &ListedEntity| {
                self.matches.iter().any(|found| found.entity() == entity.as_str())
            };
            let left = held.scan.undecided().filter(|(entity, _)| !shown(entity));
            let left: Vec<Match> = left
                .take(MOST_HELD)
                .map(|(entity, hit)| Match {
                    list_name: name_of(entity.list(), editions),
                    urls: Vec::new(),
                    match_fields: vec![if held.found.hits.contains_key(entity) {
                        "name".to_owned()
                    } else {
                        EARLIER_NAME.to_owned()
                    }],
                    score: UNSCORED,
                    code: code_of(held.topic, entity.list()),
                    entry: format!("{entity}@{}", hit.content.as_str()),
                    verdict: hit.verdict,
                    is_earlier: !held.found.hits.contains_key(entity),
                })
                .collect();
            self.matches.extend(left);
        }
        self
    }
}

/// What a scan comes to: an open case is for a person, a confirmed one turns away.
const fn comes_to(scan: &Scan) -> Decision {
    match scan.status {
        ScanStatus::Positive => Decision::Reject,
        ScanStatus::Failed | ScanStatus::Reviewing => Decision::Review,
        ScanStatus::Pending | ScanStatus::Clear => Decision::Accept,
    }
}

/// How many entries of one scan are shown that the search did not bring up. What decides is the scan.
const MOST_HELD: usize = 100;

/// What is said of a match whose comparison is not at hand: the lowest that is a match at all.
const UNSCORED: Score = Score::POTENTIAL;

/// What such a match was by, where it is none by what the customer is today.
const EARLIER_NAME: &str = "earlier.name";

/// What has been decided about a match: as long as both sides are what they were.
fn verdict_on(found: &Match, scans: &[Held<'_>]) -> Verdict {
    let Ok(entity) = ListedEntity::parse(found.entity()) else { return Verdict::Open };
    let content = found.entry.rsplit_once('@').map_or("", |(_, content)| content);
    let known = scans.iter().find_map(|held| Some((held, held.scan.hits.get(&entity)?)));
    match known {
        Some((held, hit)) if hit.verdict == Verdict::Cleared => {
            let same = hit.content.as_str() == content;
            if same && hit.covers(&hit.content, &held.found.subject) {
                Verdict::Cleared
            } else {
                Verdict::Open
            }
        }
        Some((_, hit)) => hit.verdict,
        None => Verdict::Open,
    }
}

/// The name of a list that a reader knows; its key when it is not at hand.
fn name_of(list: &str, editions: &EditionSet) -> String {
    let lists = editions.index_of(list).into_iter().flat_map(screening::Index::lists);
    lists
        .into_iter()
        .find(|known| known.id == list)
        .map_or_else(|| list.to_owned(), |known| known.name.clone())
}

/// Whether a policy makes nothing of a match in adverse media.
#[must_use]
pub fn lets_media_pass(policy: &Policy) -> bool {
    floor(&BTreeSet::from([Code::R185]), policy) == Decision::Accept
}

fn to_match(ExplainedHit { hit, whose }: &ExplainedHit) -> Match {
    let name = match whose {
        None | Some(Whose::LegalName) => "name",
        Some(Whose::Representative) => "representative.name",
    };
    let mut fields = vec![name.to_owned()];
    for evidence in &hit.explanation.evidence {
        if evidence.log_odds <= 0.0 {
            continue;
        }
        let field = match evidence.kind {
            EvidenceKind::BirthDate => "dob",
            EvidenceKind::Country => "country",
            EvidenceKind::Gender => "gender",
            EvidenceKind::Identifier => "identifier",
        };
        fields.push(field.to_owned());
    }
    let (entity, content) = known_as(&hit.list_id, &hit.uid, &hit.content_hash);
    Match {
        list_name: hit.list_name.clone(),
        urls: hit.source_url.iter().cloned().collect(),
        match_fields: fields,
        score: Score::nearest(hit.score),
        code: code_of(hit.topic, &hit.list_id),
        entry: format!("{}@{}", entity.as_str(), content.as_str()),
        verdict: Verdict::Open,
        is_earlier: false,
    }
}

/// What a list is for, by its topic and its key.
fn code_of(topic: Topic, list: &str) -> Code {
    let has = |part: &str| list.split(['-', '_', '.']).any(|word| word == part);
    match topic {
        Topic::Pep => Code::R184,
        Topic::AdverseMedia => Code::R185,
        Topic::Sanctions if has("sdn") => Code::R180,
        Topic::Sanctions if has("ofac") => Code::R181,
        Topic::Sanctions
            if ["csl", "dpl", "denied", "debarred", "tel", "enforcement"]
                .iter()
                .any(|part| has(part)) =>
        {
            Code::R183
        }
        Topic::Sanctions => Code::R182,
    }
}

/// How well a match fits, as the contract says it.
#[must_use]
pub fn correlation(found: &Match) -> Correlation {
    found.score.into()
}

/// Judges what searching gave and what the scans hold; `None` when there was nothing to search in.
#[must_use]
pub fn judge(searched: Option<&WatchList>, policy: &Policy) -> Finding {
    let by_policy = by_policy(searched, policy);
    let held = searched.map_or(Decision::Accept, |searched| searched.held);
    Finding { decision: by_policy.decision.max(held), ..by_policy }
}

/// The same without what the scans come to, which the customer's status has from the scans themselves.
#[must_use]
pub fn by_policy(searched: Option<&WatchList>, policy: &Policy) -> Finding {
    let Some(searched) = searched else {
        return Finding { decision: Decision::Review, ..Finding::default() };
    };
    let mut signals = codes_beside_matches(searched);
    for found in &searched.matches {
        signals.add_if(found.verdict != Verdict::Cleared, found.code);
        signals.add_if(found.is_earlier && found.verdict == Verdict::Open, Code::G007);
    }
    let certain = policy.sanctions_reject.is_some_and(|least| {
        searched.matches.iter().any(|found| {
            matches!(found.code, Code::R180 | Code::R181 | Code::R182)
                && found.is_present()
                && found.score >= least
                && found.match_fields.iter().any(|field| field == "dob" || field == "identifier")
        })
    });
    let least = match (certain, searched.is_complete()) {
        (true, _) => Decision::Reject,
        (false, true) => Decision::Accept,
        (false, false) => Decision::Review,
    };
    let decision = floor(&signals.codes, policy).max(least);
    Finding { decision, codes: signals.codes, ..Finding::default() }
}

/// What the lists come to beside their matches: that one is missing, say, where a policy makes something of it.
#[must_use]
pub fn beside_matches(searched: &WatchList, policy: &Policy) -> Decision {
    floor(&codes_beside_matches(searched).codes, policy)
}

fn codes_beside_matches(searched: &WatchList) -> Signals {
    let mut signals = Signals::default();
    // What a person has cleared is shown and weighs nothing.
    let is_cleared = |found: &Match| found.verdict == Verdict::Cleared;
    signals.add_if(searched.matches.iter().any(is_cleared), Code::G006);
    signals.add_if(searched.matches.is_empty() && searched.is_complete(), Code::I196);
    signals.add_if(searched.without_pep, Code::G001);
    signals.add_if(!searched.is_complete(), Code::G002);
    signals
}

#[cfg(test)]
#[path = "watch_list_tests.rs"]
mod tests;
