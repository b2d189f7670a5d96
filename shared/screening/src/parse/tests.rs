//! What is true of every format: a file that is cut short is noticed, and a skipped row says what is lost with it.

use super::*;

/// A file of each format with several entries, the first of which has the key 1 where keys may be chosen.
fn files() -> Vec<(Format, Vec<(&'static str, String)>)> {
    let numbers = 1..=40;
    let lines = |header: &str, line: &dyn Fn(u32) -> String| {
        let rows: Vec<String> = numbers.clone().map(line).collect();
        format!("{header}{}\n", rows.join("\n"))
    };
    let ofac = lines("", &|at| {
        format!(
            "{at},\"QUILL {at}, Ana\",\"individual\",\"SDGT\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- "
        )
    });
    let details = |kind: &str| lines("", &|at| format!("{at},{at}0,{kind},\"A{at}\",-0- "));
    let csl = lines("source,entity_number,name,remarks\n", &|at| {
        format!("SDN,{at},\"QUILL {at}, Ana\",\"remark {at}\"")
    });
    let simple =
        lines("id,schema,name,dataset\n", &|at| format!("{at},Person,\"Ana Quill {at}\",\"Test\""));
    let uk = lines("Unique ID,Name 6,Name type,Other Information\n", &|at| {
        format!("{at},QUILL {at},Primary Name,\"remark {at}\"")
    });
    let eu = lines("Entity_LogicalId;NameAlias_WholeName;Entity_Remark\n", &|at| {
        format!("{at};Ana Quill {at};\"remark {at}\"")
    });
    let jsonl = lines("", &|at| format!("{{\"uid\":\"{at}\",\"name\":\"Ana Quill {at}\"}}"));
    let people = |open: &str, person: &dyn Fn(u32) -> String, close: &str| {
        format!("{open}{}{close}", numbers.clone().map(person).collect::<String>())
    };
    let un = people(
        "<CONSOLIDATED_LIST><INDIVIDUALS>",
        &|at| {
            format!(
                "<INDIVIDUAL><DATAID>{at}</DATAID><FIRST_NAME>ANA {at}</FIRST_NAME></INDIVIDUAL>"
            )
        },
        "</INDIVIDUALS><ENTITIES></ENTITIES></CONSOLIDATED_LIST>",
    );
    let eu_xml = people(
        "<export>",
        &|at| {
            format!(
                "<sanctionEntity logicalId=\"{at}\"><nameAlias wholeName=\"Ana {at}\"/></sanctionEntity>"
            )
        },
        "</export>",
    );
    let ofac_xml = people(
        "<sdnList><publshInformation><Record_Count>40</Record_Count></publshInformation>",
        &|at| format!("<sdnEntry><uid>{at}</uid><lastName>QUILL {at}</lastName></sdnEntry>"),
        "</sdnList>",
    );
    vec![
        (Format::Jsonl, vec![("list.jsonl", jsonl)]),
        (
            Format::OfacCsv,
            vec![("add.csv", details("-0- ")), ("alt.csv", details("aka")), ("sdn.csv", ofac)],
        ),
        (Format::OfacXml, vec![("sdn.xml", ofac_xml)]),
        (Format::UnXml, vec![("un.xml", un)]),
        (Format::UkCsv, vec![("uk.csv", uk)]),
        (Format::EuCsv, vec![("eu.csv", eu)]),
        (Format::EuXml, vec![("eu.xml", eu_xml)]),
        (Format::CslCsv, vec![("csl.csv", csl)]),
        (Format::OpenSanctionsCsv, vec![("targets.simple.csv", simple)]),
    ]
}

fn read(format: Format, files: &[(&'static str, String)]) -> Result<Parsed, ParseError> {
    let sources: Vec<Source<'_>> =
        files.iter().map(|(name, text)| Source::new(name, text.as_bytes())).collect();
    parse(format, &sources)
}

#[test]
fn a_file_cut_in_its_last_twentieth_is_refused() {
    let all = files();
    assert_eq!(all.len(), Format::ALL.len());
    for (format, whole) in all {
        assert_eq!(read(format, &whole).unwrap().entities.len(), 40, "{format:?}");
        for file in 0..whole.len() {
            let length = whole[file].1.len();
            for cut in 1..=length / 20 {
                let mut files = whole.clone();
                files[file].1.truncate(length - cut);
                let whole_object = format == Format::Jsonl && files[file].1.ends_with('}');
                let at_a_line = files[file].1.ends_with('\n') || whole_object;
                let refused = read(format, &files).is_err();
                // Where lines end is where nothing can be seen in the file itself.
                assert!(refused || at_a_line, "{format:?}, {cut} bytes short");
            }
        }
    }
}

#[test]
fn a_quote_that_is_never_closed_refuses_the_file() {
    for (format, mut files) in files() {
        let last = files.len() - 1;
        let text = &files[last].1;
        // In a line of the last twentieth, so that few entries are lost in it.
        let Some(at) = text.rfind("\n").and_then(|end| text[..end].rfind('"')) else { continue };
        if matches!(format, Format::Jsonl | Format::OfacXml | Format::EuXml) {
            continue;
        }
        files[last].1.remove(at);
        let refused = read(format, &files);
        assert!(matches!(refused, Err(ParseError::Malformed { .. })), "{format:?}: {refused:?}");
    }
}

#[test]
fn a_skipped_row_says_which_entry_is_lost_as_far_as_it_can() {
    for (format, line, lost) in [
        (Format::Jsonl, "{\"uid\":\"7\",\"name\":\" \"}", Lost::Entry("7".to_owned())),
        (Format::Jsonl, "{\"uid\":\"7\",\"name\":7}", Lost::Entry("7".to_owned())),
        (Format::Jsonl, "{\"uid\":\"7\",\"name", Lost::SomeEntry),
        (Format::OfacCsv, "7,\"QUILL\"", Lost::Entry("7".to_owned())),
        (Format::OfacCsv, "7x,\"QUILL\"", Lost::SomeEntry),
        (Format::UkCsv, "7,,Primary Name,", Lost::Entry("7".to_owned())),
        (Format::UkCsv, ",QUILL,Primary Name,", Lost::SomeEntry),
        (Format::EuCsv, "7;;remark", Lost::Entry("7".to_owned())),
        (Format::EuCsv, "7x;Ana;", Lost::SomeEntry),
        (Format::CslCsv, "SDN,7,,", Lost::Entry("SDN-7".to_owned())),
        (Format::CslCsv, ",7,QUILL,", Lost::SomeEntry),
        (Format::CslCsv, "SDN,7,QUILL,,8,SDN,QUILL", Lost::SomeEntry),
        (Format::OpenSanctionsCsv, "7,Person,,", Lost::Entry("7".to_owned())),
        (Format::OpenSanctionsCsv, ",Person,Ana,", Lost::SomeEntry),
    ] {
        let mut files = files().into_iter().find(|(known, _)| *known == format).unwrap().1;
        let last = files.len() - 1;
        let text = files[last].1.clone();
        let mut lines: Vec<&str> = text.lines().collect();
        let seventh = lines.iter().position(|line| line.contains("7")).unwrap();
        lines[seventh] = line;
        files[last].1 = lines.join("\n") + "\n";
        let parsed = read(format, &files).unwrap();
        let mut found: Vec<&Lost> = parsed
            .rejected
            .iter()
            .map(|row| &row.lost)
            .filter(|lost| **lost != Lost::Nothing)
            .collect();
        // Nor can it be known whose the details are of an entry whose number cannot be read.
        found.dedup();
        assert_eq!(found, [&lost], "{format:?} {line}");
        assert_eq!(parsed.entities.len(), 39);
    }
}

#[test]
fn a_key_of_two_entries_hides_neither() {
    let line = |uid: &str, name: &str| format!("{{\"uid\":\"{uid}\",\"name\":\"{name}\"}}\n");
    let text = line("1", "Ana Quill")
        + &line("1", "Bertil Oxenmark")
        + &line("1#2", "Cyra Dunholt")
        + &line("1", "Ana Quill")
        + &line("1", "Dov Eskarin");
    let parsed = read(Format::Jsonl, &[("a.jsonl", text)]).unwrap();
    let listed: Vec<(&str, &str)> = parsed
        .entities
        .iter()
        .map(|entity| (entity.uid.as_str(), entity.names[0].text.as_str()))
        .collect();
    assert_eq!(
        listed,
        [
            ("1", "Ana Quill"),
            ("1#2", "Bertil Oxenmark"),
            ("1#2#2", "Cyra Dunholt"),
            ("1#3", "Dov Eskarin")
        ]
    );
    let told: Vec<(u64, &Lost)> = parsed.rejected.iter().map(|row| (row.line, &row.lost)).collect();
    assert_eq!(told, [2, 3, 4, 5].map(|line| (line, &Lost::Nothing)));
    assert!(parsed.rejected.iter().all(|row| row.file == "a.jsonl"));

    // Too many of them are no misprint.
    let text: String = (0..30).map(|at| line("1", &format!("Ana Quill {at}"))).collect();
    let refused = read(Format::Jsonl, &[("a.jsonl", text)]);
    assert!(matches!(refused, Err(ParseError::TooManyRejected { .. })), "{refused:?}");

    // An alias of such a key may be either's.
    let (_, mut files) =
        files().into_iter().find(|(format, _)| *format == Format::OfacCsv).unwrap();
    files[2].1 = files[2].1.replace("7,\"QUILL 7, Ana\",", "6,\"QUILL 7, Ana\",");
    files[1].1 = files[1].1.replace("\n7,", "\n6,");
    files[0].1 = files[0].1.replace("\n7,", "\n6,");
    let parsed = read(Format::OfacCsv, &files).unwrap();
    let of = |uid: &str| parsed.entities.iter().find(|entity| entity.uid == uid).unwrap();
    assert_eq!((parsed.entities.len(), of("6").names.len()), (40, of("6#2").names.len()));
    assert_eq!(of("6#2").names[0].text, "Ana QUILL 7");
}

#[test]
fn an_overlong_key_is_malformed() {
    let line = |uid: &str| format!("{{\"uid\":\"{uid}\",\"name\":\"Ana Quill\"}}\n");
    let text = line("1") + &line(&"9".repeat(MOST_UID + 1)) + &line(&"8".repeat(MOST_UID));
    let parsed = read(Format::Jsonl, &[("a.jsonl", text)]).unwrap();
    assert_eq!((parsed.entities.len(), parsed.rejected.len()), (2, 1));
}

#[test]
fn an_entry_without_a_readable_name_is_skipped_and_not_the_list() {
    let line = |uid: u32, name: &str| format!("{{\"uid\":\"{uid}\",\"name\":\"{name}\"}}\n");
    let names = ["Ana Quill", "—", "?", "🙂", "Квилл", "吴", "O", "7"];
    let text: String = (1..).zip(names).map(|(uid, name)| line(uid, name)).collect();
    let parsed = read(Format::Jsonl, &[("a.jsonl", text)]).unwrap();
    let lost: Vec<&Lost> = parsed.rejected.iter().map(|row| &row.lost).collect();
    assert_eq!(lost, ["2", "3", "4"].map(|uid| Lost::Entry(uid.to_owned())).each_ref());
    let info = crate::ListInfo::new("t", "Test", crate::Topic::Sanctions);
    crate::compile(&[crate::ListEdition { info, entities: parsed.entities }]).unwrap();
}

proptest::proptest! {
    /// What is let through compiles.
    #[test]
    fn a_readable_name_has_words(name in "\\PC{0,12}|[a-z0-9]\\PC{0,3}", kind in 0u8..5) {
        let kind = EntityType::from_code(kind);
        proptest::prop_assert_eq!(is_readable(&name), !tokens_of(&name, kind).is_empty());
    }
}

#[test]
fn a_quote_that_the_next_row_closes_takes_no_alias_away_unnoticed() {
    // Each file's seventh row with a quote lost, so that the eighth is swallowed.
    for (format, files) in files() {
        let is_of_rows =
            !matches!(format, Format::Jsonl | Format::OfacXml | Format::EuXml | Format::UnXml);
        for file in 0..files.len() {
            let mut files = files.clone();
            let lines: Vec<&str> = files[file].1.split_inclusive('\n').collect();
            let Some(at) = lines.iter().position(|line| line.contains('7') && line.contains('"'))
            else {
                continue;
            };
            let line = lines[at];
            let Some(quote) = line.rfind('"').filter(|_| is_of_rows) else {
                continue;
            };
            let torn = format!("{}{}", &line[..quote], &line[quote + 1..]);
            let text: String = lines
                .iter()
                .enumerate()
                .map(|(n, line)| if n == at { &torn } else { *line })
                .collect();
            files[file].1 = text;
            let parsed = read(format, &files).unwrap();
            let lost = parsed.rejected.iter().any(|row| row.lost == Lost::SomeEntry);
            assert!(lost, "{format:?} {}: {:?}", files[file].0, parsed.rejected);
        }
    }
}

#[test]
fn a_row_of_details_that_cannot_be_placed_may_be_any_entrys() {
    let (_, whole) = files().into_iter().find(|(format, _)| *format == Format::OfacCsv).unwrap();
    for (row, lost) in [
        ("3x7,370,aka,\"A37\",-0- ", Lost::SomeEntry),
        ("377,370,aka,\"A37\",-0- ", Lost::SomeEntry),
        ("37,370,aka,\"A37\",-0- ,-0- ,\"B\"", Lost::SomeEntry),
        (",370,aka,\"A37\",-0- ", Lost::SomeEntry),
        ("37,370", Lost::Entry("37".to_owned())),
    ] {
        for file in [0, 1] {
            let mut files = whole.clone();
            files[file].1 =
                files[file].1.replace(&files[file].1.lines().nth(36).unwrap().to_owned(), row);
            let parsed = read(Format::OfacCsv, &files).unwrap();
            let found: Vec<&Lost> = parsed.rejected.iter().map(|row| &row.lost).collect();
            // An address of nobody who is listed takes no name away.
            let lost = if file == 0 && row.starts_with("377,") { &Lost::Nothing } else { &lost };
            assert_eq!((found, parsed.entities.len()), (vec![lost], 40), "{row}");
        }
    }
    // Details of an entry whose own row is skipped are lost with it.
    let mut files = whole;
    files[2].1 = files[2].1.replace("7,\"QUILL 7, Ana\",", "7,-0- ,");
    let parsed = read(Format::OfacCsv, &files).unwrap();
    let lost: Vec<&Lost> = parsed.rejected.iter().map(|row| &row.lost).collect();
    assert_eq!(lost, [&Lost::Entry("7".to_owned()), &Lost::Nothing, &Lost::Nothing]);
}

#[test]
fn a_skipped_row_of_the_eu_is_known_again_in_the_next_file() {
    let digest = |date: &str| {
        let text = format!(
            "fileGenerationDate;Entity_LogicalId;NameAlias_WholeName\n{date};13;Ana Quill\n{date};1x;Bo\n"
        );
        read(Format::EuCsv, &[("eu.csv", text)]).unwrap().rejected[0].digest.clone()
    };
    assert_eq!(digest("2026-06-01"), digest("2026-06-02"));
}
