//! Editions move only forward, by condition, and with the record of what everybody has to be held against.

use compliance::{ListDelta, delta_key, index_key};
use domain::scan::ScanStatus;
use screening::Index;

use super::*;
use crate::scan_queue::{ScanMessage, SweepPage};
use crate::scan_worker::Outcome;
use crate::testing::{MANIFEST, World, person};

const PEP: &str = "pep";
const ANA: (&str, &str, &str) = ("Q-1", "Anatolia Quillson", "");

impl World {
    async fn delta(&self, change: &ListChange) -> ListDelta {
        let (bytes, _) = self.bucket.get(&delta_key(&change.delta)).await.unwrap().unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// The pages of sweeps on the queue, with their delay.
    fn pages(&self) -> Vec<(u16, SweepPage)> {
        let page = |(delay, message)| match message {
            ScanMessage::Page(page) => Some((delay, page)),
            ScanMessage::Customer(_) => None,
        };
        self.queue.take().into_iter().filter_map(page).collect()
    }
}

#[tokio::test]
async fn a_first_edition_holds_everybody_against_the_whole_list() {
    let world = World::without_lists();
    // Taken on before there was any list, and their messages are gone.
    let bob = world.onboard(person("Bob", "Smith", None)).await;
    let putin = world.onboard(person("Vladimir", "Putin", None)).await;
    world.put_sources().await;
    world.list(&[]).await;
    let reports = world.refreshed().await;
    assert!(matches!(reports[PEP].result, Refreshed::Published { .. }));
    let manifest = world.manifest().await;
    assert_eq!(manifest.changes.len(), 2);
    for change in &manifest.changes {
        let delta = world.delta(change).await;
        assert_eq!((&delta.from, delta.index.as_ref()), (&None, Some(&change.to)));
    }
    world.drain().await;
    assert_eq!(world.now(&bob).await.pep_scan.status, ScanStatus::Clear);
    assert_eq!(world.now(&putin).await.pep_scan.status, ScanStatus::Failed);
    let reports = world.refreshed().await;
    assert_eq!(reports[PEP].result, Refreshed::Unchanged);
    let [sweep] = &reports[PEP].sweeps[..] else { panic!("one sweep") };
    assert!(sweep.done && sweep.begun == 0);
    assert_eq!(sweep.customers, 2);
}

/// Nobody is clear of what was not searched, and whoever waits for a list is found when it comes.
#[tokio::test]
async fn a_kind_of_list_that_fails_at_first_is_waited_for() {
    let world = World::without_lists();
    world.put_sources().await;
    let reports = world.refreshed().await;
    assert!(matches!(reports[PEP].result, Refreshed::Failed { .. }));
    assert_eq!(world.manifest().await.named.len(), 2);
    let bob = world.screened(person("Bob", "Smith", None)).await;
    let now = world.now(&bob).await;
    assert_eq!((now.ofac.status, now.pep_scan.status), (ScanStatus::Clear, ScanStatus::Pending));
    world.list(&[]).await;
    world.refreshed().await;
    world.drain().await;
    assert_eq!(world.now(&bob).await.pep_scan.status, ScanStatus::Clear);
}

/// Nothing refreshes a list that is not named any more, so nobody is screened with it; what it has caused stays.
#[tokio::test]
async fn a_list_that_is_not_named_any_more_leaves_the_manifest() {
    let world = World::new().await;
    assert!(world.manifest().await.lists.contains_key(PEP));
    let (bytes, _) = world.bucket.get("sources.json").await.unwrap().unwrap();
    let mut sources: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
    sources.retain(|source| source["id"] != PEP);
    world.bucket.put("sources.json", serde_json::to_vec(&sources).unwrap()).await.unwrap();
    let reports = world.refreshed().await;
    assert!(!reports.contains_key(PEP));
    let manifest = world.manifest().await;
    assert_eq!(manifest.lists.keys().collect::<Vec<_>>(), ["ofac-sdn"]);
    assert!(manifest.changes.iter().all(|change| change.list != PEP));
}

#[tokio::test]
async fn a_new_edition_comes_with_a_small_index_of_what_is_new() {
    let world = World::new().await;
    let before = world.manifest().await;
    world.list(&[ANA, ("Q-2", "Bertil Oxenmark", "")]).await;
    world.refreshed().await;
    world.list(&[("Q-1", "Anatolia Quillson", "role.head"), ("Q-3", "Dov Eskarin", "")]).await;
    world.refreshed().await;
    let manifest = world.manifest().await;
    let [.., one, two] = &manifest.changes[..] else { panic!("two more changes") };
    assert_eq!(one.from.as_ref(), Some(&before.lists[PEP].index));
    assert_eq!((two.from.as_ref(), &two.to), (Some(&one.to), &manifest.lists[PEP].index));
    let delta = world.delta(two).await;
    assert_eq!(delta.added, 1);
    assert_eq!(delta.altered.iter().collect::<Vec<_>>(), ["Q-1"]);
    assert_eq!(delta.removed.iter().collect::<Vec<_>>(), ["Q-2"]);
    let small = world.bucket.get(&index_key(&delta.index.unwrap())).await.unwrap().unwrap().0;
    assert_eq!(screening::sha256_hex(&small), world.delta(two).await.index.unwrap());
    assert_eq!(Index::from_bytes(small).unwrap().entity_count(), 2);
    assert_eq!(manifest.lists["ofac-sdn"], before.lists["ofac-sdn"], "the other list stays");
}

#[tokio::test]
async fn an_entry_added_to_a_list_reaches_the_customers_that_are_there() {
    let world = World::new().await;
    let ana = world.screened(person("Anatolia", "Quillson", None)).await;
    let bob = world.screened(person("Bob", "Smith", None)).await;
    assert_eq!(ana.pep_scan.status, ScanStatus::Clear);
    let evidence = world.evidence().await.len();
    world.list(&[ANA]).await;
    world.refreshed().await;
    let outcomes = world.drain().await;
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    assert!(count(Outcome::Swept) >= 8, "a page at least of each segment: {outcomes:?}");
    assert_eq!(count(Outcome::Stored), 1, "{outcomes:?}");
    assert_eq!(world.now(&ana).await.pep_scan.status, ScanStatus::Failed);
    assert_eq!(world.now(&bob).await, bob, "nobody else was written");
    assert_eq!(world.evidence().await.len(), evidence + 1);
}

#[tokio::test]
async fn several_editions_in_a_row_end_with_the_last_one() {
    let world = World::new().await;
    let ana = world.screened(person("Anatolia", "Quillson", None)).await;
    let dov = world.screened(person("Dov", "Eskarin", None)).await;
    world.list(&[ANA]).await;
    world.refreshed().await;
    // The next edition comes before anybody was held against this one: Ana is off it again, Dov is on.
    world.list(&[("Q-3", "Dov Eskarin", "")]).await;
    world.refreshed().await;
    let mut messages = world.queue.take();
    assert_eq!(messages.len(), 16);
    // In any order.
    messages.reverse();
    for (_, message) in messages {
        world.deliver(&message, 1).await.unwrap();
    }
    world.drain().await;
    assert_eq!(world.now(&ana).await.pep_scan.status, ScanStatus::Clear);
    assert_eq!(world.now(&dov).await.pep_scan.status, ScanStatus::Failed);
}

#[tokio::test]
async fn a_sweep_that_was_not_begun_is_begun_by_the_next_run() {
    let world = World::new().await;
    let ana = world.screened(person("Anatolia", "Quillson", None)).await;
    world.list(&[ANA]).await;
    let before = world.manifest().await;
    world.refreshed().await;
    // Killed after the manifest and before the queue: neither messages nor progress.
    assert_eq!(world.pages().len(), 8);
    for item in world.items("PART#").await {
        let sweep = store::text(&item, "pk").unwrap().strip_prefix("SWEEP#").unwrap().to_owned();
        let sweep = domain::ids::EventId::parse(&sweep).unwrap();
        let segment = store::number(&item, "segment").unwrap();
        let key = store::keys::SweepKey::new(sweep, u16::try_from(segment).unwrap());
        world.app.customers.table().delete(&key, store::Expression::present()).await.unwrap();
    }
    assert_eq!(world.now(&ana).await.pep_scan.status, ScanStatus::Clear);
    let reports = world.refreshed().await;
    assert_eq!(reports[PEP].result, Refreshed::Unchanged);
    assert_eq!(reports[PEP].sweeps.last().unwrap().begun, 8);
    assert_eq!(world.manifest().await.changes.len(), before.changes.len() + 1);
    world.drain().await;
    assert_eq!(world.now(&ana).await.pep_scan.status, ScanStatus::Failed);
}

#[tokio::test]
async fn sweeps_begin_late_enough_and_stalled_segments_are_taken_up() {
    let world = World::new().await;
    let ana = world.screened(person("Anatolia", "Quillson", None)).await;
    world.list(&[ANA]).await;
    world.refreshed().await;
    let pages = world.pages();
    assert!(pages.iter().all(|(delay, page)| (*delay, page.page) == (SWEEP_DELAY_SECONDS, 0)));
    // Their messages are lost. Within twenty minutes nobody can know.
    world.clock.advance(SignedDuration::from_mins(20));
    assert_eq!(world.refreshed().await[PEP].sweeps.last().unwrap().begun, 0);
    world.clock.advance(SignedDuration::from_secs(1));
    let reports = world.refreshed().await;
    let sweep = reports[PEP].sweeps.last().unwrap();
    assert_eq!((sweep.begun, sweep.done), (8, false));
    world.drain().await;
    assert_eq!(world.now(&ana).await.pep_scan.status, ScanStatus::Failed);
    assert!(world.refreshed().await[PEP].sweeps.last().unwrap().done);
    // A week later the manifest forgets, when it moves.
    world.clock.advance(SignedDuration::from_hours(7 * 24));
    world.edition(&[]).await;
    assert_eq!(world.manifest().await.changes.len(), 1);
}

/// Its progress is forgotten after thirty days, while a manifest that does not move goes on naming the change.
#[tokio::test]
async fn a_sweep_of_long_ago_is_not_begun_again() {
    let world = World::new().await;
    world.edition(&[ANA]).await;
    world.clock.advance(SignedDuration::from_hours(31 * 24));
    for item in world.items("PART#").await {
        let sweep = store::text(&item, "pk").unwrap().strip_prefix("SWEEP#").unwrap().to_owned();
        let segment = u16::try_from(store::number(&item, "segment").unwrap()).unwrap();
        let sweep = domain::ids::EventId::parse(&sweep).unwrap();
        let key = store::keys::SweepKey::new(sweep, segment);
        world.app.customers.table().delete(&key, store::Expression::present()).await.unwrap();
    }
    assert!(!world.manifest().await.changes.is_empty());
    assert!(world.refreshed().await[PEP].sweeps.is_empty());
    assert!(world.pages().is_empty());
}

/// An entry leaves a list because its publisher removed it, and not because nobody can read its row.
#[tokio::test]
async fn a_misprint_removes_nobody_from_a_list() {
    let world = World::new().await;
    let others = ("Q-2", "Bertil Oxenmark", "");
    world.edition(&[ANA, others]).await;
    let ana = world.screened(person("Anatolia", "Quillson", None)).await;
    let status = async || world.now(&ana).await.pep_scan.status;
    assert_eq!(status().await, ScanStatus::Failed);
    // The row has its key and no name; then no key either; then it is the one of an edition that differs elsewhere.
    let third = ("Q-3", "Dov Eskarin", "");
    for (rows, kept) in [
        (vec![("Q-1", "", ""), others], 0),
        (vec![("", "Anatolia Quillson", ""), others], 1),
        (vec![("", "Anatolia Quillson", ""), others, third], 1),
        (vec![("", "Anatolia Quillson", ""), third], 1),
    ] {
        world.edition(&rows).await;
        assert_eq!(status().await, ScanStatus::Failed, "{rows:?}");
        let unread = &world.manifest().await.lists[PEP].unread;
        assert_eq!(unread.kept.iter().collect::<Vec<_>>(), vec!["Q-1"; kept], "{rows:?}");
    }
    // A row that could not be read before says nothing about who leaves now: Q-2 has left.
    world.clock.advance(SignedDuration::from_secs(31));
    let bertil = world.screened(person("Bertil", "Oxenmark", None)).await;
    assert_eq!(bertil.pep_scan.status, ScanStatus::Clear);
    // The row is read again, or gone: so is the entry that is in none.
    world.edition(&[third]).await;
    assert_eq!(status().await, ScanStatus::Clear);
    assert!(world.manifest().await.lists[PEP].unread.is_empty());
}

#[tokio::test]
async fn an_operator_may_take_a_list_as_it_is() {
    let world = World::new().await;
    world.edition(&[ANA]).await;
    let ana = world.screened(person("Anatolia", "Quillson", None)).await;
    world.list(&[("", "Anatolia Quillson", "")]).await;
    let asked = Asked { accept: vec![PEP.to_owned()] };
    let reports = run(&world.refresh, &asked).await.unwrap();
    assert!(matches!(reports[PEP].result, Refreshed::Published { rejected_rows: 1, kept: 0, .. }));
    world.drain().await;
    assert_eq!(world.now(&ana).await.pep_scan.status, ScanStatus::Clear);
}

/// After new word tables, or when the bucket has lost it, nobody can say whose row cannot be read.
#[tokio::test]
async fn an_unreadable_row_beside_an_edition_that_does_not_open_is_refused() {
    let world = World::new().await;
    world.edition(&[ANA]).await;
    let ana = world.screened(person("Anatolia", "Quillson", None)).await;
    let before = world.manifest().await;
    let key = index_key(&before.lists[PEP].index);
    world.bucket.put(&key, b"other tables".to_vec()).await.unwrap();
    world.list(&[("Q-1", "", "")]).await;
    let reports = world.refreshed().await;
    let Refreshed::Failed { reason } = &reports[PEP].result else { panic!("{reports:?}") };
    assert!(reason.contains("cannot be opened"), "{reason}");
    assert_eq!(world.manifest().await.lists[PEP], before.lists[PEP]);
    world.drain().await;
    assert_eq!(world.now(&ana).await.pep_scan.status, ScanStatus::Failed);
    // Read again, or accepted as it is, it comes into force.
    let asked = Asked { accept: vec![PEP.to_owned()] };
    let reports = run(&world.refresh, &asked).await.unwrap();
    let Refreshed::Published { rejected_rows: 1, unread, kept: 0, .. } = &reports[PEP].result
    else {
        panic!("{reports:?}")
    };
    let [line] = &unread[..] else { panic!("{unread:?}") };
    let (place, reason) = line.rsplit_once(": ").unwrap();
    let number: u32 = place.rsplit_once(':').unwrap().1.parse().unwrap();
    assert!(place.starts_with("targets.simple.csv:") && number > 1, "{line}");
    assert_eq!(reason, "empty id or name");
}

/// The row of an alias is nobody's when it cannot be read; the entry that it was of is there without it.
#[tokio::test]
async fn a_misprint_takes_no_name_away() {
    let world = World::new().await;
    world
        .sources(|sources| {
            sources.push(serde_json::json!({
                "id": "own", "name": "Own", "topic": "sanctions", "format": "jsonl",
                "files": [{ "name": "own.jsonl", "location": "bucket:own.jsonl" }],
            }));
        })
        .await;
    let edition = async |lines: &[&str]| {
        world.bucket.put("own.jsonl", format!("{}\n", lines.join("\n")).into()).await.unwrap();
        world.refreshed().await;
        world.drain().await;
        world.manifest().await.lists["own"].clone()
    };
    let whole = r#"{"uid":"1","name":"Anatolia Quillson","aliases":["Zorba Nimwit"]}"#;
    let bare = r#"{"uid":"1","name":"Anatolia Quillson"}"#;
    let unread = r#"{"name":"Zorba Nimwit"}"#;
    let other = r#"{"uid":"2","name":"Dov Eskarin"}"#;
    edition(&[whole]).await;
    let made = world.screened(person("Zorba", "Nimwit", None)).await;
    assert_eq!(made.ofac.status, ScanStatus::Failed);
    for lines in [&[bare, unread][..], &[bare, unread, other], &[other, bare, unread]] {
        let entry = edition(lines).await;
        assert_eq!(entry.unread.kept.iter().collect::<Vec<_>>(), ["1"], "{lines:?}");
        let (bytes, _) = world.bucket.get(&index_key(&entry.index)).await.unwrap().unwrap();
        let names = Index::from_bytes(bytes).unwrap().entity("own", "1").unwrap().names.len();
        assert_eq!(names, 2, "{lines:?}");
    }
    // The row is gone: so is the name.
    let entry = edition(&[bare, other]).await;
    assert!(entry.unread.is_empty());
    let (bytes, _) = world.bucket.get(&index_key(&entry.index)).await.unwrap().unwrap();
    assert_eq!(Index::from_bytes(bytes).unwrap().entity("own", "1").unwrap().names.len(), 1);
}

/// The files are the same; what they mean is another matter, and everybody is held against it.
#[tokio::test]
async fn a_list_that_is_described_otherwise_is_a_first_edition() {
    let world = World::new().await;
    world.edition(&[ANA]).await;
    let ana = world.screened(person("Anatolia", "Quillson", None)).await;
    assert_eq!(ana.ofac.status, ScanStatus::Clear);
    assert_eq!(world.refreshed().await[PEP].result, Refreshed::Unchanged);
    world.sources(|sources| sources[1]["topic"] = "sanctions".into()).await;
    let reports = world.refreshed().await;
    assert!(matches!(reports[PEP].result, Refreshed::Published { .. }), "{reports:?}");
    assert_eq!(world.manifest().await.changes.last().unwrap().from, None);
    world.drain().await;
    assert_eq!(world.now(&ana).await.ofac.status, ScanStatus::Failed);
    assert_eq!(world.refreshed().await[PEP].result, Refreshed::Unchanged);
    // Files of the same names elsewhere.
    let elsewhere = world.bucket.get("pep/targets.simple.csv").await.unwrap().unwrap().0;
    let elsewhere = String::from_utf8(elsewhere).unwrap().replace("Quillson", "Oxenmark");
    world.bucket.put("other.csv", elsewhere.into_bytes()).await.unwrap();
    world.sources(|sources| sources[1]["files"][0]["location"] = "bucket:other.csv".into()).await;
    assert!(matches!(world.refreshed().await[PEP].result, Refreshed::Published { .. }));
    // A manifest of a release that did not note it learns it without a new edition.
    let mut manifest = world.manifest().await;
    let noted = manifest.clone();
    manifest.lists.get_mut(PEP).unwrap().described = None;
    world.bucket.put(MANIFEST, serde_json::to_vec(&manifest).unwrap()).await.unwrap();
    assert_eq!(world.refreshed().await[PEP].result, Refreshed::Unchanged);
    assert_eq!(world.manifest().await, noted);
}

#[tokio::test]
async fn a_list_that_comes_back_is_compared_with_what_it_was() {
    let world = World::new().await;
    let (bytes, _) = world.bucket.get(SOURCES_KEY).await.unwrap().unwrap();
    world.sources(|sources| sources.truncate(1)).await;
    world.refreshed().await;
    assert!(world.manifest().await.retired.contains_key(PEP));
    let (list, _) = world.bucket.get("pep/targets.simple.csv").await.unwrap().unwrap();
    let text = String::from_utf8(list).unwrap();
    let half: Vec<&str> = text.lines().take(text.lines().count() / 2).collect();
    world
        .bucket
        .put("pep/targets.simple.csv", format!("{}\n", half.join("\n")).into())
        .await
        .unwrap();
    world.bucket.put(SOURCES_KEY, bytes).await.unwrap();
    let reports = world.refreshed().await;
    let Refreshed::Failed { reason } = &reports[PEP].result else { panic!("{reports:?}") };
    assert!(reason.contains("the last edition held"), "{reason}");
    let asked = Asked { accept: vec![PEP.to_owned()] };
    run(&world.refresh, &asked).await.unwrap();
    let manifest = world.manifest().await;
    assert!(manifest.lists.contains_key(PEP) && manifest.retired.is_empty());
}

/// Manifests move on; evidence is kept for ten years.
#[tokio::test]
async fn evidence_names_an_index_whose_origin_is_kept() {
    let world = World::new().await;
    world.screened(person("Bob", "Smith", None)).await;
    let manifest = world.manifest().await;
    let evidence = world.evidence().await.remove(0);
    let lists = evidence["lists"].as_l().unwrap();
    assert_eq!(lists.len(), 2);
    for list in lists {
        let list = list.as_m().unwrap();
        let (id, index) = (list["listId"].as_s().unwrap(), list["index"].as_s().unwrap());
        let entry = &manifest.lists[id];
        assert_eq!(&entry.index, index);
        let key = compliance::origin_key(index);
        let (bytes, tag) = world.bucket.get(&key).await.unwrap().unwrap();
        let origin: compliance::Origin = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((&origin.list, &origin.entry), (id, entry));
        assert!(origin.entry.source_hash.is_some());
        // Made again, it is not written over.
        let mut manifest = manifest.clone();
        manifest.lists.get_mut(id).unwrap().engine = Some("older".to_owned());
        world.bucket.put(&index_key(index), b"damaged".to_vec()).await.unwrap();
        world.bucket.put(MANIFEST, serde_json::to_vec(&manifest).unwrap()).await.unwrap();
        world.clock.advance(SignedDuration::from_secs(5));
        world.refreshed().await;
        assert_eq!(world.bucket.get(&key).await.unwrap().unwrap(), (bytes, tag));
    }
}

impl World {
    /// Changes `sources.json`.
    async fn sources(&self, change: impl FnOnce(&mut Vec<Value>)) {
        let (bytes, _) = self.bucket.get(SOURCES_KEY).await.unwrap().unwrap();
        let mut sources: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
        change(&mut sources);
        self.bucket.put(SOURCES_KEY, serde_json::to_vec(&sources).unwrap()).await.unwrap();
    }
}

#[tokio::test]
async fn the_manifest_says_which_edition_of_the_publisher_is_in_force() {
    let world = World::new().await;
    let file = |date: &str| {
        format!(
            "<CONSOLIDATED_LIST dateGenerated=\"{date}\"><INDIVIDUALS><INDIVIDUAL><DATAID>1</DATAID>\
             <FIRST_NAME>Anatolia</FIRST_NAME><SECOND_NAME>Quillson</SECOND_NAME></INDIVIDUAL></INDIVIDUALS>\
             <ENTITIES></ENTITIES></CONSOLIDATED_LIST>"
        )
    };
    world
        .sources(|sources| {
            sources.push(serde_json::json!({
                "id": "un", "name": "UN", "topic": "sanctions", "format": "un-xml",
                "files": [{ "name": "un.xml", "location": "bucket:un.xml" }],
            }));
        })
        .await;
    let mut indexes = Vec::new();
    for date in ["2026-02-27", "2026-02-28"] {
        world.bucket.put("un.xml", file(date).into_bytes()).await.unwrap();
        world.refreshed().await;
        let entry = world.manifest().await.lists["un"].clone();
        assert_eq!(entry.edition.as_deref(), Some(date));
        assert_eq!(entry.source_hash, Some(screening::sha256_hex(file(date).as_bytes())));
        assert_eq!(entry.extent.entries, 1);
        indexes.push(entry.index);
    }
    assert_eq!(indexes[0], indexes[1], "another date is no other content");
    let ofac = &world.manifest().await.lists["ofac-sdn"];
    assert!(ofac.edition.is_none() && ofac.source_hash.is_some());
}

/// A server that takes the connection and says nothing.
#[tokio::test]
async fn a_slow_source_takes_its_own_time_only() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let location = format!("http://{}/list.csv", silent.local_addr().unwrap());
    let mut world = World::new().await;
    world.refresh.time = Duration::from_millis(2_400);
    world
        .sources(|sources| {
            let slow = serde_json::json!({
                "id": "slow", "name": "Slow", "topic": "sanctions", "format": "jsonl",
                "files": [{ "name": "list.jsonl", "location": location }],
            });
            sources.insert(0, slow);
        })
        .await;
    world.list(&[ANA]).await;
    let started = Instant::now();
    let reports = world.refreshed().await;
    assert!(matches!(reports["slow"].result, Refreshed::Failed { .. }));
    assert!(matches!(reports[PEP].result, Refreshed::Published { .. }), "{reports:?}");
    assert!(started.elapsed() >= Duration::from_millis(750), "a third of it, for three sources");
    assert!(started.elapsed() < world.refresh.time, "{:?}", started.elapsed());
}

