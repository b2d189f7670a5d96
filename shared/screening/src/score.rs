//! From an alignment to a calibrated score, one reported feature at a time.
//!
//! Invariant: the name score is the logistic of a sum of features times configured weights, every term of which is
//! reported, so an explanation re-computes to its score.

use crate::align::{Alignment, Pairing, align};
use crate::config::Config;
use crate::entity::{EntityType, NameKind};
use crate::similarity::{Reason, TokenRef, edits};
use crate::text::Class;
use crate::text::lexicon::{PLACE_GROUP, is_patronymic};
use crate::text::token::GIVEN_GROUP;

/// What an alignment measures. See [`Measures::features`] for how the score uses it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Measures {
    /// Weight matched, after likeness.
    pub(crate) matched: f32,
    /// Weight paired but lost to unlikeness.
    pub(crate) blurred: f32,
    /// Weight of query tokens without a partner.
    pub(crate) query_left: f32,
    /// Weight of listed tokens without a partner.
    pub(crate) listed_left: f32,
    /// Words paired (no particles, titles, legal forms or initials).
    pub(crate) words: f32,
    /// Lowest likeness among paired words.
    pub(crate) worst: f32,
    /// 1 when paired words stand in another order, 0.5 when only rotated; a patronymic at the end accounts for its rotation.
    pub(crate) order: f32,
    /// Weight matched through an initial or a translated word.
    pub(crate) loose: f32,
    /// A number on one side that the other lacks or contradicts.
    pub(crate) numbers: f32,
    /// Both sides hold a number the other lacks: sister ships and numbered companies.
    pub(crate) numbers_contradict: bool,
    /// Both sides state legal forms and none agrees.
    pub(crate) forms_contradict: bool,
    /// Both sides name a place the other lacks: sister companies.
    pub(crate) places_contradict: bool,
    /// In a person's name, an initial on one side that the words left on the other do not bear out.
    pub(crate) initials_contradict: bool,
    /// In a person's name, each side keeps one name the other lacks, and two others agree.
    pub(crate) given_names_contradict: bool,
    /// In a person's name, the family names differ, and two others agree.
    pub(crate) family_names_contradict: bool,
    /// In any other name, an initial stands for a word, and one word in wide use at most agrees beside it.
    pub(crate) initial_only: bool,
    /// Weight of the heaviest query word without a partner; small words aside.
    pub(crate) query_heaviest: f32,
    /// Weight of the heaviest listed word without a partner; small words aside.
    pub(crate) listed_heaviest: f32,
    /// Share of the two last words (in a person's name, the family names) that found a partner: 0, 0.5 or 1.
    pub(crate) last_words: f32,
    /// Reads as a person's name: no legal form and no organisation word on either side.
    pub(crate) personal: bool,
    /// A person is named: the entry is one, or of unknown type and the names read like one.
    pub(crate) person: bool,
    /// The same letters in the same order, only spaced differently.
    pub(crate) same_letters: bool,
    /// Every token identical, none left over, same order.
    pub(crate) exact: bool,
}

/// Words below this weight are joining words, titles and legal forms.
const SMALL: f32 = 0.2;

/// From this likeness on two words agree well.
const WELL: f32 = 0.9;

/// What is left of the weight of a general word ("oil", "group", "national") where only one side has words left over.
const GENERAL: f32 = 0.5;

/// What is left of the weight of a patronymic where only one side has words left over: it is left out as often as not.
const PATRONYMIC: f32 = 0.25;

/// Words without a partner.
fn unmatched<'a>(
    tokens: &[TokenRef<'a>],
    free: impl Fn(usize) -> bool,
) -> impl Iterator<Item = TokenRef<'a>> {
    tokens.iter().enumerate().filter(move |(at, _)| free(*at)).map(|(_, token)| *token)
}

/// What is left over on the other side.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Beside {
    /// Nothing but small words.
    Nothing,
    /// A patronymic, which nothing contradicts.
    Patronymic,
    /// Words that say something.
    Words,
}

/// The weight of words without a partner, in all and of the heaviest. "Rosneft Oil Company" is Rosneft, so general words
/// count for less where the other name has nothing left; "Rosneft Shipping" beside "Rosneft Oil" is another. So it is with
/// patronymics; a title, or an initial of a person's name, is then no word to reckon with.
fn weight_left<'a>(
    rest: impl Iterator<Item = TokenRef<'a>>,
    beside: Beside,
    person: bool,
) -> (f32, f32) {
    let one_sided = beside == Beside::Nothing;
    rest.map(|token| {
        let weight = match token.group {
            group if one_sided && is_patronymic(group) => token.weight * PATRONYMIC,
            group if one_sided && is_general(group) => token.weight * GENERAL,
            _ => token.weight,
        };
        let is_small = match token.class {
            Class::Initial => one_sided && person,
            Class::Title | Class::Number => beside < Beside::Words && token.weight < SMALL,
            _ => one_sided && is_patronymic(token.group),
        };
        (weight, if is_small { 0.0 } else { weight })
    })
    .fold((0.0, 0.0), |(sum, heaviest), (weight, heavy)| (sum + weight, heavy.max(heaviest)))
}

