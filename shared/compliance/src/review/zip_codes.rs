//! ZIP codes: which prefixes exist and which states they lie in.
//!
//! Source: the three-digit prefixes of the United States Postal Service (Publication 65 and the labelling list L002). A prefix
//! that crosses a border has every state that it serves.

/// First and last prefix of a run, and its states.
const PREFIXES: &[(u16, u16, &str)] = &[
    (5, 5, "NY"),
    (6, 7, "PR"),
    (8, 8, "VI"),
    (9, 9, "PR"),
    (10, 27, "MA"),
    (28, 29, "RI"),
    (30, 38, "NH"),
    (39, 49, "ME"),
    (50, 54, "VT"),
    (55, 55, "MA"),
    (56, 59, "VT"),
    (60, 62, "CT"),
    (63, 63, "CT NY"),
    (64, 69, "CT"),
    (70, 89, "NJ"),
    (90, 98, "AE"),
    (100, 149, "NY"),
    (150, 196, "PA"),
    (197, 199, "DE"),
    (200, 200, "DC"),
    (201, 201, "VA"),
    (202, 205, "DC"),
    (206, 219, "MD"),
    (220, 246, "VA"),
    (247, 268, "WV"),
    (270, 289, "NC"),
    (290, 299, "SC"),
    (300, 319, "GA"),
    (320, 339, "FL"),
    (340, 340, "AA"),
    (341, 342, "FL"),
    (344, 344, "FL"),
    (346, 347, "FL"),
    (349, 349, "FL"),
    (350, 352, "AL"),
    (354, 369, "AL"),
    (370, 385, "TN"),
    (386, 397, "MS"),
    (398, 399, "GA"),
    (400, 421, "KY"),
    (422, 422, "KY TN"),
    (423, 427, "KY"),
    (430, 459, "OH"),
    (460, 479, "IN"),
    (480, 499, "MI"),
    (500, 528, "IA"),
    (530, 532, "WI"),
    (534, 535, "WI"),
    (537, 549, "WI"),
    (550, 551, "MN"),
    (553, 567, "MN"),
    (569, 569, "DC"),
    (570, 577, "SD"),
    (580, 588, "ND"),
    (590, 599, "MT"),
    (600, 620, "IL"),
    (622, 629, "IL"),
    (630, 631, "MO"),
    (633, 641, "MO"),
    (644, 658, "MO"),
    (660, 662, "KS"),
    (664, 679, "KS"),
    (680, 681, "NE"),
    (683, 693, "NE"),
    (700, 701, "LA"),
    (703, 708, "LA"),
    (710, 714, "LA"),
    (716, 729, "AR"),
    (730, 731, "OK"),
    (733, 733, "TX"),
    (734, 738, "OK"),
    (739, 739, "OK TX"),
    (740, 741, "OK"),
    (743, 749, "OK"),
    (750, 799, "TX"),
    (800, 816, "CO"),
    (820, 831, "WY"),
    (832, 833, "ID"),
    (834, 834, "ID WY"),
    (835, 838, "ID"),
    (840, 847, "UT"),
    (850, 853, "AZ"),
    (855, 857, "AZ"),
    (859, 860, "AZ"),
    (863, 864, "AZ"),
    (865, 865, "AZ NM"),
    (870, 871, "NM"),
    (873, 875, "NM"),
    (877, 884, "NM"),
    (885, 885, "TX"),
    (889, 891, "NV"),
    (893, 895, "NV"),
    (897, 898, "NV"),
    (900, 908, "CA"),
    (910, 928, "CA"),
    (930, 961, "CA"),
    (962, 966, "AP"),
    (967, 967, "AS HI"),
    (968, 968, "HI"),
    (969, 969, "FM GU MH MP PW"),
    (970, 979, "OR"),
    (980, 986, "WA"),
    (988, 994, "WA"),
    (995, 999, "AK"),
];

/// What a ZIP code comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zip {
    /// Not `12345` or `12345-6789`.
    Malformed,
    /// Of a prefix that is not in use.
    Unassigned,
    /// Of a prefix in these states, with a space between them.
    In(&'static str),
}

/// Reads a ZIP code.
#[must_use]
pub fn zip(text: &str) -> Zip {
    let bytes = text.trim().as_bytes();
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let shaped = match bytes.len() {
        5 => digits(bytes),
        10 => digits(&bytes[..5]) && bytes[5] == b'-' && digits(&bytes[6..]),
        _ => false,
    };
    if !shaped {
        return Zip::Malformed;
    }
    let prefix = bytes[..3].iter().fold(0_u16, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    PREFIXES
        .iter()
        .find(|(first, last, _)| (*first..=*last).contains(&prefix))
        .map_or(Zip::Unassigned, |(_, _, states)| Zip::In(states))
}

impl Zip {
    /// Whether the state is one that the prefix lies in.
    #[must_use]
    pub fn is_in(self, state: &str) -> bool {
        matches!(self, Self::In(states) if states.split(' ').any(|known| known == state))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_do_not_overlap_and_name_states() {
        for pair in PREFIXES.windows(2) {
            assert!(pair[0].0 <= pair[0].1 && pair[0].1 < pair[1].0, "{pair:?}");
        }
        for (_, _, states) in PREFIXES {
            for state in states.split(' ') {
                assert!(
                    domain::country::Region::parse(state, domain::country::Country::US).is_ok(),
                    "{state}"
                );
            }
        }
    }

    #[test]
    fn codes_lie_where_they_lie() {
        for (text, state, lies) in [
            ("89501", "NV", true),
            ("89501-1234", "NV", true),
            ("89501", "CA", false),
            ("10001", "NY", true),
            ("00501", "NY", true),
            ("06390", "NY", true),
            ("94105", "CA", true),
            ("09012", "AE", true),
            ("34002", "AA", true),
            ("96201", "AP", true),
            ("96910", "GU", true),
            ("96799", "AS", true),
            ("96799", "HI", true),
            ("96910", "AS", false),
            ("00601", "PR", true),
            ("20500", "DC", true),
            ("73301", "TX", true),
            ("88510", "TX", true),
        ] {
            assert_eq!(zip(text).is_in(state), lies, "{text} {state}");
        }
        for text in ["00000", "00401", "34501", "21301"] {
            let found = zip(text);
            assert_eq!(found == Zip::Unassigned, text != "21301", "{text}");
        }
        for text in ["", "8950", "895011", "89501-12", "89501-12345", "8950a", "８９５０１"] {
            assert_eq!(zip(text), Zip::Malformed, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,14}") {
            let _ = zip(&text);
        }
    }
}
