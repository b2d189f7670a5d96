//! What is known of e-mail domains and handles: short lists of our own, sorted, so that a look-up needs no start-up work.
//!
//! Sources: the lists name services by what they say of themselves (disposable boxes, forwarding relays); special-use names
//! are those of RFC 2606 and RFC 6761; roles are those of RFC 2142 and their usual companions; letter pairs are those that
//! do not occur in English words and hardly in names.

/// Top-level domains that no public mail reaches (RFC 6761, RFC 6762, RFC 7686, RFC 9476).
pub const INVALID_TLDS: &[&str] = &["alt", "internal", "invalid", "local", "localhost", "onion"];

/// Top-level domains reserved for examples and tests (RFC 2606).
pub const SPECIAL_TLDS: &[&str] = &["example", "invalid", "localhost", "test"];

/// Colleges of the United States.
pub const COLLEGE_TLD: &str = "edu";

/// Domains reserved for examples (RFC 2606).
pub const SPECIAL_DOMAINS: &[&str] = &["example.com", "example.net", "example.org"];

/// Top-level domains that are or were free of charge, or sold for next to nothing, and abused accordingly.
pub const RISKY_TLDS: &[&str] = &[
    "bid", "buzz", "cam", "cf", "cfd", "click", "cyou", "date", "download", "ga", "gdn", "gq",
    "icu", "loan", "ml", "mom", "monster", "party", "quest", "racing", "rest", "review", "sbs",
    "science", "stream", "tk", "top", "trade", "win", "work", "zip",
];

/// Providers where anybody gets a mailbox.
pub const COMMON_PROVIDERS: &[&str] = &[
    "aim.com",
    "aol.com",
    "att.net",
    "bellsouth.net",
    "btinternet.com",
    "charter.net",
    "comcast.net",
    "cox.net",
    "earthlink.net",
    "fastmail.com",
    "gmail.com",
    "gmx.com",
    "gmx.net",
    "googlemail.com",
    "hey.com",
    "hotmail.co.uk",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mac.com",
    "mail.com",
    "me.com",
    "msn.com",
    "optonline.net",
    "outlook.com",
    "pm.me",
    "proton.me",
    "protonmail.com",
    "rocketmail.com",
    "sbcglobal.net",
    "sky.com",
    "tutanota.com",
    "verizon.net",
    "virginmedia.com",
    "windstream.net",
    "yahoo.co.uk",
    "yahoo.com",
    "ymail.com",
    "zoho.com",
];

/// Relays that hide the mailbox behind them: lawful, often wise, and of no use for knowing a person by.
pub const HIDING: &[&str] = &[
    "anonaddy.com",
    "anonaddy.me",
    "duck.com",
    "mozmail.com",
    "passinbox.com",
    "privaterelay.appleid.com",
    "relay.firefox.com",
    "simplelogin.com",
    "simplelogin.io",
    "slmail.me",
];

/// Handles that stand for a function and not for a person.
pub const TECHNICAL_ROLES: &[&str] = &[
    "abuse",
    "admin",
    "administrator",
    "contact",
    "do-not-reply",
    "donotreply",
    "help",
    "hostmaster",
    "info",
    "mailer-daemon",
    "marketing",
    "no-reply",
    "noc",
    "noreply",
    "office",
    "postmaster",
    "root",
    "sales",
    "security",
    "spam",
    "ssladmin",
    "support",
    "sysadmin",
    "usenet",
    "uucp",
    "webmaster",
];