/// Whether a meaning group is of a word or place that any name may hold.
fn is_general(group: u16) -> bool {
    group != 0 && group < GIVEN_GROUP
}

pub(crate) fn measure(
    query: &[TokenRef<'_>],
    listed: &[TokenRef<'_>],
    same_letters: bool,
    entity_type: EntityType,
) -> (Measures, Alignment) {
    let alignment = align(query, listed);
    let mut m = Measures { worst: 1.0, same_letters, ..Measures::default() };
    let corporate = |token: &TokenRef<'_>| {
        token.class == Class::Legal || token.group != 0 && token.group < PLACE_GROUP
    };
    m.personal = !query.iter().chain(listed).any(corporate);
    m.person =
        entity_type == EntityType::Person || entity_type == EntityType::Unknown && m.personal;
    let query_rest = || unmatched(query, |at| alignment.query_free(at));
    let listed_rest = || unmatched(listed, |at| alignment.listed_free(at));
    let weighty = |token: &TokenRef<'_>| token.weight >= SMALL;
    let father = |token: &TokenRef<'_>| is_patronymic(token.group);
    let fathers_differ =
        query_rest().any(|token| father(&token)) && listed_rest().any(|token| father(&token));
    let beside = |rest: &mut dyn Iterator<Item = TokenRef<'_>>| {
        let one = |token: TokenRef<'_>| match token {
            token if !weighty(&token) => Beside::Nothing,
            token if father(&token) && !fathers_differ => Beside::Patronymic,
            _ => Beside::Words,
        };
        rest.map(one).fold(Beside::Nothing, |most, one| if one > most { one } else { most })
    };
    (m.query_left, m.query_heaviest) =
        weight_left(query_rest(), beside(&mut listed_rest()), m.person);
    (m.listed_left, m.listed_heaviest) =
        weight_left(listed_rest(), beside(&mut query_rest()), m.person);
    let number = |token: &TokenRef<'_>| token.class == Class::Number;
    m.numbers = query_rest().chain(listed_rest()).filter(|token| number(token)).count() as f32;
    m.numbers_contradict =
        query_rest().any(|token| number(&token)) && listed_rest().any(|token| number(&token));
    let place = |token: &TokenRef<'_>| {
        token.class == Class::Word && token.group < GIVEN_GROUP && token.group & PLACE_GROUP != 0
    };
    m.places_contradict =
        query_rest().any(|token| place(&token)) && listed_rest().any(|token| place(&token));
    let legal = |token: &TokenRef<'_>| token.class == Class::Legal;
    let forms = |tokens: &[TokenRef<'_>]| tokens.iter().filter(|token| legal(token)).count();
    let unmatched_forms = (
        query_rest().filter(|token| legal(token)).count(),
        listed_rest().filter(|token| legal(token)).count(),
    );
    m.forms_contradict = unmatched_forms.0 > 0
        && unmatched_forms.1 > 0
        && unmatched_forms == (forms(query), forms(listed));
    let mut identical = true;
    let mut places = [u8::MAX; 32];
    for pairing in alignment.pairings() {
        m.matched += pairing.weight * pairing.credit;
        m.blurred += pairing.weight * (1.0 - pairing.credit);
        identical &= pairing.reason == Reason::Identical;
        let small = query.get(usize::from(pairing.query.0)).is_none_or(|token| token.weight < 0.2);
        if matches!(pairing.reason, Reason::Initial | Reason::Translation | Reason::Acronym) {
            m.loose += pairing.weight;
        }
        if !small && pairing.reason != Reason::Initial {
            m.words += 1.0;
            m.worst = m.worst.min(pairing.likeness);
        }
        if !small && let Some(place) = places.get_mut(usize::from(pairing.query.0)) {
            *place = pairing.listed.0;
        }
    }
    let turned = (is_turned(query), is_turned(listed));
    m.order = order_of(&places);
    let as_listed = m.order == 0.0;
    if !as_listed && turned.0 != turned.1 {
        m.order = m.order.min(order_of(&turn(&places, query.len(), listed.len(), turned)));
    }
    let families = (family_name(query, turned.0), family_name(listed, turned.1));
    let free = (
        families.0.is_some_and(|at| alignment.query_free(at)),
        families.1.is_some_and(|at| alignment.listed_free(at)),
    );
    m.last_words = families.0.map_or(0.0, |_| if free.0 { 0.0 } else { 0.5 })
        + families.1.map_or(0.0, |_| if free.1 { 0.0 } else { 0.5 });
    if m.person {
        let rest = (query_rest().filter(weighty), listed_rest().filter(weighty));
        person_contradictions(&mut m, rest, free == (true, true));
        m.family_names_contradict |= families_differ(&alignment, query, listed, families);
    } else {
        let left = query_rest().chain(listed_rest()).any(|token| !legal(&token));
        m.initial_only = is_initial_and_general(&alignment, query, left);
    }
    let whole = alignment.pairings().len() == query.len() && query.len() == listed.len();
    m.exact = identical && whole && as_listed;
    (m, alignment)
}

