//! The reason codes and our own words for them.
//!
//! The numbering is the contract's (§7); `BI` and `BR` are numbered by us, as the contract leaves them open, and so is `G`, for
//! what the contract has no words for: that something could not be looked at, say, and with `GR` for risks. Invariants: a
//! code without a text cannot be written; a code that no module emits is not in the table; no text names a person, a
//! partner or a value.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares the codes with their texts.
macro_rules! codes {
    ($($code:ident = $text:literal;)*) => {
        /// Why a module judged as it did.
        #[expect(missing_docs, reason = "each code's text says what it means")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code { $($code),* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$code),*];

            /// The code as the contract writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => stringify!($code)),* }
            }

            /// What it means.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$code => $text),* }
            }
        }
    };
}

codes! {
    // These are ours beside the contract's. What could not be looked at weighs nothing.
    G001 = "No list of politically exposed persons is configured, so none was searched";
    G002 = "A watchlist that is to be searched was not at hand";
    G003 = "The identity provider gave no answer";
    G004 = "The address service gave no answer";
    G005 = "The Social Security number is a pattern that people type instead of one";
    G006 = "A match on a watchlist is shown that a person has cleared";
    G007 = "A match of an earlier name, or of somebody who acted for the customer earlier, is not decided";

    // Watchlists.
    I196 = "No match on the watchlists that were searched";
    R180 = "Possible match on the OFAC list of specially designated nationals";
    R181 = "Possible match on an OFAC list other than the list of specially designated nationals";
    R182 = "Possible match on another sanctions list";
    R183 = "Possible match on an enforcement or debarment list";
    R184 = "Possible match with a politically exposed person";
    R185 = "Possible match with a person in adverse media";

    // What comes with one element of the application. These risks are ours beside the contract's.
    I410 = "The device has come with more than two phone numbers of late";
    I411 = "The device has come with more than two e-mail addresses of late";
    I412 = "The device has come with more than two first names of late";
    I413 = "The device has come with more than two last names of late";
    GR001 = "The e-mail address has come with several names or birth dates of late";
    GR002 = "The phone number has come with several names or birth dates of late";
    GR003 = "The network address of the device has come with many names or birth dates of late";
    GR004 = "The bank account has come with several names or birth dates of late";

    // Alert lists.
    R106 = "An element of the application is on an alert list";
    R110 = "The e-mail address is on an alert list";
    R111 = "The tax number is on an alert list";
    R113 = "The phone number is on an alert list";

    // Identity.
    I201 = "Name, address and Social Security number agree with one record";
    I202 = "The number given as Social Security number is an individual taxpayer number";
    I903 = "No address was given";
    I904 = "No Social Security number was given";
    I906 = "No birth date was given";
    I912 = "The Social Security number was assigned at random, so after June 2011";
    I919 = "Name, address and Social Security number resolve to a person";
    I931 = "The name of the person looks like the name of an entity";
    R201 = "The Social Security number is invalid";
    R202 = "The holder of the Social Security number is reported deceased";
    R206 = "The Social Security number was issued before the birth date";
    R212 = "The last name is not tied to the Social Security number";
    R215 = "The first name is not tied to the Social Security number";
    R216 = "The birth date could not be verified";
    R217 = "The Social Security number carries no trace of when and where it was issued";
    R222 = "The Social Security number could not be confirmed";
    R350 = "The birth date gives an age under 16 or over 100";
    R351 = "The birth date gives an age under 13";
    R352 = "The birth date gives an age of 13 to 15";
    R353 = "The birth date gives an age of 16 or 17";
    R355 = "The birth date gives an improbable age";
    R901 = "The Social Security number does not resolve to the person";
    R902 = "The name does not resolve to the person";
    R907 = "The Social Security number is reported deceased";
    R911 = "The Social Security number was issued before the birth date";
    R913 = "The Social Security number is not one that is issued";
    R919 = "The address does not resolve to the person";
    R922 = "The birth date does not resolve to the person";

    // Synthetic identities.
    I920 = "The identity is young and has little history yet";
    R298 = "The identity looks like a manipulated one";
    R299 = "The identity looks like a fabricated one";

    // Reputation in the network.
    I1001 = "The identity is unknown to the network";
    I1004 = "The identity is known to at least four members of the network";
    R203 = "The tax number is tied to several identities";
    R204 = "The tax number is tied to several last names";
    R205 = "The tax number is tied to another name and address";
    R207 = "The tax number is tied to several birth dates";
    R208 = "The tax number is tied to several addresses";
    R224 = "Four or more tax numbers have come with this phone number";
    R225 = "Four or more first names have come with this tax number";
    R226 = "Several phone numbers have come with this tax number";
    R227 = "The tax number has come up unusually often of late";
    R956 = "Several tax numbers are tied to the identity";
    R1001 = "At least two birth dates are tied to the identity";

    // E-mail.
    I520 = "The risk score of the e-mail address is low";
    I550 = "The e-mail address has been known for at least 180 days";
    I551 = "The e-mail address has been known for at least one year";
    I553 = "The e-mail address has been known for more than two years";
    I554 = "The e-mail address is the first name exactly";
    I556 = "The e-mail address resolves to the person";
    I557 = "The e-mail address correlates with the first name";
    I558 = "The e-mail address correlates with the last name";
    I559 = "The e-mail address is the last name exactly";
    I561 = "The e-mail domain belongs to a US college";
    I562 = "The e-mail address contains the ZIP code";
    I563 = "The e-mail domain is reserved for special use";
    I564 = "The e-mail address has unusual symbols";
    I565 = "The e-mail address belongs to a role and not to a person";
    I566 = "The e-mail provider is a well-known one";
    I567 = "The e-mail address has five or more alphabetic parts";
    I568 = "The e-mail address contains a name";
    I569 = "The e-mail address contains the given first name";
    I570 = "The e-mail address contains the given last name";
    R520 = "The risk score of the e-mail address is high";
    R551 = "The e-mail address is invalid";
    R557 = "The e-mail domain gives out disposable addresses";
    R558 = "The e-mail address looks generated by a program";
    R560 = "The e-mail address consists mostly of digits";
    R561 = "The e-mail address has been known for less than 180 days";
    R563 = "The e-mail domain is invalid";
    R564 = "The part of the e-mail address before the @ is not one that its provider gives out";
    R565 = "The e-mail domain hides who uses it";
    R567 = "The e-mail domain is under a top-level domain with a high rate of abuse";
    R568 = "The e-mail address looks scrambled";
    R569 = "The e-mail address is unusually long";
    R572 = "More than two phone numbers have come with this e-mail address within two years";
    R573 = "The e-mail address has letter sequences that do not occur in names";
    R574 = "More than half of the e-mail address are symbols";

    // Phone.
    I601 = "The phone is a landline";
    I602 = "The phone is a mobile";
    I605 = "The phone number is premium-rate";
    I610 = "The phone number correlates with the address";
    I618 = "The phone number resolves to the person";
    I620 = "The risk score of the phone number is low";
    I621 = "The phone number correlates with the first name";
    I622 = "The phone number correlates with the last name";
    R602 = "The country of the phone number is not that of the address";
    R603 = "The phone number is invalid";
    R606 = "The phone number is of a range that is never in service";
    R607 = "The area of the phone number matches that of the address only partly";
    R611 = "The phone number is of a kind that is not for consumers";
    R614 = "The phone number is toll-free";
    R615 = "The phone number is of a voice-over-IP range";
    R620 = "The risk score of the phone number is high";

    // Address.
    I704 = "The address is one of several units";
    I705 = "The address is a single unit";
    I706 = "The address is a college";
    I707 = "The address is residential";
    I708 = "The address resolves to the person";
    I711 = "The address is deliverable";
    I712 = "The address is deliverable when the unit is dropped";
    I713 = "The address is deliverable but its unit is missing";
    I714 = "The address is valid but has no street delivery";
    I720 = "The risk score of the address is low";
    R701 = "The address is inactive or vacant";
    R702 = "The address is not confirmed to be deliverable";
    R703 = "The address is invalid or does not exist";
    R704 = "The address is a prison";
    R707 = "The address is a mail drop";
    R708 = "The address is a post-office box";
    R709 = "The address is commercial";
    R710 = "The address is military";
    R712 = "The postal code is invalid";
    R713 = "City, state and postal code do not agree";
    R720 = "The risk score of the address is high";
    R722 = "State or postal code had to be corrected";

    // Businesses; our own numbers.
    BI001 = "The employer identification number has a prefix that the IRS gives out";
    BI002 = "The legal name agrees with the name";
    BI003 = "The name states a legal form";
    BI004 = "The website and the e-mail address share a domain";
    BI005 = "A website was given";
    BI006 = "At least one representative was named";
    BI007 = "The employer identification number has come with this name before";
    BI008 = "An identity source confirms the business";
    BR001 = "The employer identification number is not one that the IRS gives out";
    BR002 = "The employer identification number is a placeholder";
    BR003 = "The legal name does not agree with the name";
    BR004 = "The website's address is invalid";
    BR005 = "The e-mail address of the business is at a free provider";
    BR006 = "No representative was named";
    BR007 = "The employer identification number has come with another name";
    BR008 = "No employer identification number was given";
    BR009 = "The name of the business looks like a placeholder";
    BR010 = "The website's domain is reserved for special use";
    BR011 = "A representative's contact details are invalid";
    BR012 = "The business could not be confirmed";
}

