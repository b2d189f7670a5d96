//! Short forms of forenames that are in use in the United Kingdom.
//!
//! Invariant: being one name goes both ways. A short form may belong to several names; they are not thereby one another.

/// Each line: a name, then its short forms and spellings.
const GROUPS: &[&[&str]] = &[
    &["ABIGAIL", "ABBY", "ABBIE", "GAIL"],
    &["ABRAHAM", "ABE"],
    &["ADRIAN", "ADE"],
    &["AGNES", "AGGIE"],
    &["ALAN", "ALLAN", "ALLEN", "AL"],
    &["ALBERT", "AL", "BERT", "BERTIE"],
    &["ALEXANDER", "ALEX", "ALEC", "SANDY", "XANDER", "ALASTAIR", "ALISTAIR"],
    &["ALEXANDRA", "ALEX", "SANDRA", "LEXI"],
    &["ALFRED", "ALF", "ALFIE", "FRED"],
    &["AMANDA", "MANDY"],
    &["ANDREW", "ANDY", "DREW"],
    &["ANGELA", "ANGIE", "ANGE"],
    &["ANN", "ANNE", "ANNIE", "ANNA"],
    &["ANTHONY", "ANTONY", "TONY", "ANT"],
    &["ARTHUR", "ART"],
    &["BARBARA", "BARB", "BABS", "BARBIE"],
    &["BENJAMIN", "BEN", "BENJI", "BENNY"],
    &["BERNARD", "BERNIE"],
    &["BRADLEY", "BRAD"],
    &["CAROLINE", "CARRIE", "CARO"],
    &[
        "CATHERINE",
        "KATHERINE",
        "KATHRYN",
        "CATH",
        "CATHY",
        "KATH",
        "KATHY",
        "KATE",
        "KATIE",
        "KIT",
        "KITTY",
    ],
    &["CHARLES", "CHARLIE", "CHAS", "CHUCK"],
    &["CHARLOTTE", "CHARLIE", "LOTTIE", "CHAR"],
    &["CHRISTINE", "CHRISTINA", "CHRIS", "CHRISSIE", "TINA"],
    &["CHRISTOPHER", "CHRIS", "KIT", "TOPHER"],
    &["CLIFFORD", "CLIFF"],
    &["DANIEL", "DAN", "DANNY"],
    &["DAVID", "DAVE", "DAVEY", "DAI"],
    &["DEBORAH", "DEBRA", "DEB", "DEBBIE"],
    &["DENNIS", "DENIS", "DEN"],
    &["DEREK", "DERRICK", "DEL"],
    &["DONALD", "DON", "DONNIE"],
    &["DOROTHY", "DOT", "DOTTY", "DOLLY"],
    &["DOUGLAS", "DOUG", "DUGGIE"],
    &["EDWARD", "ED", "EDDIE", "EDDY", "TED", "TEDDY", "NED"],
    &["EDWIN", "ED", "EDDIE"],
    &["ELEANOR", "ELLIE", "ELLA", "NELL"],
    &[
        "ELIZABETH",
        "ELISABETH",
        "LIZ",
        "LIZZIE",
        "LIZZY",
        "BETH",
        "BETTY",
        "BESS",
        "ELIZA",
        "ELSIE",
        "LIBBY",
    ],
    &["EMILY", "EM", "EMMY"],
    &["ERNEST", "ERNIE"],
    &["EUGENE", "GENE"],
    &["FLORENCE", "FLO", "FLOSSIE"],
    &["FRANCES", "FRAN", "FRANNY"],
    &["FRANCIS", "FRANK"],
    &["FREDERICK", "FRED", "FREDDIE", "FREDDY"],
    &["GABRIEL", "GABE"],
    &["GARETH", "GAZ", "GARY"],
    &["GEOFFREY", "JEFFREY", "GEOFF", "JEFF"],
    &["GEORGINA", "GEORGIE", "GINA"],
    &["GERALD", "GERRY", "JERRY"],
    &["GILLIAN", "JILLIAN", "GILL", "JILL"],
    &["GRAHAM", "GRAEME"],
    &["GREGORY", "GREG"],
    &["GWENDOLYN", "GWEN"],
    &["HAROLD", "HARRY", "HAL"],
    &["HARRIET", "HATTIE"],
    &["HENRY", "HARRY", "HANK", "HAL"],
    &["HERBERT", "BERT", "HERB"],
    &["HUGH", "HUW", "HUGHIE"],
    &["ISABEL", "ISABELLA", "ISOBEL", "BELLA", "IZZY", "IZZIE"],
    &["JACK", "JACKIE", "JOHN"],
    &["JACOB", "JAKE"],
    &["JACQUELINE", "JACKIE", "JACQUI"],
    &["JAMES", "JIM", "JIMMY", "JAMIE", "JEM"],
    &["JANET", "JAN"],
    &["JENNIFER", "JEN", "JENNY", "JENNIE"],
    &["JEREMY", "JEZ", "JERRY"],
    &["JESSICA", "JESS", "JESSIE"],
    &["JOANNA", "JOANNE", "JO", "JOAN"],
    &["JOHN", "JON", "JOHNNY", "JONNY", "IAN", "SEAN"],
    &["JONATHAN", "JON", "JONNY", "JONATHON"],
    &["JOSEPH", "JOE", "JOEY"],
    &["JOSEPHINE", "JO", "JOSIE"],
    &["JOSHUA", "JOSH"],
    &["JUDITH", "JUDY", "JUDE"],
    &["KAREN", "KAZ"],
    &["KENNETH", "KEN", "KENNY"],
    &["KIMBERLEY", "KIMBERLY", "KIM"],
    &["LAWRENCE", "LAURENCE", "LARRY", "LOZ"],
    &["LEONARD", "LEN", "LENNY", "LEO"],
    &["LESLEY", "LES"],
    &["LESLIE", "LES"],
    &["LOUIS", "LEWIS", "LOU"],
    &["LOUISE", "LOU"],
    &["LUCY", "LUCINDA", "LUCE"],
    &["MALCOLM", "MAL"],
    &["MARGARET", "MAGGIE", "MEG", "PEGGY", "MADGE", "MARGE", "RITA"],
    &["MARTIN", "MARTYN", "MARTY"],
    &["MATTHEW", "MATT", "MATTY"],
    &["MAUREEN", "MO"],
    &["MAXWELL", "MAX"],
    &["MELANIE", "MEL"],
    &["MICHAEL", "MIKE", "MICK", "MICKY", "MIKEY"],
    &["MICHELLE", "SHELL", "SHELLY"],
    &["MOHAMMED", "MUHAMMAD", "MOHAMED", "MOHAMMAD", "MOHD", "MO"],
    &["NATALIE", "NAT"],
    &["NATHANIEL", "NATHAN", "NATE", "NAT"],
    &["NICHOLAS", "NICOLAS", "NICK", "NICKY"],
    &["NICOLA", "NICKY", "NIKKI", "NIC"],
    &["NORMAN", "NORM"],
    &["OLIVER", "OLLIE", "OLLY"],
    &["OLIVIA", "LIV", "LIVVY", "OLLIE"],
    &["PAMELA", "PAM"],
    &["PATRICIA", "PAT", "PATSY", "TRISH", "TRICIA", "PATTY"],
    &["PATRICK", "PAT", "PADDY"],
    &["PETER", "PETE"],
    &["PHILIP", "PHILLIP", "PHIL", "PIP"],
    &["PHILIPPA", "PIPPA", "PIP"],
    &["PRISCILLA", "CILLA"],
    &["RACHEL", "RACHAEL", "RACH"],
    &["RAYMOND", "RAY"],
    &["REBECCA", "BECKY", "BECCA", "BECKS"],
    &["REGINALD", "REG", "REGGIE"],
    &["RICHARD", "RICK", "RICKY", "DICK", "RICH", "RICHIE"],
    &["ROBERT", "ROB", "ROBBIE", "BOB", "BOBBY", "BERT", "ROBIN"],
    &["RODERICK", "ROD", "RODDY", "RORY"],
    &["RODNEY", "ROD"],
    &["ROGER", "RODGER", "ROG"],
    &["RONALD", "RON", "RONNIE"],
    &["ROSEMARY", "ROSE", "ROSIE"],
    &["SAMANTHA", "SAM", "SAMMY"],
    &["SAMUEL", "SAM", "SAMMY"],
    &["SARAH", "SARA", "SALLY", "SADIE"],
    &["SEBASTIAN", "SEB"],
    &["SHARON", "SHAZ"],
    &["SHIRLEY", "SHIRL"],
    &["SIDNEY", "SYDNEY", "SID"],
    &["SIMON", "SI"],
    &["SOPHIA", "SOPHIE", "SOFIA"],
    &["STANLEY", "STAN"],
    &["STEPHANIE", "STEPH", "STEFFIE"],
    &["STEPHEN", "STEVEN", "STEVE", "STEVIE"],
    &["STUART", "STEWART", "STU"],
    &["SUSAN", "SUSANNAH", "SUE", "SUZIE", "SUSIE"],
    &["TERENCE", "TERRENCE", "TERRY"],
    &["TERESA", "THERESA", "TESS", "TERRI"],
    &["THEODORE", "THEO", "TED", "TEDDY"],
    &["THOMAS", "TOM", "TOMMY"],
    &["TIMOTHY", "TIM", "TIMMY"],
    &["TRACEY", "TRACY", "TRACE"],
    &["VALERIE", "VAL"],
    &["VERONICA", "RONNIE", "RON"],
    &["VICTOR", "VIC"],
    &["VICTORIA", "VICKY", "VICKI", "TORI", "VIC"],
    &["VINCENT", "VINCE", "VINNIE"],
    &["VIVIENNE", "VIVIAN", "VIV"],
    &["WALTER", "WALT", "WALLY"],
    &["WENDY", "WEN"],
    &["WILLIAM", "WILL", "BILL", "BILLY", "WILLIE", "LIAM", "WM"],
    &["WINIFRED", "WIN", "WINNIE", "FREDA"],
    &["YVONNE", "VON"],
    &["ZACHARY", "ZACHARIAH", "ZAC", "ZACK", "ZAK"],
];

/// Whether both are forms of one name. Expects folded, upper-case words.
pub(super) fn are_one_name(one: &str, other: &str) -> bool {
    GROUPS.iter().any(|group| group.contains(&one) && group.contains(&other))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_stand_once_in_a_group_and_groups_in_order() {
        for group in GROUPS {
            let different: BTreeSet<_> = group.iter().collect();
            assert_eq!(different.len(), group.len(), "{group:?}");
            assert!(group.len() > 1, "{group:?}");
            for name in *group {
                assert!(name.bytes().all(|byte| byte.is_ascii_uppercase()), "{name}");
            }
        }
        for pair in GROUPS.windows(2) {
            assert!(pair[0][0] < pair[1][0], "{}", pair[1][0]);
        }
    }

    #[test]
    fn a_short_form_does_not_join_two_names() {
        assert!(are_one_name("ALEX", "ALEXANDER") && are_one_name("ALEXANDRA", "ALEX"));
        assert!(!are_one_name("ALEXANDER", "ALEXANDRA"));
        assert!(are_one_name("BOB", "ROBERT") && !are_one_name("BOB", "BILL"));
    }
}
