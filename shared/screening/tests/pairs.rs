//! Two names compared directly: a table of labelled pairs, written by hand, must come out right often enough.

use screening::{Config, EntityType, compare};

struct Pair {
    same: bool,
    kind: EntityType,
    one: &'static str,
    other: &'static str,
}

fn pairs() -> Vec<Pair> {
    include_str!("pairs.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 5, "{line}");
            Pair {
                same: fields[0] == "+",
                kind: EntityType::parse(fields[1]),
                one: fields[2],
                other: fields[3],
            }
        })
        .collect()
}

fn score(kind: EntityType, one: &str, other: &str) -> f64 {
    compare(kind, one, other, &Config::default()).score
}

/// F1 at the threshold and the area under the curve.
fn quality(scored: &[(f64, bool)]) -> (f64, f64) {
    let threshold = Config::default().threshold;
    let count = |same: bool, hit: bool| {
        scored.iter().filter(|(score, is)| *is == same && (*score >= threshold) == hit).count()
            as f64
    };
    let (found, wrong, missed) = (count(true, true), count(false, true), count(true, false));
    let side = |same: bool| scored.iter().filter(move |(_, is)| *is == same).map(|(s, _)| *s);
    let mut above = 0.0;
    for one in side(true) {
        for other in side(false) {
            above += f64::from(u8::from(one > other)) + 0.5 * f64::from(u8::from(one == other));
        }
    }
    let compared = (side(true).count() * side(false).count()) as f64;
    (2.0 * found / (2.0 * found + wrong + missed), above / compared)
}

#[test]
fn labelled_pairs_come_out_right() {
    let pairs = pairs();
    assert!(pairs.len() >= 700);
    let scored = |keep: &dyn Fn(&Pair) -> bool, typed: bool, swapped: bool| -> Vec<(f64, bool)> {
        pairs
            .iter()
            .filter(|pair| keep(pair))
            .map(|pair| {
                let kind = if typed { pair.kind } else { EntityType::Unknown };
                let (one, other) =
                    if swapped { (pair.other, pair.one) } else { (pair.one, pair.other) };
                (score(kind, one, other), pair.same)
            })
            .collect()
    };
    let all = |_: &Pair| true;
    let person = |pair: &Pair| pair.kind == EntityType::Person;
    let thing = |pair: &Pair| pair.kind != EntityType::Person;
    for (what, scored, least) in [
        ("all", scored(&all, true, false), (0.94, 0.97)),
        ("names swapped", scored(&all, true, true), (0.94, 0.97)),
        ("without types", scored(&all, false, false), (0.92, 0.96)),
        ("persons", scored(&person, true, false), (0.94, 0.97)),
        ("others", scored(&thing, true, false), (0.92, 0.96)),
    ] {
        let (f1, area) = quality(&scored);
        println!("{what}: {} pairs, F1 {f1:.3}, area under the curve {area:.3}", scored.len());
        assert!(f1 >= least.0 && area >= least.1, "{what}: {f1:.3} {area:.3}");
    }
}

#[test]
fn the_order_of_two_names_matters_little() {
    for pair in pairs() {
        let (forth, back) =
            (score(pair.kind, pair.one, pair.other), score(pair.kind, pair.other, pair.one));
        assert!((forth - back).abs() <= 0.12, "{} | {}: {forth} {back}", pair.one, pair.other);
    }
}

#[test]
fn type_words_of_other_tools_are_read() {
    for (word, kind) in [
        ("Person", EntityType::Person),
        ("Organization", EntityType::Organisation),
        ("Company", EntityType::Organisation),
        ("LegalEntity", EntityType::Unknown),
        ("PublicBody", EntityType::Organisation),
        ("Vessel", EntityType::Vessel),
        ("Airplane", EntityType::Aircraft),
        ("", EntityType::Unknown),
    ] {
        assert_eq!(EntityType::parse(word), kind, "{word}");
    }
}