#[test]
fn what_one_source_leaves_is_for_the_others() {
    let ends = Instant::now() + Duration::from_secs(60);
    let seconds = |sources| share(ends, sources).saturating_duration_since(Instant::now());
    for (sources, least, most) in [(6, 9.9, 10.0), (2, 29.9, 30.0), (1, 59.9, 60.0)] {
        let seconds = seconds(sources).as_secs_f64();
        assert!((least..=most).contains(&seconds), "{sources}: {seconds}");
    }
    assert!(share(Instant::now(), 3) <= Instant::now());
}

#[tokio::test]
async fn two_sources_of_one_id_are_refused() {
    let world = World::new().await;
    let before = world.manifest().await;
    world.sources(|sources| sources.push(sources[1].clone())).await;
    let refused = run(&world.refresh, &Asked::default()).await;
    assert!(matches!(refused, Err(RefreshError::RepeatedListId(id)) if id == PEP));
    assert_eq!(world.manifest().await, before);
}

#[tokio::test]
async fn a_failing_source_keeps_its_edition_and_the_others_go_on() {
    let world = World::new().await;
    let before = world.manifest().await;
    world.bucket.put("ofac/sdn.csv", b"<html>".to_vec()).await.unwrap();
    world.list(&[ANA]).await;
    let reports = world.refreshed().await;
    assert!(matches!(reports["ofac-sdn"].result, Refreshed::Failed { .. }));
    assert!(matches!(reports[PEP].result, Refreshed::Published { .. }));
    let after = world.manifest().await;
    assert_eq!(after.lists["ofac-sdn"], before.lists["ofac-sdn"]);
    assert_ne!(after.lists[PEP].index, before.lists[PEP].index);
}

