//! Every stored explanation re-computes to its score, and an index, a delta and a plain comparison agree.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use proptest::prelude::*;
use screening::{
    Config, Entity, EntityType, Hit, Index, ListEdition, ListInfo, NameKind, Query, Topic, compare,
    compile,
};
use std::sync::OnceLock;

const NAMES: [&str; 15] = [
    "Ana Maria QUILL MARSH",
    "Sergei Vladimirovich OXENMARKOV",
    "OXENMARK TRADING LLC",
    "Mahmoud Abd al-Rahman DUNHOLTI",
    "JOINT STOCK COMPANY ZAVOD ESKARIN",
    "SHANGHAI NORTH ESKARIN CO., LTD.",
    "Kim Yong Chol",
    "Natalia QUILLMARSH",
    "BANCO ESKARIN S.A.",
    "Наталья Оксенмаркова",
    "محمود الدنهولتي",
    "ESKARIN 7 SHIPPING",
    "E S SHIPPING CO",
    "Ana M. OXENMARK",
    "Quillmarsh Sergei Ivanovich",
];

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let entities = NAMES
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let corporate = name.contains("CO")
                    || name.contains("S.A.")
                    || name.contains("LLC")
                    || name.contains('7');
                let kind = if corporate { EntityType::Organisation } else { EntityType::Person };
                let mut entity = Entity::new(&at.to_string(), kind, name);
                entity.add_name(&format!("{name} the Younger"), NameKind::Weak);
                entity.birth_dates.extend(screening::BirthDate::parse("11 Dec 1969"));
                entity.nationalities.push("Mexico".to_owned());
                entity
            })
            .collect();
        let list = ListEdition { info: ListInfo::new("t", "Test", Topic::Sanctions), entities };
        Index::from_bytes(compile(&[list]).unwrap()).unwrap()
    })
}

fn query_name() -> impl Strategy<Value = String> {
    let word = prop::sample::select(
        NAMES
            .iter()
            .flat_map(|name| name.split_whitespace())
            .map(str::to_owned)
            .collect::<Vec<String>>(),
    );
    let slipped =
        (word, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(word, at, drop)| {
            let mut letters: Vec<char> = word.chars().collect();
            let at = at.index(letters.len());
            if drop && letters.len() > 3 {
                letters.remove(at);
            }
            letters.into_iter().collect::<String>()
        });
    proptest::collection::vec(slipped, 1..5).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_stored_explanation_adds_up(name in query_name(), born in prop::sample::select(vec!["", "1969", "1969-12-11", "1980-01-01"])) {
        let config = Config { threshold: 0.0, ..Config::default() };
        for kind in [EntityType::Person, EntityType::Organisation, EntityType::Unknown] {
            let query = Query::named(kind, &name).born(born).country("MX");
            for hit in index().search(&query, &config) {
                let stored = serde_json::to_string(&hit).unwrap();
                let read: Hit = serde_json::from_str(&stored).unwrap();
                prop_assert!((read.explanation.score() - read.score).abs() < 1e-9, "{stored}");
                prop_assert!((0.0..=1.0).contains(&hit.score) && (0.0..=1.0 + 1e-9).contains(&hit.parity_score));
            }
        }
    }

    #[test]
    fn the_same_search_gives_the_same_bytes(name in query_name()) {
        let config = Config { threshold: 0.0, ..Config::default() };
        let query = Query::named(EntityType::Unknown, &name);
        let once = serde_json::to_string(&index().search(&query, &config)).unwrap();
        let again = serde_json::to_string(&index().search(&query, &config)).unwrap();
        prop_assert_eq!(once, again);
    }

    #[test]
    fn a_pair_scores_as_the_index_does(name in query_name(), at in 0usize..NAMES.len()) {
        let config = Config { threshold: 0.0, max_hits: 100, ..Config::default() };
        let entity = index().entity("t", &at.to_string()).unwrap();
        let hits = index().search(&Query::named(entity.entity_type, &name), &config);
        if let Some(hit) = hits.iter().find(|hit| hit.uid == entity.uid && hit.matched_kind == NameKind::Primary) {
            let pair = compare(entity.entity_type, &name, &hit.matched_name, &config).score;
            prop_assert!((pair - hit.score).abs() < 1e-9, "{name}: {pair} {}", hit.score);
        }
    }

    #[test]
    fn an_exact_name_is_found_first(at in 0usize..NAMES.len(), shout in any::<bool>()) {
        let entity = index().entity("t", &at.to_string()).unwrap();
        let name = if shout { NAMES[at].to_uppercase() } else { NAMES[at].to_lowercase() };
        let hits = index().search(&Query::named(entity.entity_type, &name), &Config::default());
        prop_assert!(hits.first().is_some_and(|hit| hit.uid == entity.uid && hit.score >= 0.99), "{name} {hits:?}");
    }
}
