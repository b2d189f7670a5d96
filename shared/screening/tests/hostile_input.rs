//! Hostile input: damaged index files, damaged lists and random bytes in every parser. Nothing panics, nothing reads out of bounds.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use proptest::prelude::*;
use screening::{
    Config, Delta, Entity, EntityKey, EntityType, Format, Identifier, Index, IndexError,
    ListEdition, ListInfo, NameKind, Query, Scratch, Source, Topic, compile, compile_delta, parse,
    self_test,
};
use std::path::Path;
use std::sync::OnceLock;

fn bytes() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let names = [
            "Ana Quill Marsh",
            "Бертиль Оксенмарк",
            "محمد الأمين",
            "김영철",
            "吴海波",
            "Cyra DUNHOLT",
        ];
        let entities = (0..60)
            .map(|at| {
                let kind = if at % 3 == 0 { EntityType::Organisation } else { EntityType::Person };
                let mut entity = Entity::new(
                    &format!("u{at:03}"),
                    kind,
                    &format!("{} {at}", names[at % names.len()]),
                );
                entity.add_name(names[(at + 1) % names.len()], NameKind::Weak);
                entity.birth_dates.extend(screening::BirthDate::parse("11 Dec 1969"));
                entity.countries.push("Mexico".to_owned());
                for value in ["X12345678".to_owned(), format!("IMO 91876{at:02}")] {
                    let kind = "Passport".to_owned();
                    entity.identifiers.push(Identifier { kind, value, country: None });
                }
                entity
            })
            .collect();
        let list = ListEdition { info: ListInfo::new("t", "Test", Topic::Sanctions), entities };
        compile(&[list]).unwrap()
    })
}

/// Everything a caller can do with an index.
fn use_all(index: &Index) {
    let config = Config { threshold: 0.0, ..Config::default() };
    let key = |uid: &str| EntityKey { list_id: "t".to_owned(), uid: uid.to_owned() };
    let sought = [key("u000"), key("u007"), key("u059"), key("gone")];
    let mut scratch = Scratch::default();
    for query in [
        Query::person("Ana Quil Marsh").born("1969-12-11").country("MX").identifier("X12345678"),
        Query::organisation("Oxenmark 3"),
        Query::named(EntityType::Unknown, "محمد الامين"),
        Query::person("영철 김"),
    ] {
        for hit in index.search(&query, &config) {
            assert!(hit.score.is_finite());
        }
        let found = index.screen(&mut scratch, &query, &config, &sought);
        assert!(found.matches.iter().all(|found| found.score.is_finite()));
        index.rank(&mut scratch, &query, &config, 5);
        let _ = index.explore(&query, &config, 5);
    }
    // An identifier alone.
    let nameless = Query { identifiers: vec!["IMO 9187607".to_owned()], ..Query::default() };
    let _ = index.screen(&mut scratch, &nameless, &config, &sought);
    let _ = screening::diff(index, index);
    let uids: Vec<&str> = index.uids("t").take(100).collect();
    let all: Vec<EntityKey> = uids.into_iter().map(key).chain(sought).collect();
    let delta = Delta { added: all, ..Delta::default() };
    if let Ok(bytes) = compile_delta(index, &delta) {
        Index::from_bytes(bytes).unwrap();
    }
    let _ = self_test(index, &config);
    let _ = index.entity("t", "u007");
    let _ = index.verify_content();
    let _ = (index.entity_count(), index.name_count(), index.content_hash());
}

#[test]
fn the_files_to_damage_are_whole() {
    for (format, _) in FORMATS {
        let files = whole(format);
        let sources: Vec<Source<'_>> =
            files.iter().map(|(name, bytes)| Source::new(name, bytes)).collect();
        let parsed = parse(format, &sources).unwrap();
        assert!(!parsed.entities.is_empty(), "{format:?}: {:?}", parsed.rejected);
    }
}