/// Services that give out addresses to be thrown away.
pub const DISPOSABLE: &[&str] = &[
    "0-mail.com",
    "10minutemail.com",
    "10minutemail.net",
    "20minutemail.com",
    "33mail.com",
    "anonbox.net",
    "anonymbox.com",
    "binkmail.com",
    "bobmail.info",
    "bugmenot.com",
    "burnermail.io",
    "byom.de",
    "chacuo.net",
    "cock.li",
    "crazymailing.com",
    "cuvox.de",
    "dayrep.com",
    "deadaddress.com",
    "discard.email",
    "discardmail.com",
    "discardmail.de",
    "dispostable.com",
    "dodgit.com",
    "dropmail.me",
    "e4ward.com",
    "einrot.com",
    "email-fake.com",
    "emailfake.com",
    "emailondeck.com",
    "emailsensei.com",
    "emailtemporanea.net",
    "emltmp.com",
    "fakeinbox.com",
    "fakemail.net",
    "fakemailgenerator.com",
    "fleckens.hu",
    "generator.email",
    "getairmail.com",
    "getnada.com",
    "gishpuppy.com",
    "grr.la",
    "guerrillamail.biz",
    "guerrillamail.com",
    "guerrillamail.de",
    "guerrillamail.info",
    "guerrillamail.net",
    "guerrillamail.org",
    "guerrillamailblock.com",
    "gustr.com",
    "harakirimail.com",
    "hidemail.de",
    "hmamail.com",
    "inboxbear.com",
    "inboxkitten.com",
    "incognitomail.org",
    "internxt.com",
    "jetable.org",
    "jourrapide.com",
    "kasmail.com",
    "luxusmail.org",
    "mail-temp.com",
    "mail.tm",
    "mailcatch.com",
    "maildrop.cc",
    "mailexpire.com",
    "mailforspam.com",
    "mailinater.com",
    "mailinator.com",
    "mailinator.net",
    "mailinator2.com",
    "mailmetrash.com",
    "mailmoat.com",
    "mailna.me",
    "mailnesia.com",
    "mailnull.com",
    "mailpoof.com",
    "mailsac.com",
    "mailshell.com",
    "mailtemp.net",
    "mailtothis.com",
    "mintemail.com",
    "minuteinbox.com",
    "moakt.com",
    "mohmal.com",
    "mt2015.com",
    "mvrht.com",
    "mytemp.email",
    "mytrashmail.com",
    "nada.email",
    "nomail.xl.cx",
    "nowmymail.com",
    "objectmail.com",
    "one-time.email",
    "owlymail.com",
    "pokemail.net",
    "proxymail.eu",
    "rcpt.at",
    "rhyta.com",
    "sharklasers.com",
    "shieldemail.com",
    "smailpro.com",
    "sneakemail.com",
    "sogetthis.com",
    "spam4.me",
    "spambog.com",
    "spambox.us",
    "spamfree24.org",
    "spamgourmet.com",
    "spamhole.com",
    "spamspot.com",
    "superrito.com",
    "suremail.info",
    "teleworm.us",
    "temp-mail.io",
    "temp-mail.org",
    "temp-mail.ru",
    "tempail.com",
    "tempemail.co",
    "tempinbox.com",
    "tempmail.com",
    "tempmail.dev",
    "tempmail.net",
    "tempmail.plus",
    "tempmailaddress.com",
    "tempmailo.com",
    "tempr.email",
    "throwam.com",
    "throwawaymail.com",
    "tmail.ws",
    "tmailor.com",
    "tmpmail.net",
    "tmpmail.org",
    "trash-mail.com",
    "trashmail.com",
    "trashmail.de",
    "trashmail.io",
    "trashmail.net",
    "trashmail.ws",
    "trbvm.com",
    "vomoto.com",
    "wegwerfmail.de",
    "wegwerfmail.net",
    "yopmail.com",
    "yopmail.fr",
    "yopmail.net",
    "zetmail.com",
];

/// Letter pairs that do not occur in names, as text of two letters and a space each.
const RARE_PAIRS: &str = "\
bx cj cv cx dx fq fx gq gx hx jc jf jg jq js jv jw jx jz kq kx mx px pz qb qc qd qf qg qh \
qj qk ql qm qn qp qs qt qv qw qx qy qz sx vb vf vh vj vm vp vq vt vw vx wx xj xx zj zq zx";

/// Whether two lower-case letters do not follow one another in names.
pub fn is_rare_pair(first: u8, second: u8) -> bool {
    let pairs = RARE_PAIRS.as_bytes();
    pairs.chunks(3).any(|pair| pair.starts_with(&[first, second]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searched_lists_are_sorted() {
        for list in
            [SPECIAL_DOMAINS, RISKY_TLDS, COMMON_PROVIDERS, HIDING, TECHNICAL_ROLES, DISPOSABLE]
        {
            assert!(list.windows(2).all(|pair| pair[0] < pair[1]));
        }
        for domain in DISPOSABLE {
            assert!(COMMON_PROVIDERS.binary_search(domain).is_err(), "{domain}");
        }
    }

    #[test]
    fn pairs_are_found() {
        assert!(is_rare_pair(b'b', b'x') && is_rare_pair(b'z', b'x') && is_rare_pair(b'q', b'z'));
        assert!(!is_rare_pair(b't', b'h') && !is_rare_pair(b'x', b' '));
        assert_eq!(RARE_PAIRS.split(' ').filter(|pair| pair.len() != 2).count(), 0);
    }
}
