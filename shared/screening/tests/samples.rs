//! The sample lists answer as the public sandbox documents.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use screening::{
    Config, Format, Index, ListEdition, ListInfo, Query, Source, Topic, compile, parse,
};
use std::path::Path;

fn sample(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(path)).unwrap()
}

fn index() -> Index {
    let files = ["sdn.csv", "alt.csv", "add.csv", "sdn_comments.csv"]
        .map(|name| (name, sample(&format!("ofac/{name}"))));
    let sources: Vec<Source<'_>> =
        files.iter().map(|(name, bytes)| Source::new(name, bytes)).collect();
    let ofac = parse(Format::OfacCsv, &sources).unwrap();
    assert!(ofac.rejected.is_empty(), "{:?}", ofac.rejected);
    let bytes = sample("pep/targets.simple.csv");
    let pep =
        parse(Format::OpenSanctionsCsv, &[Source::new("targets.simple.csv", &bytes)]).unwrap();
    assert!(pep.rejected.is_empty(), "{:?}", pep.rejected);
    let lists = [
        ListEdition {
            info: ListInfo::new("ofac-sdn", "OFAC SDN", Topic::Sanctions),
            entities: ofac.entities,
        },
        ListEdition { info: ListInfo::new("pep", "PEPs", Topic::Pep), entities: pep.entities },
    ];
    Index::from_bytes(compile(&lists).unwrap()).unwrap()
}

#[test]
fn the_sandbox_triggers_hit_and_nothing_else_does() {
    let index = index();
    let config = Config::default();
    let arellano = || Query::person("Francisco Javier Arellano Félix");
    for (query, expected) in [
        (Query::person("Vladimir Putin"), Some(Topic::Pep)),
        (Query::person("vladimir putin").born("1952-10-07"), Some(Topic::Pep)),
        (arellano().born("1969-12-11"), Some(Topic::Sanctions)),
        (
            Query::person("FRANCISCO JAVIER ARELLANO FELIX").born("1969-12-11"),
            Some(Topic::Sanctions),
        ),
        (arellano().born("1985-03-02"), None),
        (Query::organisation("Blue Star Diamond"), Some(Topic::Sanctions)),
        (Query::organisation("Blue Star Diamond LLC"), Some(Topic::Sanctions)),
        (Query::person("Bob Smith"), None),
        (Query::person("Dana Rivers").born("1980-03-06"), None),
        (Query::person("Francisco Javier Hernandez"), None),
        (Query::organisation("Blue Sky Bakery"), None),
        (Query::organisation("Star Diamond Nails"), None),
    ] {
        let hits = index.search(&query, &config);
        assert_eq!(hits.first().map(|hit| hit.topic), expected, "{:?} {hits:?}", query.names);
    }
}

#[test]
fn an_exact_name_ranks_first_near_one() {
    let index = index();
    let config = Config::default();
    for list in ["ofac-sdn", "pep"] {
        for uid in ["20103", "20105", "20107", "20110", "Q-sample-05", "Q-sample-07", "Q-sample-09"]
        {
            let Some(entity) = index.entity(list, uid) else { continue };
            for name in &entity.names {
                let hits = index.search(&Query::named(entity.entity_type, &name.text), &config);
                let best = hits.first().unwrap_or_else(|| panic!("{} finds nothing", name.text));
                assert!(
                    best.uid == uid && best.score >= 0.99,
                    "{}: {} {}",
                    name.text,
                    best.uid,
                    best.score
                );
            }
        }
    }
}

#[test]
fn a_stored_explanation_adds_up_to_its_score() {
    let index = index();
    let config = Config::default();
    let query = Query::person("Javier Arelano Felix").born("1969-12-11").country("MX");
    let hit = index.search(&query, &config).into_iter().next().unwrap();
    let stored = serde_json::to_string(&hit).unwrap();
    let read: screening::Hit = serde_json::from_str(&stored).unwrap();
    assert!((read.explanation.score() - read.score).abs() < 1e-9);
    assert_eq!(stored, serde_json::to_string(&index.search(&query, &config)[0]).unwrap());
}