#[test]
fn a_whole_index_opens_and_verifies() {
    let index = Index::from_bytes(bytes().to_vec()).unwrap();
    use_all(&index);
    assert!(index.verify_content());
    assert_eq!(index.entity("t", "u007").unwrap().uid, "u007");
}

#[test]
fn the_same_lists_give_the_same_bytes() {
    let entities = |order: [usize; 3]| {
        let made = [("1", "Ana Quill"), ("2", "Bertil Oxenmark"), ("3", "Cyra Dunholt")];
        order.map(|at| Entity::new(made[at].0, EntityType::Person, made[at].1)).to_vec()
    };
    let build = |order| {
        let info = ListInfo::new("t", "Test", Topic::Pep);
        compile(&[ListEdition { info, entities: entities(order) }]).unwrap()
    };
    assert_eq!(build([0, 1, 2]), build([2, 0, 1]));
}

#[test]
fn damage_is_named() {
    let whole = bytes();
    let mut flipped = whole.to_vec();
    let middle = flipped.len() / 3;
    flipped[middle] ^= 0x40;
    assert!(matches!(Index::from_bytes(flipped), Err(IndexError::Checksum)));
    assert!(matches!(
        Index::from_bytes(whole[..whole.len() / 2].to_vec()),
        Err(IndexError::Malformed(_))
    ));
    assert!(matches!(
        Index::from_bytes(b"not an index at all".to_vec()),
        Err(IndexError::Malformed(_))
    ));
    let mut tables = whole.to_vec();
    tables[16] ^= 1;
    assert!(matches!(Index::from_bytes(tables), Err(IndexError::Tables { .. })));
}

/// Puts a right checksum on wrong content, as an attacker who can write the file would.
fn forge(bytes: &mut [u8]) {
    let hot = u64::from_le_bytes(bytes[24..32].try_into().unwrap());
    if let Some(checked) = usize::try_from(hot).ok().and_then(|hot| bytes.get(72..hot)) {
        let sum = xxhash_rust::xxh3::xxh3_64(checked);
        bytes[32..40].copy_from_slice(&sum.to_le_bytes());
    }
}

const FORMATS: [(Format, &str); 10] = [
    (Format::Jsonl, "a.jsonl"),
    (Format::OfacCsv, "sdn.csv"),
    (Format::OfacCsv, "alt.csv"),
    (Format::OfacXml, "sdn.xml"),
    (Format::UnXml, "un.xml"),
    (Format::UkCsv, "uk.csv"),
    (Format::EuCsv, "eu.csv"),
    (Format::EuXml, "eu.xml"),
    (Format::CslCsv, "csl.csv"),
    (Format::OpenSanctionsCsv, "targets.simple.csv"),
];

/// A well-formed beginning for each format, so that random tails reach the inner code.
fn opening(format: Format) -> &'static str {
    match format {
        Format::Jsonl => "{\"uid\":\"1\",\"name\":\"Ana\",\"dob\":[\"1970\"],\"ids\":[[\"a\"]]}\n",
        Format::OfacCsv => {
            "36,\"A, B\",\"individual\",\"X\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"DOB 1970; a.k.a. 'C'\"\n"
        }
        Format::OfacXml => {
            "<sdnList><publshInformation><Record_Count>1</Record_Count></publshInformation><sdnEntry><uid>1</uid><lastName>A</lastName>"
        }
        Format::UnXml => {
            "<CONSOLIDATED_LIST><INDIVIDUALS><INDIVIDUAL><DATAID>1</DATAID><FIRST_NAME>A</FIRST_NAME>"
        }
        Format::UkCsv => {
            "Report Date\nUnique ID,Name 6,Name 1,D.O.B,Name type\n1,A,B,dd/mm/1970,Primary Name\n"
        }
        Format::EuCsv => {
            "Entity_LogicalId;NameAlias_WholeName;BirthDate_BirthDate\n1;A;1970-01-01\n"
        }
        Format::EuXml => {
            "<export generationDate=\"x\"><sanctionEntity logicalId=\"1\"><nameAlias wholeName=\"A\"/>"
        }
        Format::CslCsv => {
            "source,name,ids,dates_of_birth,addresses\nX (Y) - Z,A,\"US, 12\",1970,\"a, US\"\n"
        }
        Format::OpenSanctionsCsv => "id,schema,name,aliases,birth_date\n1,Person,A,B;C,1970\n",
    }
}

