use domain::ekyc::Channel;
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::passcode::Passcode;

const TEN_MINUTES: SignedDuration = SignedDuration::from_mins(10);

fn rendered(templates: &Templates, channel: Channel, locale: &str) -> Rendered {
    let code = Passcode::parse("012345").unwrap();
    templates.render(channel, &Locale::parse(locale).unwrap(), &code, TEN_MINUTES, None)
}

fn sms(templates: &Templates, locale: &str) -> String {
    match rendered(templates, Channel::Sms, locale) {
        Rendered::Text(text) => text.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn locales_are_read_into_one_spelling() {
    for (text, expected) in [("en-GB", "en-GB"), ("EN_gb", "en-GB"), ("De", "de")] {
        assert_eq!(Locale::parse(text).unwrap().as_str(), expected);
    }
    for text in ["", "e", "eng", "en-", "en-GBR", "e1-GB", "en GB", "en-GB-x", "é-GB", "日本"] {
        assert_eq!(Locale::parse(text), Err(NotALocale), "{text}");
    }
}

#[test]
fn a_text_has_the_code_its_purpose_and_its_life() {
    let built_in = Templates::default();
    assert_eq!(
        sms(&built_in, "en-GB"),
        "012345 is your code to confirm your phone number. It lasts 10 minutes. Never share it, not even with us."
    );
    assert_eq!(
        sms(&built_in, "de-AT"),
        "012345 ist Ihr Code, um Ihre Telefonnummer zu bestätigen. Er gilt 10 Minuten. Geben Sie ihn niemandem weiter, auch uns nicht."
    );
    assert_eq!(sms(&built_in, "pl"), sms(&built_in, "en-GB"), "nobody speaks Polish here");
}

#[test]
fn an_e_mail_has_the_code_in_its_text_alone() {
    let Rendered::Mail { subject, body } = rendered(&Templates::default(), Channel::Email, "en-GB")
    else {
        panic!("an e-mail");
    };
    assert_eq!(subject, "Your code to confirm your e-mail address");
    assert!(body.starts_with("012345 is your code to confirm your e-mail address.\n"));
}

#[test]
fn a_call_says_every_digit_twice_and_slowly() {
    let Rendered::Speech { ssml, voice } = rendered(&Templates::default(), Channel::Voice, "fr-FR")
    else {
        panic!("a call");
    };
    assert_eq!(voice, "LEA");
    assert!(ssml.starts_with("<speak>Bonjour.") && ssml.ends_with("</speak>"), "a call");
    assert_eq!(ssml.matches("<prosody rate=\"slow\">").count(), 2);
    let digit = |digit| {
        ssml.matches(&format!(
            "<say-as interpret-as=\"digits\">{digit}</say-as><break time=\"700ms\"/>"
        ))
        .count()
    };
    assert_eq!((0..=6).map(digit).collect::<Vec<_>>(), [2, 2, 2, 2, 2, 2, 0]);
    let longest = Passcode::parse("0123456789").unwrap();
    let locale = Locale::british();
    let Rendered::Speech { ssml, .. } =
        Templates::default().render(Channel::Voice, &locale, &longest, TEN_MINUTES, None)
    else {
        panic!("a call");
    };
    assert!(ssml.len() < 6_000, "the most that the service takes");
}

#[test]
fn words_of_a_partner_are_not_markup() {
    let voice = "Tom & Ann's <b> says {code} and {code}";
    let own = Templates::parse(&json!({ "en-GB": { "voice": voice } })).unwrap();
    let Rendered::Speech { ssml, .. } = rendered(&own, Channel::Voice, "en-GB") else {
        panic!("a call");
    };
    assert!(ssml.starts_with("<speak>Tom &amp; Ann&apos;s &lt;b&gt; says <prosody"), "a call");
}

#[test]
fn a_partners_own_texts_come_before_built_in_ones() {
    let own = Templates::parse(&json!({
        "en-GB": { "sms": "Acme: {code} to {purpose}.", "purposePhone": "open your account" },
        "pl-PL": { "sms": "Kod {code}" },
    }))
    .unwrap();
    for (locale, expected) in [
        ("en-GB", "Acme: 012345 to open your account."),
        ("en", "Acme: 012345 to open your account."),
        ("ja-JP", "Acme: 012345 to open your account."),
        ("pl", "Kod 012345"),
        (
            "it-IT",
            "012345 è il suo codice per confermare il suo numero di telefono. Vale 10 minuti. Non lo comunichi a nessuno.",
        ),
    ] {
        assert_eq!(sms(&own, locale), expected, "{locale}");
    }
    let Rendered::Mail { subject, .. } = rendered(&own, Channel::Email, "en-GB") else {
        panic!("an e-mail");
    };
    assert_eq!(subject, "Your code to confirm your e-mail address", "it has none of its own");
}

#[test]
fn a_life_is_told_in_whole_minutes_or_hours() {
    for (seconds, expected) in [
        (1, "1 minute"),
        (60, "1 minute"),
        (119, "1 minute"),
        (600, "10 minutes"),
        (7_199, "119 minutes"),
        (7_200, "2 hours"),
        (604_800, "168 hours"),
    ] {
        assert_eq!(builtin::life("en", seconds), expected);
    }
    assert_eq!(builtin::life("de", 60), "1 Minute");
    assert_eq!(builtin::life("xx", 600), "10 minutes");
}

#[test]
fn a_voice_speaks_the_language_and_where_there_are_two_the_country() {
    for (locale, voice) in
        [("en", "AMY"), ("en-GB", "AMY"), ("en-US", "JOANNA"), ("de-AT", "VICKI"), ("ja-JP", "AMY")]
    {
        assert_eq!(builtin::voice(locale), voice, "{locale}");
    }
}

#[test]
fn the_origin_comes_last_and_only_where_it_fits() {
    let code = Passcode::parse("012345").unwrap();
    let text = |templates: &Templates, origin| {
        let locale = Locale::british();
        match templates.render(Channel::Sms, &locale, &code, TEN_MINUTES, Some(origin)) {
            Rendered::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let built_in = Templates::default();
    assert!(text(&built_in, "bank.example").ends_with("us.\n@bank.example #012345"));
    let long = format!("{}.example", "a".repeat(60));
    assert!(text(&built_in, &long).ends_with("not even with us."));
}

#[test]
fn texts_are_checked_when_they_are_given() {
    let problem = |json| {
        let mut wrong = Templates::parse(&json).unwrap_err();
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        let TemplateProblem { path, rule } = wrong.remove(0);
        (path, rule)
    };
    let segment = "must fit one text message of 160 GSM characters";
    let sms = |text: String| json!({ "en-GB": { "sms": text } });
    for (json, path, rule) in [
        (json!([]), "messageTemplates", "must be an object"),
        (json!({ "english": {} }), "messageTemplates", "must be named by locales such as en-GB"),
        (json!({ "en-GB": {}, "en_gb": {} }), "messageTemplates", "must name each locale once"),
        (json!({ "en-GB": 1 }), "messageTemplates.en-GB", "must be an object"),
        (json!({ "en-GB": { "sms": 1 } }), "messageTemplates.en-GB.sms", "must be a string"),
        (sms("Your code".into()), "messageTemplates.en-GB.sms", "must contain {code} once"),
        // Fits as it stands, and not with ten digits in it.
        (sms(format!("{}{{code}}", "x".repeat(151))), "messageTemplates.en-GB.sms", segment),
        (sms("{code} ŵ".into()), "messageTemplates.en-GB.sms", segment),
        // The built-in text with a purpose that is not of the GSM alphabet.
        (json!({ "en-GB": { "purposePhone": "ŵ" } }), "messageTemplates.en-GB.sms", segment),
    ] {
        assert_eq!(problem(json.clone()), (path.to_owned(), rule), "{json}");
    }
    let (path, rule) = problem(json!({ "en-GB": { "text": "{code}" } }));
    assert_eq!(path, "messageTemplates.en-GB");
    assert!(rule.starts_with("must have no members but sms"));
    let many: serde_json::Map<_, _> =
        (b'a'..=b'u').map(|letter| (format!("a{}", letter as char), json!({}))).collect();
    assert_eq!(problem(many.into()).1, "must have at most 20 locales");
    assert!(Templates::parse(&sms(format!("{}{{code}}", "x".repeat(150)))).is_ok());
}

#[test]
fn texts_are_stored_and_read_again() {
    let json = json!({ "en-GB": { "emailBody": "{code}\n", "purposeEmail": "open your account" } });
    let own = Templates::parse(&json).unwrap();
    assert_eq!(serde_json::to_value(&own).unwrap(), json);
    assert_eq!(serde_json::from_value::<Templates>(json).unwrap(), own);
    assert!(!own.is_empty() && Templates::default().is_empty());
}

#[test]
fn debug_shows_no_code() {
    let shown = format!("{:?}", rendered(&Templates::default(), Channel::Sms, "en-GB"));
    assert_eq!(shown, "Rendered(…)");
}

#[test]
fn every_wrong_text_is_told_at_once() {
    let json = json!({
        "en-GB": { "sms": "no code", "voice": 1, "text": "?" },
        "english": {},
        "de-DE": [],
        "fr-FR": { "emailSubject": "7" },
    });
    let wrong = Templates::parse(&json).unwrap_err();
    let mut paths: Vec<&str> = wrong.iter().map(|wrong| wrong.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "messageTemplates",
            "messageTemplates.de-DE",
            "messageTemplates.en-GB",
            "messageTemplates.en-GB.sms",
            "messageTemplates.en-GB.voice",
            "messageTemplates.fr-FR.emailSubject",
        ]
    );
}
