//! Post codes of the United Kingdom.
//!
//! Source: the formats of Royal Mail's Programmers' Guide and the list of its 124 postcode areas. Which letters may stand
//! where is part of the format; whether a code is in use is not known here.

/// The 121 areas of the United Kingdom, and Guernsey, Jersey and the Isle of Man.
const AREAS: &str = "AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH \
EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP \
NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD \
WF WN WR WS WV YO ZE";

/// Whether a text is a post code by format and area, written with any spacing and case.
#[must_use]
pub fn is_post_code(text: &str) -> bool {
    let code: Vec<u8> =
        text.bytes().filter(|b| *b != b' ').map(|b| b.to_ascii_uppercase()).collect();
    if !(5..=7).contains(&code.len()) || !code.is_ascii() {
        return false;
    }
    let (outward, inward) = code.split_at(code.len() - 3);
    // Girobank's, kept in use; and the forces' addresses.
    if outward == b"GIR" {
        return inward == b"0AA";
    }
    let inward_letter = |b: u8| b.is_ascii_uppercase() && !b"CIKMOV".contains(&b);
    let inward_good =
        inward[0].is_ascii_digit() && inward_letter(inward[1]) && inward_letter(inward[2]);
    if !inward_good {
        return false;
    }
    if outward.starts_with(b"BF") {
        return outward.len() == 3 && outward[2].is_ascii_digit();
    }
    let letters = outward.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let (area, district) = outward.split_at(letters.min(2));
    let area_known =
        std::str::from_utf8(area).is_ok_and(|area| AREAS.split(' ').any(|a| a == area));
    let digit = |b: &u8| b.is_ascii_digit();
    let district_good = match district {
        [one] => digit(one),
        [one, two] if two.is_ascii_digit() => digit(one),
        // A9A is of inner London west and east; AA9A likewise has few letters.
        [one, last] if area.len() == 1 => digit(one) && b"ABCDEFGHJKPSTUW".contains(last),
        [one, last] => digit(one) && b"ABEHMNPRVWXY".contains(last),
        _ => false,
    };
    area_known && district_good
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formats_and_areas() {
        for good in [
            "N1C 4DA", "n1c4da", "SW1A 1AA", "M1 1AE", "B33 8TH", "CR2 6XH", "DN55 1PT",
            "EC1A 1BB", "W1A 0AX", "GIR 0AA", "BF1 3AA", "GY1 1AA", "JE2 3AB", "IM1 1AA", "L1 8JQ",
        ] {
            assert!(is_post_code(good), "{good}");
        }
        for wrong in [
            "", "ZZ9 9ZZ", "QV1 1AA", "AB1 2CI", "SW1A 1A", "SW1A1AAA", "M1 AAE", "1M 1AE",
            "M1 1CE", "M111 1AE", "GIR 0AB", "BFPO 1AA", "SW1I 1AA", "N1I 1AA", "É1 1AA",
        ] {
            assert!(!is_post_code(wrong), "{wrong}");
        }
        assert_eq!(AREAS.split(' ').count(), 124);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,12}") {
            let _ = is_post_code(&text);
        }

        #[test]
        fn spacing_and_case_do_not_matter(code in "[A-Za-z]{1,2}[0-9]{1,2} [0-9][A-Za-z]{2}") {
            let squeezed = code.replace(' ', "").to_lowercase();
            prop_assert_eq!(is_post_code(&code), is_post_code(&squeezed));
        }
    }
}
