//! A scan's known hits inside the customer's item, and back.
//!
//! What adverse media say is there only while something is known: most customers never have any of it, and those of a
//! release that did not keep it have none either.
//!
//! Two shapes are read. The one written is a map from list entry to what is known of it. Before dispositions were bound
//! to both sides, the hits were a list of `<list>/<key>@<content>`; what was decided about them follows from the scan's
//! status, and they hold for the subject that the next screening finds.

use std::collections::{BTreeMap, BTreeSet};

use domain::problem::Problem;
use domain::scan::{Fingerprint, KnownHit, ListedEntity, Scan, ScanStatus, Verdict};
use serde::{Deserialize, Serialize};

use super::record::malformed;
use crate::StoreError;

/// The hits of one scan.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum HitsRecord {
    Known(BTreeMap<String, HitRecord>),
    Keys(BTreeSet<String>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HitRecord {
    content: Fingerprint,
    subject: Option<Fingerprint>,
    verdict: Verdict,
    listed: bool,
}

/// What lists of adverse media say of a customer.
#[derive(Serialize, Deserialize)]
pub(super) struct MediaRecord {
    status: ScanStatus,
    hits: HitsRecord,
}

pub(super) fn write_media(scan: &Scan) -> Option<MediaRecord> {
    (*scan != Scan::clear()).then(|| MediaRecord { status: scan.status, hits: write_hits(scan) })
}

pub(super) fn read_media(record: Option<MediaRecord>) -> Result<Scan, StoreError> {
    record.map_or_else(|| Ok(Scan::clear()), |MediaRecord { status, hits }| read_scan(status, hits))
}

pub(super) fn write_hits(scan: &Scan) -> HitsRecord {
    let record = |hit: &KnownHit| HitRecord {
        content: hit.content.clone(),
        subject: hit.subject.clone(),
        verdict: hit.verdict,
        listed: hit.listed,
    };
    let hits = scan.hits.iter().map(|(entity, hit)| (entity.as_str().to_owned(), record(hit)));
    HitsRecord::Known(hits.collect())
}

pub(super) fn read_scan(status: ScanStatus, record: HitsRecord) -> Result<Scan, StoreError> {
    let hits: Result<BTreeMap<ListedEntity, KnownHit>, Problem> = match record {
        HitsRecord::Known(hits) => hits.into_iter().map(read_hit).collect(),
        HitsRecord::Keys(keys) => keys.iter().map(|key| read_key(key, status)).collect(),
    };
    Ok(Scan { status, hits: hits.map_err(|_| malformed("a known hit"))? })
}

fn read_hit((entity, hit): (String, HitRecord)) -> Result<(ListedEntity, KnownHit), Problem> {
    let HitRecord { content, subject, verdict, listed } = hit;
    Ok((ListedEntity::parse(&entity)?, KnownHit { content, subject, verdict, listed }))
}

fn read_key(key: &str, status: ScanStatus) -> Result<(ListedEntity, KnownHit), Problem> {
    let (entity, content) =
        key.rsplit_once('@').ok_or(Problem::Malformed { expected: "an entry and its content" })?;
    let verdict = match status {
        ScanStatus::Pending | ScanStatus::Clear => Verdict::Cleared,
        ScanStatus::Failed | ScanStatus::Reviewing => Verdict::Open,
        ScanStatus::Positive => Verdict::Confirmed,
    };
    let content = Fingerprint::parse(content)?;
    Ok((ListedEntity::parse(entity)?, KnownHit { content, subject: None, verdict, listed: true }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customers::record::to_compact_item;
    use crate::{from_item, to_item};

    #[derive(Serialize, Deserialize)]
    struct Holder {
        hits: HitsRecord,
    }

    fn print(digit: char) -> Fingerprint {
        Fingerprint::parse(&digit.to_string().repeat(16)).unwrap()
    }

    #[test]
    fn hits_survive_storage() {
        let hit = |verdict, subject: Option<char>| KnownHit {
            content: print('a'),
            subject: subject.map(print),
            verdict,
            listed: subject.is_some(),
        };
        let hits = BTreeMap::from([
            (ListedEntity::new("sdn", "1"), hit(Verdict::Open, Some('b'))),
            (ListedEntity::new("eu", "EU.1/2#3"), hit(Verdict::Cleared, None)),
        ]);
        for hits in [hits, BTreeMap::new()] {
            let scan = Scan { status: ScanStatus::Failed, hits };
            let item = to_compact_item(&Holder { hits: write_hits(&scan) }).unwrap();
            let read: Holder = from_item(item).unwrap();
            assert_eq!(read_scan(ScanStatus::Failed, read.hits).unwrap(), scan);
        }
    }

    /// Only where there is something to keep.
    #[test]
    fn what_adverse_media_say_survives_storage() {
        #[derive(Serialize, Deserialize)]
        struct Media {
            media: Option<MediaRecord>,
        }
        let hit = KnownHit {
            content: print('a'),
            subject: Some(print('b')),
            verdict: Verdict::Open,
            listed: true,
        };
        let hits = BTreeMap::from([(ListedEntity::new("news", "Q-1"), hit)]);
        for (scan, attributes) in [
            (Scan::clear(), 0),
            (Scan { status: ScanStatus::Failed, hits: hits.clone() }, 1),
            (Scan { status: ScanStatus::Clear, hits }, 1),
        ] {
            let item = to_compact_item(&Media { media: write_media(&scan) }).unwrap();
            assert_eq!(item.len(), attributes);
            let read: Media = from_item(item).unwrap();
            assert_eq!(read_media(read.media).unwrap(), scan);
        }
    }

    #[test]
    fn hits_of_the_older_shape_are_taken_over() {
        let keys = BTreeSet::from(["sdn/1@aaaaaaaaaaaaaaaa".to_owned()]);
        for (status, verdict) in [
            (ScanStatus::Clear, Verdict::Cleared),
            (ScanStatus::Failed, Verdict::Open),
            (ScanStatus::Reviewing, Verdict::Open),
            (ScanStatus::Positive, Verdict::Confirmed),
        ] {
            let item = to_item(&Holder { hits: HitsRecord::Keys(keys.clone()) }).unwrap();
            let read: Holder = from_item(item).unwrap();
            let scan = read_scan(status, read.hits).unwrap();
            let expected = KnownHit { content: print('a'), subject: None, verdict, listed: true };
            assert_eq!(scan.hits, BTreeMap::from([(ListedEntity::new("sdn", "1"), expected)]));
        }
        let damaged = HitsRecord::Keys(BTreeSet::from(["sdn/1".to_owned()]));
        assert!(read_scan(ScanStatus::Clear, damaged).is_err());
    }
}