/// Where the family name stands, as far as the order of the words tells.
fn family_name(tokens: &[TokenRef<'_>], turned: bool) -> Option<usize> {
    let word = |token: &TokenRef<'_>| token.class == Class::Word;
    if turned { tokens.iter().position(word) } else { tokens.iter().rposition(word) }
}

/// Names of persons two words of which agree well contradict each other in what else both have: a name of theirs, the
/// family name (`families_left`), or an initial, which needs no more than a word left on the other side.
fn person_contradictions<'a>(
    m: &mut Measures,
    (query, listed): (impl Iterator<Item = TokenRef<'a>>, impl Iterator<Item = TokenRef<'a>>),
    families_left: bool,
) {
    let count = |rest: &mut dyn Iterator<Item = TokenRef<'a>>| {
        rest.fold((0, 0), |(initials, words), token| match token.class {
            Class::Initial => (initials + 1, words),
            Class::Word => (initials, words + 1),
            _ => (initials, words),
        })
    };
    let (mut query, mut listed) = (query, listed);
    let (query, listed) = (count(&mut query), count(&mut listed));
    let both = query != (0, 0) && listed != (0, 0);
    let agree_well = m.words >= 2.0 && m.worst >= WELL;
    m.initials_contradict = both && query.0 + listed.0 > 0;
    m.family_names_contradict = agree_well && families_left;
    m.given_names_contradict =
        agree_well && !families_left && !m.initials_contradict && (query.1, listed.1) == (1, 1);
}