#[tokio::test]
async fn of_two_runs_at_once_one_moves_a_list_and_neither_loses_anything() {
    let world = World::new().await;
    let base = world.manifest().await.lists[PEP].clone();
    world.list(&[ANA]).await;
    let asked = Asked::default();
    let (one, two) = tokio::join!(run(&world.refresh, &asked), run(&world.refresh, &asked));
    let results = [&one.unwrap()[PEP].result, &two.unwrap()[PEP].result].map(Clone::clone);
    let published =
        results.iter().filter(|result| matches!(result, Refreshed::Published { .. })).count();
    assert!(published >= 1, "{results:?}");
    assert_eq!(world.manifest().await.changes.len(), 3, "one change for one move");
    // A run that started from an older edition than the one in force moves nothing.
    let late = ManifestEntry { index: "0".repeat(64), ..base.clone() };
    let now = world.clock.now();
    let moved = publish(&world.refresh, PEP, Some(&base.index), late, None, now).await.unwrap();
    assert!(moved.is_none());
    assert_ne!(world.manifest().await.lists[PEP].index, "0".repeat(64));
    // A tag that has moved on is refused by the bucket.
    let written = world.bucket.put_if(MANIFEST, b"{}".to_vec(), Some("\"1\"")).await.unwrap();
    assert!(!written);
}

