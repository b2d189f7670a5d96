//! From an alignment to a calibrated score, one reported feature at a time.
//!
//! Invariant: the name score is the logistic of a sum of features times configured weights, every term of which is
//! reported, so an explanation re-computes to its score.

use crate::align::{Alignment, align};
use crate::config::Config;
use crate::entity::{EntityType, NameKind};
use crate::similarity::{Reason, TokenRef};
use crate::text::Class;
use crate::text::lexicon::PLACE_GROUP;
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
    /// 1 when paired words stand in another order, 0.5 when only rotated.
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
    /// Weight of the heaviest query word without a partner.
    pub(crate) query_heaviest: f32,
    /// Weight of the heaviest listed word without a partner.
    pub(crate) listed_heaviest: f32,
    /// Share of the two last words (in a person's name, the family names) that found a partner: 0, 0.5 or 1.
    pub(crate) last_words: f32,
    /// Reads as a person's name: no legal form and no organisation word on either side.
    pub(crate) personal: bool,
    /// The same letters in the same order, only spaced differently.
    pub(crate) same_letters: bool,
    /// Every token identical, none left over, same order.
    pub(crate) exact: bool,
}

/// Words below this weight are joining words, titles and legal forms.
const SMALL: f32 = 0.2;

/// What is left of the weight of a general word ("oil", "group", "national") where only one side has words left over.
const GENERAL: f32 = 0.5;

/// Words without a partner.
fn unmatched<'a>(
    tokens: &[TokenRef<'a>],
    free: impl Fn(usize) -> bool,
) -> impl Iterator<Item = TokenRef<'a>> {
    tokens.iter().enumerate().filter(move |(at, _)| free(*at)).map(|(_, token)| *token)
}

/// The weight of words without a partner, in all and of the heaviest. "Rosneft Oil Company" is Rosneft, so general words
/// count for less where the other name has nothing left; "Rosneft Shipping" beside "Rosneft Oil" is another.
fn weight_left<'a>(rest: impl Iterator<Item = TokenRef<'a>>, one_sided: bool) -> (f32, f32) {
    rest.map(|token| {
        let general = token.group != 0 && token.group < GIVEN_GROUP;
        if general && one_sided { token.weight * GENERAL } else { token.weight }
    })
    .fold((0.0, 0.0), |(sum, heaviest), weight| (sum + weight, weight.max(heaviest)))
}

pub(crate) fn measure(
    query: &[TokenRef<'_>],
    listed: &[TokenRef<'_>],
    same_letters: bool,
) -> (Measures, Alignment) {
    let alignment = align(query, listed);
    let mut m = Measures { worst: 1.0, same_letters, ..Measures::default() };
    let corporate = |token: &TokenRef<'_>| {
        token.class == Class::Legal || token.group != 0 && token.group < PLACE_GROUP
    };
    m.personal = !query.iter().chain(listed).any(corporate);
    let query_rest = || unmatched(query, |at| alignment.query_free(at));
    let listed_rest = || unmatched(listed, |at| alignment.listed_free(at));
    let weighty = |token: &TokenRef<'_>| token.weight >= SMALL;
    let (one_sided_query, one_sided_listed) =
        (!listed_rest().any(|token| weighty(&token)), !query_rest().any(|token| weighty(&token)));
    (m.query_left, m.query_heaviest) = weight_left(query_rest(), one_sided_query);
    (m.listed_left, m.listed_heaviest) = weight_left(listed_rest(), one_sided_listed);
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
    m.order = order_of(&places);
    let last =
        |tokens: &[TokenRef<'_>]| tokens.iter().rposition(|token| token.class == Class::Word);
    m.last_words = last(query).map_or(0.0, |at| if alignment.query_free(at) { 0.0 } else { 0.5 })
        + last(listed).map_or(0.0, |at| if alignment.listed_free(at) { 0.0 } else { 0.5 });
    let whole = alignment.pairings().len() == query.len() && query.len() == listed.len();
    m.exact = identical && whole && m.order == 0.0;
    (m, alignment)
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

    /// Whether the weights for persons apply: the entry is a person, or of unknown type and reads like one.
    pub(crate) fn as_person(&self, entity_type: EntityType) -> bool {
        entity_type == EntityType::Person || entity_type == EntityType::Unknown && self.personal
    }
}

/// The most that the order of equal hits adds to a name.
pub(crate) const MOST_TIE: f64 = 6.0 * 0.02 + 0.02 + 0.01;

/// The name part of a score, in log-odds.
pub(crate) fn name_log_odds(
    measures: &Measures,
    kind: NameKind,
    entity_type: EntityType,
    config: &Config,
) -> f64 {
    // Longer and rarer names are surer, which also orders equal hits.
    let tie = f64::from(measures.matched.min(6.0)) * 0.02
        + if measures.same_letters { 0.02 } else { 0.0 }
        + if kind == NameKind::Primary { 0.01 } else { 0.0 };
    if measures.exact {
        return config.exact_log_odds + tie;
    }
    let curves = config.curves(measures.as_person(entity_type));
    let sum: f64 = curves.base
        + measures
            .features()
            .iter()
            .zip(&curves.features)
            .map(|(value, curve)| curve.at(f64::from(*value)))
            .sum::<f64>();
    let sum = if measures.same_letters { sum.max(config.same_letters_log_odds + tie) } else { sum };
    soften(sum, config.inexact_ceiling)
        + config.kind_log_odds(kind)
        + config.contradictions(measures).map(|(_, odds)| odds).sum::<f64>()
}

/// Keeps a name that is not identical below the ceiling without making good matches equal.
fn soften(sum: f64, ceiling: f64) -> f64 {
    let knee = ceiling - 1.7;
    if sum <= knee { sum.max(-12.0) } else { ceiling - 1.7 * (-(sum - knee) / 1.7).exp() }
}

/// The logistic function.
pub(crate) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}