/// Whether the family names were taken for one another though they only resemble: more than two slips apart, and no
/// romanisation of one name, beside other words that agree well.
fn families_differ(
    alignment: &Alignment,
    query: &[TokenRef<'_>],
    listed: &[TokenRef<'_>],
    families: (Option<usize>, Option<usize>),
) -> bool {
    let (Some(one), Some(other)) = families else { return false };
    let mut rest = (0, 1.0f32);
    let mut differ = false;
    for pairing in alignment.pairings() {
        let (at, place) = (usize::from(pairing.query.0), usize::from(pairing.listed.0));
        let (Some(word), Some(name)) = (query.get(at), listed.get(place)) else { continue };
        if (at, place) == (one, other) {
            differ = pairing.reason == Reason::Similar
                && edits(word.text.as_bytes(), name.text.as_bytes()).0 > 2;
        } else if word.weight >= SMALL && pairing.reason != Reason::Initial {
            rest = (rest.0 + 1, rest.1.min(pairing.likeness));
        }
    }
    differ && rest.0 >= 2 && rest.1 >= WELL
}

/// Whether an initial is paired with a word of a company's name beside one word at most, and that one in wide use. Where
/// words are left over, the same letter on both sides is no more.
fn is_initial_and_general(alignment: &Alignment, query: &[TokenRef<'_>], left: bool) -> bool {
    let is_initial = |pairing: &&Pairing| {
        pairing.reason == Reason::Initial
            || left && of(query, pairing.query).all(|token| token.class == Class::Initial)
    };
    let mut words = alignment
        .pairings()
        .iter()
        .filter(|pairing| !is_initial(pairing))
        .flat_map(|pairing| of(query, pairing.query))
        .filter(|token| token.weight >= SMALL);
    alignment.pairings().iter().any(|pairing| is_initial(&pairing))
        && words.next().is_none_or(|token| token.known || is_general(token.group))
        && words.next().is_none()
}

/// The tokens that a pairing takes.
fn of<'t, 'a>(
    tokens: &'t [TokenRef<'a>],
    (from, length): (u8, u8),
) -> impl Iterator<Item = &'t TokenRef<'a>> {
    tokens.iter().skip(usize::from(from)).take(usize::from(length))
}

/// Whether a patronymic at the end shows that the family name comes first: "Ivanov Sergei Borisovich".
fn is_turned(tokens: &[TokenRef<'_>]) -> bool {
    tokens.len() > 2 && tokens.last().is_some_and(|token| is_patronymic(token.group))
}

/// The places as they are with the family names of those that are turned put last.
fn turn(places: &[u8; 32], query: usize, listed: usize, turned: (bool, bool)) -> [u8; 32] {
    let mut out = [u8::MAX; 32];
    for (at, place) in places.iter().enumerate().take(query).filter(|(_, place)| **place != u8::MAX)
    {
        let at = if turned.0 { (at + query - 1) % query } else { at };
        let place = usize::from(*place);
        let place = if turned.1 { (place + listed - 1) % listed } else { place };
        if let Some(slot) = out.get_mut(at) {
            *slot = place as u8;
        }
    }
    out
}

/// 0 for the same order, 0.5 for a rotation ("SURNAME Given"), 1 for anything else.
fn order_of(places: &[u8; 32]) -> f32 {
    let mut drops = 0;
    let mut first = None;
    let mut last: Option<u8> = None;
    for &place in places.iter().filter(|place| **place != u8::MAX) {
        if last.is_some_and(|last| place < last) {
            drops += 1;
        }
        first = first.or(Some(place));
        last = Some(place);
    }
    match drops {
        0 => 0.0,
        1 if last < first => 0.5,
        _ => 1.0,
    }
}

/// Names of the features, in the order of [`Measures::features`] and of the configured curves.
pub(crate) const FEATURES: [&str; FEATURE_COUNT] = [
    "share of the query explained",
    "share of the listed name explained",
    "both shares together",
    "amount of evidence",
    "evidence times agreement",
    "both sides keep unmatched words",
    "spelling differences",
    "words matched",
    "word order",
    "initials and translations",
    "numbers disagree",
    "least similar word",
    "rarest unmatched word of the query",
    "rarest unmatched word of the listed name",
    "rare words unmatched on both sides",
    "last words matched",
];

/// How many features the name score sums up.
pub(crate) const FEATURE_COUNT: usize = 16;

impl Measures {
    /// Everything measured, as plain numbers for tuning.
    pub(crate) fn raw(&self) -> [f32; 12] {
        [
            self.matched,
            self.blurred,
            self.query_left,
            self.listed_left,
            self.words,
            self.worst,
            self.order,
            self.loose,
            self.numbers,
            self.query_heaviest,
            self.listed_heaviest,
            self.last_words,
        ]
    }

    /// The features the name score sums up.
    pub(crate) fn features(&self) -> [f32; FEATURE_COUNT] {
        let paired = self.matched + self.blurred;
        let share =
            |left: f32| if paired + left > 0.0 { self.matched / (paired + left) } else { 0.0 };
        let (query, listed) = (share(self.query_left), share(self.listed_left));
        let conflict = self.query_left.min(self.listed_left);
        [
            query,
            listed,
            query * listed,
            self.matched,
            self.matched * query * listed,
            conflict / (paired + conflict).max(0.01),
            self.blurred / paired.max(0.01),
            self.words,
            self.order,
            self.loose / paired.max(0.01),
            self.numbers.min(1.0),
            1.0 - self.worst,
            self.query_heaviest,
            self.listed_heaviest,
            self.query_heaviest.min(self.listed_heaviest),
            self.last_words,
        ]
    }
}

/// The most that the order of equal hits adds to a name.
pub(crate) const MOST_TIE: f64 = 6.0 * 0.02 + 0.02 + 0.01;

/// The name part of a score, in log-odds.
pub(crate) fn name_log_odds(measures: &Measures, kind: NameKind, config: &Config) -> f64 {
    // Longer and rarer names are surer, which also orders equal hits.
    let tie = f64::from(measures.matched.min(6.0)) * 0.02
        + if measures.same_letters { 0.02 } else { 0.0 }
        + if kind == NameKind::Primary { 0.01 } else { 0.0 };
    if measures.exact {
        return config.exact_log_odds + tie;
    }
    let curves = config.curves(measures.person);
    let sum: f64 = curves.base
        + measures
            .features()
            .iter()
            .zip(&curves.features)
            .map(|(value, curve)| curve.at(f64::from(*value)))
            .sum::<f64>();
    let sum = if measures.same_letters { sum.max(config.same_letters_log_odds + tie) } else { sum };
    let sum = soften(sum, config.inexact_ceiling, 1.7)
        + config.kind_log_odds(kind)
        + config.contradictions(measures).map(|(_, odds)| odds).sum::<f64>();
    if measures.initial_only && !measures.same_letters {
        soften(sum, config.initial_ceiling, 0.8)
    } else {
        sum
    }
}

/// Keeps a sum below a ceiling without making equal what comes near it.
fn soften(sum: f64, ceiling: f64, bend: f64) -> f64 {
    let knee = ceiling - bend;
    if sum <= knee { sum.max(-12.0) } else { ceiling - bend * (-(sum - knee) / bend).exp() }
}

/// The logistic function.
pub(crate) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}