/// What closes the beginning of a format again.
fn closing(format: Format) -> &'static str {
    match format {
        Format::OfacXml => "</sdnEntry></sdnList>",
        Format::UnXml => "</INDIVIDUAL></INDIVIDUALS><ENTITIES/></CONSOLIDATED_LIST>",
        Format::EuXml => "</sanctionEntity></export>",
        _ => "",
    }
}

/// A whole set of files for each format: the sample lists where there are some.
fn whole(format: Format) -> Vec<(&'static str, Vec<u8>)> {
    let sample = |path: &str| {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(path)).unwrap()
    };
    match format {
        Format::OfacCsv => ["sdn.csv", "alt.csv", "add.csv", "sdn_comments.csv"]
            .map(|name| (name, sample(&format!("ofac/{name}"))))
            .to_vec(),
        Format::OpenSanctionsCsv => {
            vec![("targets.simple.csv", sample("pep/targets.simple.csv"))]
        }
        _ => {
            let name = FORMATS.iter().find(|(known, _)| *known == format).unwrap().1;
            vec![(name, [opening(format), closing(format)].concat().into_bytes())]
        }
    }
}

/// One thing that happens to a file on its way.
#[derive(Debug, Clone)]
enum Damage {
    Changed(prop::sample::Index, u8),
    Lost(prop::sample::Index, usize),
    Doubled(prop::sample::Index, usize),
    Inserted(prop::sample::Index, Vec<u8>),
    Cut(prop::sample::Index),
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        let at = any::<prop::sample::Index>;
        let bytes = prop_oneof![
            proptest::collection::vec(any::<u8>(), 1..8),
            "[<>&;,\"'\\n\t{}\\[\\]:/#-]{1,4}".prop_map(String::into_bytes),
        ];
        prop_oneof![
            (at(), any::<u8>()).prop_map(|(at, byte)| Self::Changed(at, byte)),
            (at(), 1usize..40).prop_map(|(at, count)| Self::Lost(at, count)),
            (at(), 1usize..400).prop_map(|(at, count)| Self::Doubled(at, count)),
            (at(), bytes).prop_map(|(at, bytes)| Self::Inserted(at, bytes)),
            at().prop_map(Self::Cut),
        ]
    }

    fn happen(self, file: &mut Vec<u8>) {
        let length = file.len();
        if length == 0 {
            return;
        }
        let upto = |at: usize, count: usize| at..(at + count).min(length);
        match self {
            Self::Changed(at, byte) => file[at.index(length)] = byte,
            Self::Lost(at, count) => drop(file.drain(upto(at.index(length), count))),
            Self::Doubled(at, count) => {
                let part = file[upto(at.index(length), count)].to_vec();
                let at = at.index(length);
                file.splice(at..at, part);
            }
            Self::Inserted(at, bytes) => {
                let at = at.index(length);
                file.splice(at..at, bytes);
            }
            Self::Cut(at) => file.truncate(at.index(length)),
        }
    }
}

