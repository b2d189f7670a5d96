//! A second score, computed the way the US Treasury describes its own search tool, for users who compare.
//!
//! Invariant: it never decides anything; it is reported beside the calibrated score. The method is the published one
//! (OFAC FAQ 249): Jaro–Winkler over the whole name and over its parts, parts compared when they share a first letter or
//! a Soundex code, the better of both shown.

/// The look-alike score of two printed names, 0 to 1.
#[must_use]
pub fn parity(query: &str, listed: &str) -> f64 {
    let (query, listed) = (words(query), words(listed));
    if query.is_empty() || listed.is_empty() {
        return 0.0;
    }
    let whole = jaro_winkler(query.join(" ").as_bytes(), listed.join(" ").as_bytes());
    let mut sum = 0.0;
    for part in &query {
        let best = listed
            .iter()
            .filter(|other| {
                part.as_bytes().first() == other.as_bytes().first()
                    || soundex(part) == soundex(other)
            })
            .map(|other| jaro_winkler(part.as_bytes(), other.as_bytes()))
            .fold(0.0, f64::max);
        sum += best;
    }
    whole.max(sum / query.len() as f64)
}

fn words(name: &str) -> Vec<String> {
    let ordered = match name.split_once(',') {
        Some((family, given)) => format!("{given} {family}"),
        None => name.to_owned(),
    };
    crate::text::token::romanised_words(&ordered)
        .into_iter()
        .filter(|word| word.is_ascii())
        .collect()
}

/// Jaro–Winkler without the gate on the prefix bonus, which the tool appears to leave out.
fn jaro_winkler(a: &[u8], b: &[u8]) -> f64 {
    let jaro = jaro(a, b);
    let prefix = a.iter().zip(b).take(4).take_while(|(x, y)| x == y).count();
    jaro + prefix as f64 * 0.1 * (1.0 - jaro)
}

fn jaro(a: &[u8], b: &[u8]) -> f64 {
    if a == b {
        return 1.0;
    }
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let reach = (a.len().max(b.len()) / 2).saturating_sub(1);
    let mut taken = vec![false; b.len()];
    let mut from_a = Vec::with_capacity(a.len());
    for (i, &x) in a.iter().enumerate() {
        let found = b
            .iter()
            .enumerate()
            .skip(i.saturating_sub(reach))
            .take(reach * 2 + 1)
            .take_while(|(j, _)| *j <= i + reach)
            .find(|(j, y)| **y == x && taken.get(*j) == Some(&false))
            .map(|(j, _)| j);
        if let Some(slot) = found.and_then(|j| taken.get_mut(j)) {
            *slot = true;
            from_a.push(x);
        }
    }
    let from_b: Vec<u8> =
        b.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(y, _)| *y).collect();
    let matches = from_a.len() as f64;
    if matches == 0.0 {
        return 0.0;
    }
    let swaps = from_a.iter().zip(&from_b).filter(|(x, y)| x != y).count() as f64 / 2.0;
    (matches / a.len() as f64 + matches / b.len() as f64 + (matches - swaps) / matches) / 3.0
}

fn soundex(word: &str) -> [u8; 4] {
    let code = |c: u8| match c {
        b'b' | b'f' | b'p' | b'v' => b'1',
        b'c' | b'g' | b'j' | b'k' | b'q' | b's' | b'x' | b'z' => b'2',
        b'd' | b't' => b'3',
        b'l' => b'4',
        b'm' | b'n' => b'5',
        b'r' => b'6',
        b'h' | b'w' => b'-',
        _ => b'0',
    };
    let mut out = [b'0'; 4];
    let mut bytes = word.bytes();
    let Some(first) = bytes.next() else { return out };
    out[0] = first;
    let mut last = code(first);
    let mut at = 1;
    for c in bytes {
        let digit = code(c);
        if digit == b'-' {
            continue;
        }
        if digit != b'0' && digit != last {
            if let Some(slot) = out.get_mut(at) {
                *slot = digit;
            }
            at += 1;
        }
        last = digit;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn textbook_values() {
        assert!((jaro(b"martha", b"marhta") - 0.944).abs() < 0.001);
        assert!((jaro_winkler(b"dixon", b"dicksonx") - 0.813).abs() < 0.001);
        assert_eq!(&soundex("robert"), b"r163");
        assert_eq!(&soundex("rupert"), b"r163");
        assert_eq!(&soundex("ashcraft"), b"a261");
        assert_eq!(parity("PUTIN, Vladimir", "Vladimir Putin"), 1.0);
    }

    proptest! {
        #[test]
        fn bounded(a in "\\PC{0,30}", b in "\\PC{0,30}") {
            prop_assert!((0.0..=1.0 + 1e-9).contains(&parity(&a, &b)));
        }
    }
}
