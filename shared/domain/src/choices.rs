//! The closed lists of values a customer record uses.
//!
//! Spellings are the ones documented for the COS contract plus its listed guesses. Reading ignores ASCII letter
//! case, as the original's serializer does (its samples spell paths and values in several cases); writing always
//! uses the documented spelling, so an answer never depends on how a caller typed.

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the documented order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Every spelling, in the same order.
            pub const SPELLINGS: &'static [&'static str] = &[$($text),+];

            /// Reads a value, ignoring ASCII letter case.
            ///
            /// # Errors
            /// [`Problem::NotOneOf`](crate::problem::Problem::NotOneOf) with the whole list.
            pub fn parse(text: &str) -> Result<Self, $crate::problem::Problem> {
                $(if text.eq_ignore_ascii_case($text) { return Ok(Self::$variant); })+
                Err($crate::problem::Problem::NotOneOf { allowed: Self::SPELLINGS })
            }

            /// The documented spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::problem::Problem;
            fn try_from(text: String) -> Result<Self, $crate::problem::Problem> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        #[cfg(test)]
        impl $name {
            fn check_round_trip() {
                assert_eq!(Self::ALL.len(), Self::SPELLINGS.len());
                for (value, text) in Self::ALL.iter().zip(Self::SPELLINGS) {
                    assert_eq!(Self::parse(text), Ok(*value));
                    assert_eq!(Self::parse(&text.to_uppercase()), Ok(*value));
                    assert_eq!(value.as_str(), *text);
                }
                assert_eq!(Self::parse("Nonsense"), Err($crate::problem::Problem::NotOneOf { allowed: Self::SPELLINGS }));
                assert!(Self::parse("").is_err());
            }
        }
    )+

    #[cfg(test)]
    mod spellings {
        #[test]
        fn every_list_reads_its_own_spellings_in_any_case() {
            $(super::$name::check_round_trip();)+
        }
    }
    };
}
pub(crate) use choices;

choices! {
    /// Whether the customer is a person or a company.
    Classification {
        /// A person.
        Personal = "Personal",
        /// A company or other entity.
        Business = "Business",
    }

    /// Whether the customer may be worked with.
    CustomerStatus {
        /// In business with us.
        Active = "Active",
        /// Deactivated; readable, no longer changeable.
        Inactive = "Inactive",
    }

    /// How risky the partner considers the customer.
    RiskRating {
        /// Low.
        Low = "Low",
        /// Medium.
        Medium = "Medium",
        /// High.
        High = "High",
    }

    /// The legal form of a company.
    EntityType {
        /// A corporation.
        Corporation = "Corporation",
        /// A limited liability company.
        Llc = "LLC",
        /// A partnership.
        Partnership = "Partnership",
        /// One person trading.
        SoleProprietorship = "SoleProprietorship",
        /// A trust.
        Trust = "Trust",
        /// A non-profit organisation.
        NonProfit = "NonProfit",
        /// Any other form.
        Other = "Other",
    }

    /// What kind of owner a company has.
    OwnershipType {
        /// The company is a legal entity of its own.
        LegalEntity = "LegalEntity",
    }

    /// What an address is used for.
    AddressType {
        /// Where the customer lives.
        Home = "Home",
        /// Where the customer works.
        Work = "Work",
        /// Where post goes.
        Mailing = "Mailing",
    }

    /// What stands at an address.
    AddressClassification {
        /// A home.
        Residential = "Residential",
        /// A business.
        Business = "Business",
    }

    /// What a phone is.
    PhoneType {
        /// A mobile phone.
        Mobile = "Mobile",
        /// A phone at work.
        Work = "Work",
        /// A phone at home.
        Home = "Home",
    }

    /// What an e-mail address is.
    EmailType {
        /// At work.
        Work = "Work",
        /// Private.
        Personal = "Personal",
        /// At home.
        Home = "Home",
    }

    /// What an identity document is.
    IdentificationType {
        /// A driver's licence.
        DriversLicense = "DriversLicense",
        /// A passport.
        Passport = "Passport",
        /// Anything else.
        Other = "Other",
    }
}