/// Every entity's record says that its names begin near the last number there is, and that there are as many as can be.
#[test]
fn a_forged_range_of_names_is_no_overflow() {
    let mut damaged = bytes().to_vec();
    let row = 72 + 10 * 16;
    let start = u64::from_le_bytes(damaged[row..row + 8].try_into().unwrap()) as usize;
    let length = u64::from_le_bytes(damaged[row + 8..row + 16].try_into().unwrap()) as usize;
    for at in (start..start + length).step_by(28) {
        damaged[at + 4..at + 8].copy_from_slice(&(u32::MAX - 3).to_le_bytes());
        damaged[at + 18..at + 20].copy_from_slice(&u16::MAX.to_le_bytes());
    }
    forge(&mut damaged);
    use_all(&Index::from_bytes(damaged).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn damaged_bytes_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..24),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        forged in any::<bool>(),
    ) {
        let mut damaged = bytes().to_vec();
        for (at, value) in changes {
            let at = at.index(damaged.len());
            damaged[at] = value;
        }
        if let Some(cut) = cut {
            damaged.truncate(cut.index(damaged.len()));
        }
        if forged && damaged.len() > 80 {
            forge(&mut damaged);
        }
        if let Ok(index) = Index::from_bytes(damaged) {
            use_all(&index);
        }
    }

    #[test]
    fn forged_section_tables_never_panic(
        row in 0usize..26, start in any::<u32>(), length in any::<u32>(), wild in any::<bool>(),
    ) {
        let mut damaged = bytes().to_vec();
        let limit = damaged.len() as u64;
        let (start, length) = if wild {
            (u64::from(start) << 20, u64::MAX - u64::from(length))
        } else {
            (u64::from(start) % limit, u64::from(length) % limit)
        };
        let at = 72 + row * 16;
        damaged[at..at + 8].copy_from_slice(&start.to_le_bytes());
        damaged[at + 8..at + 16].copy_from_slice(&length.to_le_bytes());
        forge(&mut damaged);
        if let Ok(index) = Index::from_bytes(damaged) {
            use_all(&index);
        }
    }

    #[test]
    fn random_bytes_in_every_parser_never_panic(
        at in 0usize..FORMATS.len(), tail in proptest::collection::vec(any::<u8>(), 0..200), headed in any::<bool>(),
    ) {
        let (format, name) = FORMATS[at];
        let mut content = if headed { opening(format).as_bytes().to_vec() } else { Vec::new() };
        content.extend_from_slice(&tail);
        let sources = [Source::new(name, &content), Source::new("alt.csv", &content), Source::new("add.csv", &content)];
        let used = if format == Format::OfacCsv { &sources[..] } else { &sources[..1] };
        if let Ok(parsed) = parse(format, used) {
            for entity in &parsed.entities {
                prop_assert!(!entity.uid.is_empty() && entity.content_hash().len() == 32);
            }
        }
    }

    /// Whatever is let through compiles, and the index opens.
    #[test]
    fn damage_to_whole_files_never_panics(
        at in 0usize..FORMATS.len(),
        damages in proptest::collection::vec((0usize..4, Damage::any()), 1..6),
    ) {
        let mut files = whole(FORMATS[at].0);
        for (file, damage) in damages {
            let file = file % files.len();
            damage.happen(&mut files[file].1);
        }
        let sources: Vec<Source<'_>> = files.iter().map(|(name, bytes)| Source::new(name, bytes)).collect();
        if let Ok(parsed) = parse(FORMATS[at].0, &sources) {
            let info = ListInfo::new("t", "Test", Topic::Sanctions);
            let bytes = compile(&[ListEdition { info, entities: parsed.entities }]).unwrap();
            Index::from_bytes(bytes).unwrap();
        }
    }

    #[test]
    fn random_text_in_every_parser_never_panics(
        at in 0usize..FORMATS.len(), tail in "[<>/a-zA-Z&;,\"'=0-9 \\n{}\\[\\]:-]{0,200}",
    ) {
        let (format, name) = FORMATS[at];
        let content = format!("{}{tail}", opening(format));
        let sources = [
            Source::new(name, content.as_bytes()),
            Source::new("alt.csv", content.as_bytes()),
            Source::new("add.csv", content.as_bytes()),
        ];
        let used = if format == Format::OfacCsv { &sources[..] } else { &sources[..1] };
        let _ = parse(format, used);
    }
}