impl Code {
    /// Whether it tells of a risk (`R`, `BR`, `GR`) rather than of a fact (`I`, `BI`, `G`).
    #[must_use]
    pub fn is_risk(self) -> bool {
        self.as_str().trim_start_matches(['B', 'G']).starts_with('R')
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Every module that emits codes.
    const EMITTERS: &[&str] = &[
        include_str!("address.rs"),
        include_str!("alerts.rs"),
        include_str!("assess.rs"),
        include_str!("business.rs"),
        include_str!("email.rs"),
        include_str!("kyc.rs"),
        include_str!("other_names.rs"),
        include_str!("phone.rs"),
        include_str!("reputation.rs"),
        include_str!("synthetic.rs"),
        include_str!("watch_list.rs"),
    ];

    #[test]
    fn every_code_has_a_text_of_its_own_and_a_module_that_emits_it() {
        let mut texts = BTreeSet::new();
        for code in Code::ALL {
            assert!(code.text().len() > 10, "{code}");
            assert!(
                texts.insert(code.text()) || ["R911", "R907"].contains(&code.as_str()),
                "{code}"
            );
            let name = format!("Code::{code}");
            let emitted = EMITTERS.iter().any(|source| {
                let logic = source.split("#[cfg(test)]").next().unwrap();
                logic.match_indices(&name).any(|(at, _)| {
                    !logic[at + name.len()..].starts_with(|c: char| c.is_ascii_digit())
                })
            });
            assert!(emitted, "nobody emits {code}");
        }
    }

    #[test]
    fn codes_are_kept_by_their_names() {
        for code in Code::ALL {
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(json, format!("\"{code}\""));
            assert_eq!(serde_json::from_str::<Code>(&json).unwrap(), *code);
        }
        assert!(Code::R201.is_risk() && Code::BR001.is_risk() && Code::GR001.is_risk());
        assert!(!Code::I201.is_risk() && !Code::BI001.is_risk() && !Code::G001.is_risk());
    }

    /// The codes of a contract table's first column: `I301 / I302`, `R180–R186`, `**I205–I208**`, `R606, R607`.
    fn documented(text: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let section = text.split("## 7. Reason codes").nth(1).unwrap_or("");
        let section = section.split("\n## ").next().unwrap_or("");
        for line in section.lines().filter(|line| line.starts_with("| ")) {
            let cell = line.trim_start_matches("| ").split('|').next().unwrap_or("");
            for part in cell.replace("**", "").split(['/', ',']) {
                let ends: Vec<&str> = part.split('–').map(str::trim).collect();
                let digits = |text: &str| text[1..].parse::<u32>().ok();
                match ends.as_slice() {
                    [one] if one.len() > 1 => {
                        found.insert((*one).to_owned());
                    }
                    [low, high] => {
                        if let (Some(low_number), Some(high_number)) = (digits(low), digits(high)) {
                            found.extend(
                                (low_number..=high_number)
                                    .map(|number| format!("{}{number}", &low[..1])),
                            );
                        }
                    }
                    _ => {}
                }
            }
        }
        found
    }

    #[test]
    fn every_code_is_in_the_contract() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contracts/straddle.md");
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("skipped: the shared contract is not beside the repository");
            return;
        };
        let documented = documented(&text);
        assert!(documented.len() > 200, "the table was read: {}", documented.len());
        for code in Code::ALL.iter().filter(|code| !code.as_str().starts_with(['B', 'G'])) {
            assert!(documented.contains(code.as_str()), "{code} is not in the contract");
        }
    }
}