#[tokio::test]
async fn the_index_in_force_is_read_back_only_for_another_engine() {
    let world = World::new().await;
    let mut manifest = world.manifest().await;
    let index = manifest.lists[PEP].index.clone();
    let engine = manifest.lists[PEP].engine.clone();
    assert!(engine.is_some());
    // Damaged under its name: nobody looks, because this engine has tested it.
    let good = world.bucket.get(&index_key(&index)).await.unwrap().unwrap().0;
    world.bucket.put(&index_key(&index), b"damaged".to_vec()).await.unwrap();
    assert_eq!(world.refreshed().await[PEP].result, Refreshed::Unchanged);
    // Another engine tested it: it is read, found wanting, and made anew from unchanged files.
    manifest.lists.get_mut(PEP).unwrap().engine = Some("older".to_owned());
    let bytes = serde_json::to_vec(&manifest).unwrap();
    world.bucket.put(MANIFEST, bytes.clone()).await.unwrap();
    assert_eq!(world.refreshed().await[PEP].result, Refreshed::Unchanged, "the same edition");
    assert_eq!(world.bucket.get(&index_key(&index)).await.unwrap().unwrap().0, good);
    assert_eq!(world.manifest().await.lists[PEP].engine, engine);
    // Sound: only the mark moves.
    world.bucket.put(MANIFEST, bytes).await.unwrap();
    let changes = world.manifest().await.changes.len();
    assert_eq!(world.refreshed().await[PEP].result, Refreshed::Unchanged);
    let after = world.manifest().await;
    assert_eq!((&after.lists[PEP].engine, after.changes.len()), (&engine, changes));
}

#[tokio::test]
async fn a_list_id_that_would_be_read_as_another_is_refused() {
    let world = World::new().await;
    for id in ["pep/2", "*", ""] {
        world.sources(|sources| sources[1]["id"] = id.into()).await;
        assert!(matches!(world.refreshed().await[id].result, Refreshed::Failed { .. }));
        assert!(!world.manifest().await.lists.contains_key(id));
    }
}
