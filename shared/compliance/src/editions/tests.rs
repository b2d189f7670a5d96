//! Editions move as a whole, only to what is verified, and never half way.

use std::sync::atomic::{AtomicU32, Ordering};

use screening::Topic;

use super::*;
use crate::delta::ListDelta;
use crate::testing::{Objects, at, index};

struct World {
    objects: Arc<Objects>,
    editions: Editions,
    scratch: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.scratch).unwrap();
    }
}

fn world() -> World {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::SeqCst);
    let scratch = std::env::temp_dir().join(format!("editions-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&scratch).unwrap();
    let objects = Arc::new(Objects::default());
    let editions = Editions::new(objects.reader(), "manifest.json".to_owned(), scratch.clone());
    World { objects, editions, scratch }
}

fn list(name: &str) -> Vec<u8> {
    index("sdn", Topic::Sanctions, &[("1", name, "")])
}

fn entities(set: &EditionSet) -> Vec<String> {
    set.indexes()
        .flat_map(|index| index.entity("sdn", "1"))
        .map(|one| one.display_name().to_owned())
        .collect()
}

#[tokio::test]
async fn an_index_is_fetched_once_and_the_manifest_believed_for_half_a_minute() {
    let world = world();
    let names = world.objects.publish(&[("sdn", list("Anatolia Quillson"))]);
    let first = world.editions.current(at(0)).await.unwrap();
    assert_eq!(entities(&first), ["Anatolia Quillson"]);
    assert_eq!(world.objects.taken(), ["manifest.json".to_owned(), index_key(&names[0])]);
    world.editions.current(at(29)).await.unwrap();
    assert_eq!(world.objects.taken(), [""; 0]);
    assert!(Arc::ptr_eq(&first, &world.editions.current(at(30)).await.unwrap()));
    assert_eq!(world.objects.taken(), ["manifest.json"]);
    // Another process with the same scratch disk fetches nothing but the manifest.
    let other =
        Editions::new(world.objects.reader(), "manifest.json".to_owned(), world.scratch.clone());
    other.current(at(0)).await.unwrap();
    assert_eq!(world.objects.taken(), ["manifest.json"]);
}

/// The checksum of the hot sections says nothing of what is shown, nor of which index it is.
#[tokio::test]
async fn a_file_on_the_scratch_disk_is_what_its_name_says() {
    let world = world();
    let names = world.objects.publish(&[("sdn", list("Anatolia Quillson"))]);
    let path = world.scratch.join(format!("{}.gwi", names[0]));
    let another = list("Bertil Oxenmark");
    let mut damaged = list("Anatolia Quillson");
    *damaged.last_mut().unwrap() ^= 1;
    for bytes in [another, damaged] {
        std::fs::write(&path, bytes).unwrap();
        let process = Editions::new(
            world.objects.reader(),
            "manifest.json".to_owned(),
            world.scratch.clone(),
        );
        let set = process.current(at(0)).await.unwrap();
        assert_eq!(entities(&set), ["Anatolia Quillson"]);
        assert_eq!(world.objects.taken(), ["manifest.json".to_owned(), index_key(&names[0])]);
    }
}

#[tokio::test]
async fn a_new_edition_comes_between_messages_and_the_old_one_leaves_the_disk() {
    let world = world();
    let pep = index("pep", Topic::Pep, &[("9", "Dov Eskarin", "")]);
    let old = world.objects.publish(&[("sdn", list("Anatolia Quillson")), ("pep", pep.clone())]);
    let held = world.editions.current(at(0)).await.unwrap();
    let new = world.objects.publish(&[("sdn", list("Bertil Oxenmark")), ("pep", pep)]);
    assert!(!world.editions.current(at(10)).await.unwrap().is_at("sdn", &new[0]), "believed");
    // What has to rest on the new edition gets it at once.
    world.objects.taken();
    let since = world.editions.since("sdn", &new[0], at(10)).await.unwrap();
    assert_eq!(entities(&since), ["Bertil Oxenmark"]);
    assert_eq!(
        world.objects.taken(),
        ["manifest.json".to_owned(), index_key(&new[0])],
        "one list moved"
    );
    assert_eq!(entities(&held), ["Anatolia Quillson"], "whoever holds a set goes on with it");
    let on_disk = |name: &str| world.scratch.join(format!("{name}.gwi")).exists();
    assert!(!on_disk(&old[0]) && on_disk(&new[0]) && on_disk(&old[1]));
    // And asks no more while it is held.
    world.editions.since("sdn", &new[0], at(12)).await.unwrap();
    assert_eq!(world.objects.taken(), [""; 0]);
}

#[tokio::test]
async fn what_is_damaged_or_away_leaves_the_last_good_set_in_use() {
    let world = world();
    world.objects.publish(&[("sdn", list("Anatolia Quillson"))]);
    world.editions.current(at(0)).await.unwrap();
    let names = world.objects.publish(&[("sdn", list("Bertil Oxenmark"))]);
    let good = world.objects.held.lock().unwrap()[&index_key(&names[0])].clone();
    let mut forged = good.clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    for bytes in [forged, good[..good.len() / 2].to_vec(), b"<html>".to_vec()] {
        world.objects.put(&index_key(&names[0]), bytes);
        let set = world.editions.current(at(60)).await.unwrap();
        assert_eq!(entities(&set), ["Anatolia Quillson"]);
        let refused = world.editions.in_force(at(60)).await;
        assert!(matches!(refused, Err(EditionError::Forged(_))), "{refused:?}");
    }
    *world.objects.broken.lock().unwrap() = true;
    assert_eq!(entities(&world.editions.current(at(120)).await.unwrap()), ["Anatolia Quillson"]);
    assert!(world.editions.in_force(at(120)).await.is_err(), "nothing older stands in");
    *world.objects.broken.lock().unwrap() = false;
    world.objects.put(&index_key(&names[0]), good);
    assert_eq!(entities(&world.editions.current(at(180)).await.unwrap()), ["Bertil Oxenmark"]);
}

/// What new entries a list has must not be missed for ever because nobody can read which edition is in force.
#[tokio::test]
async fn what_cannot_be_confirmed_is_used_for_some_hours_and_counted() {
    let world = world();
    world.objects.publish(&[("sdn", list("Anatolia Quillson"))]);
    world.editions.current(at(0)).await.unwrap();
    let times = || world.editions.take_unconfirmed().map_or(0, |unconfirmed| unconfirmed.times);
    assert_eq!(times(), 0);
    let hours = HELD_AT_MOST.as_secs();
    world.objects.put("manifest.json", b"{".to_vec());
    for second in [60, 75, 3_600, hours] {
        assert_eq!(entities(&world.editions.current(at(second)).await.unwrap()).len(), 1);
    }
    assert_eq!(times(), 3, "looked for at most twice a minute");
    let late = world.editions.current(at(hours + 31)).await;
    assert!(matches!(late, Err(EditionError::Malformed { .. })), "{late:?}");
    let unconfirmed = world.editions.take_unconfirmed().unwrap();
    assert_eq!(unconfirmed.times, 1);
    assert!(unconfirmed.error.starts_with("manifest.json is not as written: "), "{unconfirmed:?}");
    // Readable again, it is in use again, and the hours begin anew.
    world.objects.publish(&[("sdn", list("Anatolia Quillson"))]);
    world.editions.current(at(hours + 32)).await.unwrap();
    world.objects.put("manifest.json", b"{".to_vec());
    assert!(world.editions.current(at(2 * hours)).await.is_ok());
}

#[tokio::test]
async fn a_damaged_file_on_the_scratch_disk_is_fetched_again() {
    let world = world();
    let names = world.objects.publish(&[("sdn", list("Anatolia Quillson"))]);
    std::fs::write(world.scratch.join(format!("{}.gwi", names[0])), b"half a fi").unwrap();
    assert_eq!(entities(&world.editions.current(at(0)).await.unwrap()), ["Anatolia Quillson"]);
}

#[tokio::test]
async fn nothing_is_screened_before_a_list_is_published() {
    let world = world();
    assert!(matches!(world.editions.current(at(0)).await, Err(EditionError::NoneYet)));
    world.objects.put("manifest.json", b"{".to_vec());
    let malformed = world.editions.current(at(0)).await;
    assert!(matches!(malformed, Err(EditionError::Malformed { .. })));
    let names = world.objects.publish(&[("sdn", list("Anatolia Quillson"))]);
    world.objects.held.lock().unwrap().remove(&index_key(&names[0]));
    assert!(matches!(world.editions.current(at(0)).await, Err(EditionError::Absent(_))));
}

#[tokio::test]
async fn a_delta_is_what_its_name_says_or_nothing() {
    let world = world();
    let (old, new) = (list("Anatolia Quillson"), list("Bertil Oxenmark"));
    let open = |bytes: &Vec<u8>| Index::from_bytes(bytes.clone()).unwrap();
    let (delta, bytes) =
        ListDelta::between("sdn", ("a", &open(&old)), ("b", &open(&new))).unwrap().unwrap();
    assert_eq!((delta.added, delta.altered.len(), delta.removed.len()), (0, 1, 0));
    let text = serde_json::to_vec(&delta).unwrap();
    let name = screening::sha256_hex(&text);
    world.objects.put(&delta_key(&name), text.clone());
    assert!(matches!(world.editions.delta(&name).await, Err(EditionError::Absent(_))));
    world.objects.put(&index_key(delta.index.as_ref().unwrap()), bytes.unwrap());
    assert_eq!(world.editions.delta(&name).await.unwrap().delta(), &delta);
    world.objects.taken();
    world.editions.delta(&name).await.unwrap();
    assert_eq!(world.objects.taken(), [""; 0], "kept open");
    let other = "0".repeat(64);
    world.objects.put(&delta_key(&other), text);
    assert!(matches!(world.editions.delta(&other).await, Err(EditionError::Forged(_))));
}

#[test]
fn editions_that_differ_in_no_entry_have_no_delta() {
    let open = |bytes: Vec<u8>| Index::from_bytes(bytes).unwrap();
    let one = open(list("Anatolia Quillson"));
    assert!(ListDelta::between("sdn", ("a", &one), ("b", &one)).unwrap().is_none());
    let none = open(index("sdn", Topic::Sanctions, &[]));
    let (left, bytes) = ListDelta::between("sdn", ("a", &one), ("b", &none)).unwrap().unwrap();
    assert_eq!((left.index, bytes), (None, None), "nothing to stream past");
    assert!(left.removed.contains("1"));
}