#[test]
fn what_tells_two_names_apart_keeps_them_below_the_threshold() {
    use EntityType::{Organisation, Person, Unknown, Vessel};
    let threshold = Config::default().threshold;
    for (kind, one, other) in [
        (Person, "Vladimir Ivanovich Petrov", "Vladimir Sergeevich Petrov"),
        (Person, "Viktor Petrovich Orlov", "Viktor Pavlovich Orlov"),
        (Person, "Rajesh Kumar Sharma", "Rakesh Kumar Sharma"),
        (Person, "George Quill II", "George Quill III"),
        (Person, "Martin Quill Jr.", "Martin Quill Sr."),
        (Person, "J. Quillmarsh", "Mary Quillmarsh"),
        (Person, "Bertil Olav Quillmarsh", "Bertil C. Quillmarsh"),
        (Person, "Bertil Olav Quillmarsh", "Margaret Olav Quillmarsh"),
        (Person, "Bertil Olav Quillmarsh", "Bertil Olav Dunholt"),
        (Person, "Oleg Aleksandrovich Smirnov", "Oleg Aleksandrovich Minaev"),
        (Person, "Sergei Borisovich Ivanov", "Sergei Petrovich Ivanov"),
        (Person, "Ivanov Sergei Borisovich", "Sergei Petrovich Ivanov"),
        (Organisation, "Baker Logistics", "B Logistics"),
        (Organisation, "B Logistics", "B & C Logistics"),
        (Organisation, "Wright Shipping LLC", "V-Shipping Pte Ltd"),
        (Organisation, "Thompson Capital Ltd", "T C Capital Co Ltd"),
        (Organisation, "A1 Logistics LLC", "A2 Logistics LLC"),
        (Organisation, "A-1 Logistics LLC", "A2 Logistics LLC"),
        (Unknown, "Viktor Petrovich Orlov", "Viktor Pavlovich Orlov"),
        (Organisation, "Central Bank of Iran", "Central Bank of Iraq"),
        (Organisation, "Bank Melli", "Bank Mellat"),
        (Organisation, "Eskarin Trading Shanghai", "Eskarin Trading Shenzhen"),
        (Organisation, "Arktik SPG 1", "Arktik SPG 2"),
        (Unknown, "Export Bank of India", "Import Bank of India"),
        (Vessel, "Ocean Star II", "Ocean Star III"),
    ] {
        let found = score(kind, one, other);
        assert!(found < threshold, "{one} | {other}: {found:.3}");
    }
    for (kind, one, other) in [
        (Person, "Николай Сергеевич Орлов", "Mikalai Siarheevich Arlou"),
        (Person, "Sergei Nikolayevich Orlov", "Serhii Mykolaiovych Orlov"),
        (Person, "Sergey Borisovich Ivanov", "Sergei Ivanov"),
        (Person, "Ivanov Sergei Borisovich", "Sergei Ivanov"),
        (Person, "Иванов Сергей Борисович", "Sergei Ivanov"),
        (Unknown, "Иванов Сергей Борисович", "Sergei Ivanov"),
        (Person, "Mr Sergey Petrov", "Sergey Petrovich PETROV"),
        (Person, "Catharina van den Berg", "Katharina Vandenberg"),
        (Organisation, "A1 Logistics LLC", "A-1 Logistics LLC"),
        (Organisation, "A1 Logistics LLC", "A-1 Logistics Ltd"),
        (Organisation, "Plant No9", "Plant No. 9"),
        (Organisation, "B Logistics LLC", "B Logistics Ltd"),
        (Organisation, "Islamic Revolutionary Guard Corps", "IRGC"),
        (Organisation, "Rosneft Oil Company", "Rosneft"),
        (Organisation, "JOINT S. COMPANY ESKARIN", "Joint Stock Company Eskarin"),
        (Organisation, "JOIT STOCK COMPANY ESKARIN", "АО Эскарин"),
        (Vessel, "MV Eskarin", "ESKARIN"),
    ] {
        let found = score(kind, one, other);
        assert!(found >= threshold, "{one} | {other}: {found:.3}");
    }
}
